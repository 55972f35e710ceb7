// Where the parts of an archive begin. Decided by the entries alone, so that one that is added or changed moves the cuts near it and
// no other.
import type { Entry } from '../../format/tar.ts';
import { PART_CLASSES, type PartClass } from '../../format/manifest.ts';
import { beginsAt, weightOf } from './plan.ts';

/** From which sizes on an archive has parts. */
export interface Parting {
  /** Less content than this stands in one archive. */
  readonly fromBytes: number;
  /** Files of this size are a class of their own. */
  readonly largeBytes: number;
  /** The smallest size that parts are cut at; the others are this one doubled, and doubled again. */
  readonly leastBytes: number;
}

export const PARTING: Parting = {
  fromBytes: 128 << 20,
  largeBytes: 1 << 20,
  leastBytes: 4 << 20,
};

/** More parts than these make each run and each listing slow. */
const MOST_PARTS = 48;
/** With fewer, a change takes too much of the whole with it. */
const FEWEST_PARTS = 6;
/** A part is about this share of the whole. */
const SHARE = 40;

/** What stands in a part, or before a cut. */
export interface PartTotals {
  readonly entries: number;
  readonly files: number;
  readonly contentBytes: number;
}

export interface PlannedPart extends PartTotals {
  readonly class: PartClass;
  /** Of the first entry that was found for it; a byte string. */
  readonly firstPath: string;
  /** Where it begins and ends among the entries of its class, as `add` was told. */
  readonly from: number;
  readonly to: number;
}

export interface PartPlan {
  /** What the parts were cut at; a run after this one cuts at the same. */
  readonly partBytes: number;
  /** In the order of the archive. */
  readonly parts: readonly PlannedPart[];
}

/** A place where a part may begin. */
interface Cut extends PartTotals {
  readonly firstPath: string;
  readonly at: number;
  /** A part begins here when parts are cut at this or less. */
  readonly reach: number;
}

/** What is known of a class so far. */
interface ClassSoFar {
  readonly class: PartClass;
  cuts: Cut[];
  entries: number;
  files: number;
  contentBytes: number;
}

/** Takes all entries, each class in order; memory does not grow with them. */
export class PartPlanner {
  private readonly leastBytes: number;
  /** What parts are cut at, at least: at less there would be too many. */
  private least: number;
  private readonly classes = new Map<PartClass, ClassSoFar>();

  constructor({ leastBytes }: Pick<Parting, 'leastBytes'>) {
    this.leastBytes = leastBytes;
    this.least = leastBytes;
  }

  /** @param at - where the entry stands among those of its class, in any unit that grows */
  add(partClass: PartClass, entry: Entry, at: number): void {
    const own = this.ofClass(partClass);
    const reach = this.reachOf(own, entry);
    if (reach > 0) {
      const { entries, files, contentBytes } = own;
      own.cuts.push({ firstPath: entry.path, at, reach, entries, files, contentBytes });
      while (this.countAt(this.least) > MOST_PARTS) this.coarsen();
    }
    own.entries++;
    if (entry.type === 'file') own.files++;
    own.contentBytes += entry.size;
  }

  private ofClass(name: PartClass): ClassSoFar {
    const known = this.classes.get(name);
    if (known !== undefined) return known;
    const made = { class: name, cuts: [], entries: 0, files: 0, contentBytes: 0 };
    this.classes.set(name, made);
    return made;
  }

  /** Up to what size of parts the entry begins one; 0 when it begins none. */
  private reachOf(own: ClassSoFar, entry: Entry): number {
    if (own.entries === 0) return Infinity;
    if (own.class === 'directories') return 0;
    const weight = weightOf(entry);
    let reach = 0;
    for (let size = this.least; beginsAt(entry.path, weight, size); size *= 2) reach = size;
    return reach;
  }

  private countAt(partBytes: number): number {
    return this.classes
      .values()
      .reduce((sum, { cuts }) => sum + cuts.filter(({ reach }) => reach >= partBytes).length, 0);
  }

  private coarsen(): void {
    this.least *= 2;
    for (const own of this.classes.values())
      own.cuts = own.cuts.filter(({ reach }) => reach >= this.least);
  }

  /**
   * The parts of all that was added.
   *
   * @param ends - where each class ends, in the unit of `add`
   * @param kept - what the parts of the run before were cut at: they are cut at the same again where that gives neither too few nor too many
   */
  finish(ends: (own: PartClass) => number, kept: number | undefined): PartPlan {
    const partBytes = this.fits(kept) ? kept : this.smallest();
    const classes = PART_CLASSES.flatMap((name) => this.classes.get(name) ?? []);
    const parts = classes.flatMap((own) => {
      const cuts = own.cuts.filter(({ reach }) => reach >= partBytes);
      return cuts.map((cut, i): PlannedPart => {
        const next = cuts[i + 1] ?? { ...own, at: ends(own.class) };
        return {
          class: own.class,
          firstPath: cut.firstPath,
          from: cut.at,
          to: next.at,
          entries: next.entries - cut.entries,
          files: next.files - cut.files,
          contentBytes: next.contentBytes - cut.contentBytes,
        };
      });
    });
    return { partBytes, parts };
  }

  private fits(kept: number | undefined): kept is number {
    if (kept === undefined || kept < this.least) return false;
    if (!Number.isInteger(Math.log2(kept / this.leastBytes))) return false;
    return this.countAt(kept) >= FEWEST_PARTS;
  }

  /** The smallest that is a share of the whole and gives not too many parts. Not in proportion to the whole: that would move all cuts with each file. */
  private smallest(): number {
    const whole = this.classes.values().reduce((sum, one) => sum + one.contentBytes, 0);
    let size = this.least;
    while (size < whole / SHARE) size *= 2;
    return size;
  }
}

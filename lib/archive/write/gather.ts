// What a source holds, gathered before any of it is read: only the whole of it tells whether the archive has parts, and which.
import { setImmediate } from 'node:timers/promises';
import { HoldfastError } from '../../errors.ts';
import type { PartClass } from '../../format/manifest.ts';
import { PartPlanner, type Parting, type PartPlan } from './part-plan.ts';
import type { SourceEntry } from './plan.ts';
import { Spool } from './spool.ts';

/** So many are held as they are; more are spooled. */
const HELD_ENTRIES = 20_000;
/** After so many others get a turn: whoever interrupts a run is heard. */
const AT_ONCE = 500;

export interface GatherOptions {
  readonly parting: Parting;
  /** What the parts of the run before were cut at. */
  readonly kept: number | undefined;
  /** An absolute folder, for what memory cannot hold. */
  readonly scratch: string;
  readonly signal: AbortSignal | undefined;
}

export interface Gathered extends Disposable {
  /** Undefined where all stands in one archive. */
  readonly plan: PartPlan | undefined;
  /** The entries of each class, as the plan names them. */
  readonly classes: Classes;
  /** All entries, in ascending order of their paths. */
  inOrder(): Iterable<SourceEntry>;
}

export type Classes = Readonly<Record<PartClass, Spool>>;

/** Takes all entries of a source. `CANCELLED` when the signal says so, `NO_SPACE` when there is no room to note them. */
export async function gather(
  entries: Iterable<SourceEntry> | AsyncIterable<SourceEntry>,
  options: GatherOptions,
): Promise<Gathered> {
  const gathering = new Gathering(options);
  let count = 0;
  const isTurn = (entry: SourceEntry) => {
    gathering.add(entry);
    return ++count % AT_ONCE === 0;
  };
  try {
    // A step of an asynchronous iteration costs as much as an entry.
    if (Symbol.asyncIterator in entries) {
      for await (const entry of entries) if (isTurn(entry)) await turn(options);
    } else {
      for (const entry of entries) if (isTurn(entry)) await turn(options);
    }
    gathering.finish();
    return gathering;
  } catch (error) {
    gathering[Symbol.dispose]();
    throw error;
  }
}

async function turn({ signal }: GatherOptions): Promise<void> {
  await setImmediate();
  if (signal?.aborted !== true) return;
  throw new HoldfastError('CANCELLED', 'the backup was interrupted', { cause: signal.reason });
}

class Gathering implements Gathered {
  plan: PartPlan | undefined;
  readonly classes: Classes;
  private readonly options: GatherOptions;
  private readonly planner: PartPlanner;
  private held: SourceEntry[] | undefined = [];
  private contentBytes = 0;
  /** A directory, until the next entry tells whether something stands below it. */
  private directory: SourceEntry | undefined;

  constructor(options: GatherOptions) {
    this.options = options;
    this.planner = new PartPlanner(options.parting);
    const { scratch } = options;
    this.classes = {
      large: new Spool(scratch),
      small: new Spool(scratch),
      directories: new Spool(scratch),
    };
  }

  add(entry: SourceEntry): void {
    this.contentBytes += entry.size;
    if (this.held === undefined) {
      this.spool(entry);
      return;
    }
    this.held.push(entry);
    if (this.isLarge || this.held.length > HELD_ENTRIES) this.spoolHeld();
  }

  private get isLarge(): boolean {
    return this.contentBytes >= this.options.parting.fromBytes;
  }

  private spoolHeld(): void {
    for (const one of this.held ?? []) this.spool(one);
    this.held = undefined;
  }

  private spool(entry: SourceEntry): void {
    if (this.directory !== undefined) {
      const holds = entry.path.startsWith(this.directory.path);
      this.place(holds ? 'directories' : 'small', this.directory);
      this.directory = undefined;
    }
    if (entry.type === 'directory') this.directory = entry;
    else {
      const large = entry.type === 'file' && entry.size >= this.options.parting.largeBytes;
      this.place(large ? 'large' : 'small', entry);
    }
  }

  private place(own: PartClass, entry: SourceEntry): void {
    const spool = this.classes[own];
    this.planner.add(own, entry, spool.end);
    spool.add(entry);
  }

  finish(): void {
    if (this.held !== undefined) return;
    if (this.directory !== undefined) this.place('small', this.directory);
    if (!this.isLarge) return;
    const plan = this.planner.finish((own) => this.classes[own].end, this.options.kept);
    // What would be a single part is an archive as it always was.
    if (plan.parts.length > 1) this.plan = plan;
  }

  inOrder(): Iterable<SourceEntry> {
    return this.held ?? merged(Object.values(this.classes));
  }

  [Symbol.dispose](): void {
    for (const spool of Object.values(this.classes)) spool[Symbol.dispose]();
  }
}

function* merged(spools: readonly Spool[]): Generator<SourceEntry> {
  const streams = spools.map((spool) => spool.entries());
  const heads = streams.map((stream) => stream.next());
  for (;;) {
    let least = -1;
    for (const [i, head] of heads.entries()) {
      if (head.done === true) continue;
      const before = heads[least];
      if (before === undefined || before.done === true || head.value.path < before.value.path)
        least = i;
    }
    const [head, stream] = [heads[least], streams[least]];
    if (head === undefined || head.done === true || stream === undefined) return;
    yield head.value;
    heads[least] = stream.next();
  }
}

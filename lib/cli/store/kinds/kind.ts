// The contract of what the command line knows of a store: a file beside this one for each kind.
import type { Config } from '../../../config/config.ts';
import type { Engine } from '../../../engine/engine.ts';
import type { Artifact } from '../../../format/manifest.ts';
import type { LockHolder } from '../../../stores/folder/lock.ts';
import type { DoctorFinding, SeenSource } from '../../doctor/finding.ts';

/** What is known of the store at a place, whether there is one or not. */
export interface AboutStore {
  /** Whether each byte that is read costs money: nothing is read without need then. */
  readonly readingCosts: boolean;
  /** Variables of the environment by which its credentials are found. */
  readonly variables: readonly string[];
  /** Whether `examine` finds something out before there is a store: a bucket has its locks and versions by then. */
  readonly examinedWithoutStore: boolean;

  /** Findings of `doctor` about the store of `engine`, which is at this place. */
  examine(
    engine: Engine,
    config: Config | undefined,
    sources: readonly SeenSource[],
  ): Promise<DoctorFinding[]>;

  /** Runs a prune while no other one runs there, if two at once do harm. `LOCKED` when one does. */
  whilePruning<T>(holder: LockHolder, prune: () => Promise<T>): Promise<T>;

  /** How somebody without Holdfast gets at artifacts. */
  byHand(): ByHand;

  /** The command that brings what is in `folder`, another store, and overwrites nothing. */
  copyCommand(folder: string): string;

  /** Where there is no store: what is there, in words. */
  whatIsThere(): Promise<string>;

  /** Where there is no store: what to do, besides naming the right one in `setting`. */
  remedy(setting: string): string;

  /** Where there is no store: those that may be meant. Looks at a few hundred names at most. */
  nearby(): Promise<Neighbour[]>;
}

/** Names artifacts for commands of a shell, and remembers which of them have to be fetched first. */
export interface ByHand {
  readonly placeOf: (artifact: Artifact) => string;
  /** Commands that fetch what was named, into the working folder; none for a store that is a folder. */
  readonly fetch: () => readonly string[];
}

/** A store that may be meant in place of another. */
export interface Neighbour {
  readonly place: string;
  /** What its marker says. */
  readonly system: string;
}

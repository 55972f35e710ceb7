// Content that lies in no file of this machine, and how it is fetched where it is.
import type { Problem } from '../../errors.ts';
import type { Entry } from '../../format/tar.ts';

/** What of an entry may turn out to be otherwise than it was found. */
export interface Found extends Pick<Entry, 'size' | 'mtimeMicroseconds'> {
  /** What changes when the content changes. */
  readonly stat: string;
}

/** Content that cannot be had, and why. */
export interface NotFetched {
  readonly problems: readonly Problem[];
}

/** The whole content of an entry, and the entry as it was when that was read. */
export interface Fetched extends NotFetched {
  readonly now: Found;
  readonly bytes: Uint8Array;
}

/** Content that is read in stretches, all of them of one state. */
export interface OpenContent {
  readonly now: Found;
  /** Fills `into` with what begins at `position`, with zeros where it can no longer be had; says how much could. Several at once. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** After the last read: what has to be said of it. */
  finish(): readonly Problem[];
}

/** How the content of one entry is fetched. What concerns this entry alone is a problem; what ends the run is thrown. */
export interface Content {
  /** For an entry that is not split. */
  whole(): Promise<Fetched | NotFetched>;
  /** For one that is. */
  open(): Promise<OpenContent | NotFetched>;
}

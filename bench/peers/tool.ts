// The contract of a tool that is compared, and the operations that it is asked for.
import type { Command } from '../measure.ts';

/**
 * The operations, in the order in which a round does them: verify and restore work on the first backup, before others are added.
 */
export const OPERATIONS = [
  'first',
  'verify',
  'digest',
  'restore',
  'file',
  'restoreTest',
  'unchanged',
  'changed',
  'checkout',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What each operation is called in a report. */
export const OPERATION_TITLES: Readonly<Record<Operation, string>> = {
  first: 'first backup',
  verify: 'verify content',
  digest: 'verify digest',
  restore: 'full restore',
  file: 'one file',
  restoreTest: 'restore test',
  unchanged: 'unchanged',
  changed: '1 % changed',
  checkout: 'fresh checkout',
};

/** The operations that write a backup. */
export const BACKUPS: ReadonlySet<Operation> = new Set([
  'first',
  'unchanged',
  'changed',
  'checkout',
]);

/** Where a tool works in one round. */
export interface Place {
  /** The tree to back up, or the URL of the database. */
  readonly source: string;
  /** The tool's own folder: empty before `prepare`; what it stores and caches stays here. */
  readonly state: string;
  /** The folder to restore into: there and empty. */
  readonly target: string;
  /** The path, relative to the source, that `file` restores; of a database its dump as plain text. */
  readonly file: string;
}

/** A tool, or one way of using it. */
export interface Tool {
  /** What `--tools` calls it. */
  readonly name: string;
  /** What a report calls it. */
  readonly title: string;
  /** How it was used, for the reader of the report. */
  readonly about: string;
  /** The version that was found, or undefined when the tool is not installed. */
  version(): string | undefined;
  /** Makes what the first backup needs; not measured. */
  prepare(place: Place): Promise<void>;
  /** Run, not measured, between the changed tree's backup and the fresh checkout. */
  beforeCheckout?(place: Place): Command | Promise<Command>;
  /** The command for an operation, or undefined when the tool has no such thing. */
  command(operation: Operation, place: Place): Command | undefined | Promise<Command | undefined>;
  /** The folder whose size counts as stored. */
  stored(place: Place): string | Promise<string>;
}

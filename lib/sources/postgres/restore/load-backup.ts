// Loads a backup into the database that a restore goes to: in one transaction, in several, or by several jobs.
import { HoldfastError } from '../../../errors.ts';
import type { OpenBackup, RestoreToServiceInput } from '../../source.ts';
import { listDirectory, loadDirectory } from '../dump/directory.ts';
import { loadDump, runTogether, type LoadInput, type LoadOptions } from './load.ts';
import type { PropertyChange } from './properties.ts';
import { failedApart, failedTogether } from '../dump/transactions.ts';

/** What is loaded, and what goes before and after it. */
export interface Loading {
  /** SQL that takes away what stands in the way, and makes what is missing. */
  readonly before: string;
  /** What the database itself gets. */
  readonly change: PropertyChange;
  /** SQL that fills once more what one session has filled: it keeps the settings that its database loses meanwhile. */
  readonly again: string;
  readonly saved: string | undefined;
  /** What the target keeps as it is, in the words of pg_restore. */
  readonly leftOut: ReadonlySet<string>;
  readonly pieces?: LoadOptions['pieces'];
}

export interface LoadTarget {
  readonly load: LoadInput;
  readonly backup: OpenBackup;
  readonly input: RestoreToServiceInput;
}

/** Loads from the text of a dump: in one transaction unless `apart` is asked for. */
export async function loadFromText(
  { load, backup, input }: LoadTarget,
  { before, change, again, saved, pieces }: Loading,
  how: Pick<LoadOptions, 'text' | 'unknown'>,
): Promise<void> {
  const { sql: after, ofSession: settings } = change;
  const options = { ...how, after, settings, ...(pieces !== undefined && { pieces }) };
  const { signal, apart = false } = input;
  try {
    if (!apart) await loadDump(load, backup, input, { ...options, before });
    // What stands in the way goes whole or not at all; a failure of it leaves everything as it is.
    else await runTogether(load, before, signal);
  } catch (error) {
    throw error instanceof HoldfastError ? failedTogether(error, apart) : error;
  }
  try {
    if (apart) await loadDump(load, backup, input, { ...options, several: true });
    if (again !== '') await runTogether(load, again, signal);
  } catch (error) {
    throw error instanceof HoldfastError ? failedApart(error, load, saved) : error;
  }
}

/** Loads a directory. What stands in the way goes in one transaction; the jobs have several, so a failure leaves what they have done. */
export async function loadByJobs(
  { load, input }: LoadTarget,
  dump: string,
  { before, change, saved, leftOut }: Loading,
): Promise<void> {
  const { signal, owners, privileges } = input;
  const first = `${before}${change.ofDatabase}`;
  const after = change.sql;
  if (first !== '') await runTogether(load, first, signal);
  try {
    const list = leftOut.size === 0 ? undefined : await listDirectory(load, dump, leftOut);
    await loadDirectory(load, dump, signal, { owners, privileges, list });
    if (after !== '') await runTogether(load, after, signal);
  } catch (error) {
    throw error instanceof HoldfastError ? failedApart(error, load, saved) : error;
  }
}

// Gives a restored database what belongs to the database itself: what of it the target lacks, and whether its server takes it.
import { HoldfastError } from '../../../errors.ts';
import type { OpenBackup, Work } from '../../source.ts';
import { readText } from '../dump/objects.ts';
import { tryTogether, type LoadInput } from './load.ts';
import {
  differingProperties,
  isChosen,
  parseProperties,
  readProperties,
  resetProperties,
  type Property,
} from '../dump/properties.ts';
import type { DatabaseSession } from '../server/session.ts';

export interface PropertyChange {
  /** None where the target has them already, or the backup has none. */
  readonly properties: readonly Property[];
  /** SQL that takes away what the target has instead. */
  readonly reset: string;
}

/** What the database of a session is to get of a backup; without owners or privileges, it keeps its own. */
export async function propertyChange(
  backup: OpenBackup,
  session: DatabaseSession,
  choice: { readonly owners: boolean; readonly privileges: boolean },
): Promise<PropertyChange> {
  const artifact = backup.manifest.artifacts.find(({ role }) => role === 'properties');
  if (artifact === undefined) return { properties: [], reset: '' };
  const counts = (one: Property) => isChosen(one, choice);
  const text = (await readText(backup, artifact)).toString('utf8');
  const properties = parseProperties(text).filter(counts);
  const found = (await readProperties(session)).filter(counts);
  // A role that may not change the database does not have to where nothing is to be changed.
  if (differingProperties(properties, found).length === 0) return { properties: [], reset: '' };
  const reset = await resetProperties(session, [
    ...(choice.privileges ? (['privileges'] as const) : []),
    ...(['settings', 'comment'] as const),
  ]);
  return { properties, reset };
}

/** Asks the server whether it would take them, in a transaction that is taken back. `TARGET_REFUSED` when it would not. */
export async function assertTaken(
  load: LoadInput,
  sql: string,
  signal: Work['signal'],
): Promise<void> {
  try {
    await tryTogether(load, sql, signal);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'TARGET_REFUSED') throw error;
    throw new HoldfastError(
      'TARGET_REFUSED',
      `this role cannot give the database ${load.connection.label} what it had, its owner, privileges, settings and comment: ${error.message}`,
      {
        hint: 'Restore as the owner of the database or a superuser. Or pass --no-owner or --no-privileges to leave these as they are, or --no-database-properties to restore what is in the database alone; `properties.sql` of a restore to a folder has them.',
        cause: error,
      },
    );
  }
}

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
import { losesSettings, settingsOfDatabase, settingsOfSession } from './session-settings.ts';

export interface PropertyChange {
  /** None where the target has them already, or the backup has none. */
  readonly properties: readonly Property[];
  /** SQL that gives them, and takes away what the target has instead. */
  readonly sql: string;
  /** Statements that give those that a load depends on to its session. */
  readonly ofSession: readonly string[];
  /** SQL that gives the same to the database, for sessions that begin later. */
  readonly ofDatabase: string;
  /** Whether sessions that begin before have some that the database is to lose. */
  readonly loses: boolean;
}

export const NO_CHANGE: PropertyChange = {
  ...{ properties: [], sql: '', ofSession: [], ofDatabase: '', loses: false },
};

/** What the database of a session is to get of a backup; without owners or privileges, it keeps its own. */
export async function propertyChange(
  backup: OpenBackup,
  session: DatabaseSession,
  choice: { readonly owners: boolean; readonly privileges: boolean },
): Promise<PropertyChange> {
  const kept = await propertiesOf(backup);
  if (kept === undefined) return NO_CHANGE;
  const counts = (one: Property) => isChosen(one, choice);
  const properties = kept.filter(counts);
  const found = (await readProperties(session)).filter(counts);
  // A role that may not change the database does not have to where nothing is to be changed.
  if (differingProperties(properties, found).length === 0) return NO_CHANGE;
  const reset = await resetProperties(session, [
    ...(choice.privileges ? (['privileges'] as const) : []),
    ...(['settings', 'comment'] as const),
  ]);
  return {
    properties,
    sql: [reset, ...properties.map(({ sql }) => `${sql}\n`)].join(''),
    ofSession: settingsOfSession(properties),
    ofDatabase: settingsOfDatabase(properties, found),
    loses: losesSettings(properties, found),
  };
}

/** What belongs to the database itself, as a backup has it; undefined where it has none of it. */
async function propertiesOf(backup: OpenBackup): Promise<Property[] | undefined> {
  const artifact = backup.manifest.artifacts.find(({ role }) => role === 'properties');
  return artifact && parseProperties((await readText(backup, artifact)).toString('utf8'));
}

/** Statements that give a session what a load depends on of the settings of the database that was backed up. */
export async function settingsToLoad(backup: OpenBackup): Promise<string[]> {
  return settingsOfSession((await propertiesOf(backup)) ?? []);
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

// What a restore needs of the server that it goes to: looked for before anything is saved or changed, and named when it is missing.
import { HoldfastError, type Problem } from '../../errors.ts';
import type { DatabaseFacts } from '../../format/manifest.ts';
import type { OpenBackup } from '../source.ts';
import { factsOf } from './compare.ts';
import { isDirectory } from './dump-index.ts';
import { readSettings } from './facts.ts';
import { isKept, tablespacesIn, type Contents, type Kept } from './restore-plan.ts';
import type { Session } from './session.ts';
import { isOfSurroundings } from './surroundings.ts';
import { keyOf } from './table-objects.ts';
import { missingOnServer, missingRoles } from './target.ts';
import { findTools, knowsRestrictKey, type Machine, type Tools } from './tools.ts';

export interface Requirements {
  readonly session: Session;
  /** Of the target, for messages. */
  readonly label: string;
  readonly owners: boolean;
}

/** The roles that the server lacks; `TARGET_REFUSED` unless they may be made. */
export async function rolesToMake(
  { session, label }: Requirements,
  needed: readonly string[],
  mayMake: boolean,
): Promise<readonly string[]> {
  const missing = await missingRoles(session, needed);
  if (missing.length === 0 || mayMake) return missing;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the server of ${label} lacks roles that the dump names: ${missing.join(', ')}`,
    {
      hint: 'Create them first, from globals.sql, or pass --create-roles to have them made without a password and without the right to log in. With --no-owner those are not needed that only own something: all belongs to the role that restores.',
    },
  );
}

/** `TARGET_REFUSED` when the server lacks an extension, a tablespace, or a table that a wanted one inherits from. */
export async function assertHas(
  { session, label }: Requirements,
  { objects, definitions = [], parts }: Contents,
  kept: Kept,
): Promise<void> {
  const extensions = objects
    .filter((one) => one.type === 'EXTENSION' && !isKept(one, kept))
    .map(({ name }) => name);
  const missing = await missingOnServer(session, extensions, tablespacesIn(definitions));
  const own = new Set(parts?.tables.map(keyOf));
  const parents = parts?.definitions.flatMap(({ inherits = [] }) => inherits) ?? [];
  for (const one of parents) {
    if (own.has(keyOf(one)) || kept.tables.has(keyOf(one))) continue;
    missing.push(`the table ${one.schema}.${one.name}, from which one inherits`);
  }
  if (missing.length === 0) return;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the server of ${label} lacks what the dump needs: ${missing.join(', ')}`,
    {
      hint: 'Nothing was changed. Install the packages of extensions, CREATE TABLESPACE, or name tables from which others inherit with --table, too; then restore again.',
    },
  );
}

/** The programs that load a backup. `COMMAND_FAILED` when those of the machine cannot. */
export async function toolsFor(machine: Machine, backup: OpenBackup): Promise<Tools> {
  const tools = await findTools(machine);
  if (factsOf(backup).restrictKey !== undefined && !knowsRestrictKey(tools)) {
    throw new HoldfastError(
      'COMMAND_FAILED',
      `psql ${tools.version} in ${tools.folder} does not know \\restrict, with which this dump begins`,
      { hint: 'Update PostgreSQL’s client; the first line must not be removed from the dump.' },
    );
  }
  // The directory is of the version that wrote it, or newer ones read it.
  const { clientVersion } = factsOf(backup);
  if (isDirectory(backup.manifest) && tools.major < Number.parseInt(clientVersion, 10)) {
    throw new HoldfastError(
      'COMMAND_FAILED',
      `the dump was made by pg_dump ${clientVersion}, pg_restore in ${tools.folder} is ${tools.version}: it must not be older`,
      {
        hint: 'Install the client of that version or a newer one: apt-get install postgresql-client.',
      },
    );
  }
  return tools;
}

/** What is other there than it was, and stays so: a restore makes neither database nor server. */
export async function otherThere(
  session: Session,
  { settings, serverVersion }: DatabaseFacts,
  serverMajor: number,
): Promise<Problem[]> {
  const notes = settingsNotes(settings, await readSettings(session));
  const sourceMajor = Number.parseInt(serverVersion, 10);
  if (serverMajor >= sourceMajor) return notes;
  const detail = `the backup is of PostgreSQL ${sourceMajor}, the target is ${serverMajor}`;
  return [...notes, { path: '', code: 'older-server', detail }];
}

function settingsNotes(
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Problem[] {
  return Object.entries(expected)
    .filter(([name, value]) => name !== 'collationVersion' && found[name] !== value)
    .filter(([name]) => !isOfSurroundings(name))
    .map(([name, value]) => ({
      path: `setting ${name}`,
      code: 'other-setting',
      detail: `the database that was backed up has ${value || 'none'}, the target ${found[name] || 'none'}`,
    }));
}

// Compares a restored database with what was recorded of the one that was backed up: asked again, it must tell the same facts.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { DatabaseFacts } from '../../../format/manifest.ts';
import type { OpenBackup } from '../../source.ts';
import type { Connection } from '../server/connection.ts';
import { openIndex, tableName } from '../dump/objects.ts';
import type { StoredText } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import {
  countObjects,
  countPublicGrants,
  countRows,
  readExtensions,
  readNewest,
  readSequences,
} from '../dump/facts.ts';
import type { Confinement } from '../server/process.ts';
import type { DatabaseSession } from '../server/session.ts';
import type { Machine, Tools } from '../server/tools.ts';

export interface CompareInput {
  readonly machine: Machine;
  readonly tools: Tools;
  readonly connection: Connection;
  readonly confinement?: Confinement | undefined;
  /** The text of the stored dump, where the backup holds it in another form. */
  readonly text?: StoredText | undefined;
}

/** The facts of a manifest; `BACKUP_DAMAGED` when it has none. */
export function factsOf({ manifest }: Pick<OpenBackup, 'manifest'>): DatabaseFacts {
  if (manifest.database !== undefined) return manifest.database;
  throw new HoldfastError('BACKUP_DAMAGED', `${manifest.key} tells nothing of its database`);
}

export interface ComparedFacts {
  readonly problems: readonly Problem[];
  /** The facts of the restored database, beside the recorded ones: for reports. */
  readonly newest: DatabaseFacts['newest'];
}

/** What facts of a database are other than those that were recorded. */
export async function compareFacts(
  backup: OpenBackup,
  session: DatabaseSession,
  options: { sameMajor: boolean },
): Promise<ComparedFacts> {
  const facts = factsOf(backup);
  const { selection } = facts;
  const problems: Problem[] = [];
  const compare = (
    what: string,
    expected: Readonly<Record<string, Fact>>,
    found: Readonly<Record<string, Fact>>,
  ) => {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const [one, other] = [shown(expected[name]), shown(found[name])];
      if (one === other) continue;
      const path = `${what} ${name}`;
      problems.push({ path, code: 'facts', detail: `expected ${one}, found ${other}` });
    }
  };
  const { objects } = await openIndex(backup);
  const rows = await countRows(session, selection);
  compare('rows of', { ...emptyTables(objects, rows), ...facts.rows }, rows);
  const sequences = await readSequences(session, selection, Object.keys(facts.sequences));
  compare('sequence', facts.sequences, sequences);
  const newest = await readNewest(session, Object.keys(facts.newest));
  compare('newest value of', facts.newest, newest);
  const counts = await countObjects(session, selection);
  const publicGrants = namesPublic(objects) ? 0 : await countPublicGrants(session);
  const found = countsAside(counts, facts.counts, publicGrants);
  compare('number of', comparable(facts.counts, options), comparable(found, options));
  const wanted = await neededExtensions(backup);
  const extensions = await readExtensions(session);
  for (const name of wanted) {
    if (!Object.hasOwn(extensions, name))
      problems.push({ path: `extension ${name}`, code: 'facts', detail: 'it is missing' });
  }
  return { problems, newest };
}

/** Those of some tables whose rows were left out by pg_dump, as it leaves out those of unlogged ones on a standby. */
function emptyTables(
  objects: readonly DumpObject[],
  tables: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = (wanted: string) => objects.filter(({ type }) => type === wanted).map(tableName);
  const filled = new Set(names('TABLE DATA'));
  return Object.fromEntries(
    names('TABLE')
      .filter((name) => !filled.has(name) && Object.hasOwn(tables, name))
      .map((name) => [name, 0]),
  );
}

/** Whether the dump itself says anything of the schema `public`, which every new database has. */
function namesPublic(objects: readonly DumpObject[]): boolean {
  return objects.some(({ schema, name }) => schema === '-' && /^(?:SCHEMA )?public$/.test(name));
}

/** The counts without the grants on a schema `public` that was there before and that the database which was backed up did not have. */
function countsAside(
  counts: Readonly<Record<string, number>>,
  recorded: Readonly<Record<string, number>>,
  publicGrants: number,
): Record<string, number> {
  const { grantsOnSchemas = 0 } = counts;
  const aside = grantsOnSchemas - publicGrants === recorded['grantsOnSchemas'];
  return aside ? { ...counts, grantsOnSchemas: grantsOnSchemas - publicGrants } : { ...counts };
}

/** Between major versions the set of privileges differs, so that the same GRANT counts otherwise. */
function comparable(
  counts: Readonly<Record<string, number>>,
  { sameMajor }: { sameMajor: boolean },
): Record<string, number> {
  const kept = Object.entries(counts).filter(([name]) => sameMajor || !name.startsWith('grants'));
  return Object.fromEntries(kept);
}

type Fact = string | number | null | undefined | DatabaseFacts['sequences'][string];

function shown(value: Fact): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'none';
  if (typeof value !== 'object') return String(value);
  return `last ${value.last}, used ${value.used}`;
}

/** The extensions that a dump creates. */
export async function neededExtensions(backup: OpenBackup): Promise<string[]> {
  const { objects } = await openIndex(backup);
  return objects.filter(({ type }) => type === 'EXTENSION').map(({ name }) => name);
}

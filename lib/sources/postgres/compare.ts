// Compares a database with a backup: dumped again, it must give the same bytes; asked again, the same facts. What differs is named.
import { HoldfastError, type Problem } from '../../errors.ts';
import type { DatabaseFacts } from '../../format/manifest.ts';
import type { OpenBackup, Work } from '../source.ts';
import type { Connection } from './connection.ts';
import { scanDump } from './dump.ts';
import { openIndex, titleOf } from './dump-index.ts';
import { dumpText, type StoredText } from './dump-reader.ts';
import type { DumpObject } from './dump-text.ts';
import { countObjects, countRows, readExtensions, readNewest, readSequences } from './facts.ts';
import { isPrintedOtherwise } from './printed.ts';
import type { Confinement } from './process.ts';
import { compareRows } from './row-difference.ts';
import { Session } from './session.ts';
import type { Machine, Tools } from './tools.ts';

export interface CompareInput {
  readonly machine: Machine;
  readonly tools: Tools;
  readonly connection: Connection;
  readonly confinement?: Confinement | undefined;
  /** The text of the stored dump, where the backup holds it in another form. */
  readonly text?: StoredText | undefined;
}

/** Their definitions may hold passwords, so nothing of them is shown. */
const SECRETIVE: readonly string[] = ['USER MAPPING', 'SUBSCRIPTION', 'SERVER'];
/** The code of a definition that another server may print otherwise. */
export const PRINTED_OTHERWISE = 'printed-otherwise';
const MAX_NAMED = 50;
const MAX_KEPT_BYTES = 64 << 10;

/** The facts of a manifest; `BACKUP_DAMAGED` when it has none. */
export function factsOf({ manifest }: Pick<OpenBackup, 'manifest'>): DatabaseFacts {
  if (manifest.database !== undefined) return manifest.database;
  throw new HoldfastError('BACKUP_DAMAGED', `${manifest.key} tells nothing of its database`);
}

/** What the dump of a database holds otherwise than the backup; nothing when it has the same bytes. */
export async function compareDumps(
  backup: OpenBackup,
  input: CompareInput,
  work: Work,
): Promise<Problem[]> {
  const facts = factsOf(backup);
  const index = await openIndex(backup);
  const expected = keyed(index.objects);
  const counts = new Map<string, number>();
  const otherwise = new Map<string, Buffer>();
  const summary = await scanDump(
    {
      ...input,
      selection: facts.selection,
      restrictKey: facts.restrictKey,
      snapshot: undefined,
      lockWaitTimeoutSeconds: undefined,
      signal: work.signal,
      failure: 'RESTORE_DIFFERS',
    },
    {
      onDefinition: (object, text) => {
        const key = keyOf(object, counts);
        const same = expected.get(key)?.sha256 === object.sha256;
        if (same || (otherwise.size >= MAX_NAMED && object.type !== 'BEGIN')) return;
        otherwise.set(key, Buffer.from(text.subarray(0, MAX_KEPT_BYTES)));
      },
    },
  );
  const found = keyed(summary.objects);
  const problems: Problem[] = [];
  for (const [key, object] of expected) {
    if (problems.length >= MAX_NAMED) break;
    const other = found.get(key);
    if (other === undefined) problems.push(absent(object, 'missing', 'the backup has it'));
    else if (other.sha256 !== object.sha256) {
      problems.push(
        ...(await difference(backup, { object, text: otherwise.get(key) }, input, work)),
      );
    }
  }
  for (const [key, object] of found) {
    if (!expected.has(key) && problems.length < MAX_NAMED)
      problems.push(absent(object, 'unexpected', 'the backup does not have it'));
  }
  if (problems.length === 0) problems.push(...orderOf(index.objects, summary.objects));
  return problems;
}

/** Objects by their titles; those of one title are numbered. */
function keyed(objects: readonly DumpObject[]): Map<string, DumpObject> {
  const counts = new Map<string, number>();
  // Data is counted apart: of it no definition is told.
  return new Map(objects.map((object) => [keyOf(object, counts), object]));
}

function keyOf(object: DumpObject, counts: Map<string, number>): string {
  const title = titleOf(object);
  const count = (counts.get(title) ?? 0) + 1;
  counts.set(title, count);
  return count === 1 ? title : `${title} (${count})`;
}

function absent(object: DumpObject, code: string, detail: string): Problem {
  return { path: titleOf(object), code, detail };
}

function orderOf(a: readonly DumpObject[], b: readonly DumpObject[]): Problem[] {
  const at = a.findIndex((object, i) => titleOf(object) !== titleOf(b[i] ?? object));
  if (at < 0) return [];
  const detail = `pg_dump writes ${titleOf(b[at] ?? { type: 'END', schema: '-', name: '' })} in its place`;
  return [
    { path: titleOf(a[at] ?? { type: 'END', schema: '-', name: '' }), code: 'order', detail },
  ];
}

async function difference(
  backup: OpenBackup,
  { object, text }: { object: DumpObject; text: Buffer | undefined },
  input: CompareInput,
  work: Work,
): Promise<Problem[]> {
  const path = titleOf(object);
  const range = { from: object.offset, to: object.offset + object.bytes };
  const stored = () => input.text?.(range) ?? dumpText(backup, { ...work, range });
  if (object.type === 'TABLE DATA') {
    return compareRows(path, stored(), { ...input, signal: work.signal });
  }
  if (SECRETIVE.includes(object.type)) {
    return [{ path, code: 'content', detail: 'it is defined otherwise' }];
  }
  if (object.type === 'BLOBS') {
    return [{ path, code: 'content', detail: 'large objects hold other bytes' }];
  }
  const expected = await linesOf(stored(), object.type);
  const found = (text?.toString('utf8') ?? '').split('\n').filter(meaning(object.type));
  const at = expected.findIndex((line, i) => line !== found[i]);
  if (at < 0 && expected.length >= found.length) {
    // Of the beginning, some lines mean nothing. Elsewhere it differs where this text does not show it: far behind, or in bytes
    // that are no UTF-8.
    return object.type === 'BEGIN'
      ? []
      : [{ path, code: 'content', detail: 'it is defined otherwise' }];
  }
  const i = at < 0 ? expected.length : at;
  const detail = `expected ${quoted(expected[i])}, found ${quoted(found[i])}`;
  const code = isPrintedOtherwise(object.type, expected, found) ? PRINTED_OTHERWISE : 'content';
  return [{ path, code, detail }];
}

async function linesOf(text: AsyncIterable<Buffer>, type: string): Promise<string[]> {
  const parts: Buffer[] = [];
  for await (const part of text) parts.push(part);
  const kept = Buffer.concat(parts).subarray(0, MAX_KEPT_BYTES);
  return kept.toString('utf8').split('\n').filter(meaning(type));
}

/** Which server and which pg_dump made a dump is no difference of the database. */
function meaning(type: string): (line: string) => boolean {
  return (line) => type !== 'BEGIN' || !/^-- Dumped (?:from|by) /.test(line);
}

function quoted(line: string | undefined): string {
  return line === undefined ? 'nothing' : JSON.stringify(line.slice(0, 300));
}

export interface ComparedFacts {
  readonly problems: readonly Problem[];
  /** Of the restored database, beside the recorded ones: for reports. */
  readonly newest: DatabaseFacts['newest'];
}

/** What facts of a database are other than those that were recorded. */
export async function compareFacts(
  backup: OpenBackup,
  session: Session,
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
  compare('rows of', facts.rows, await countRows(session, selection));
  const sequences = await readSequences(session, selection, Object.keys(facts.sequences));
  compare('sequence', facts.sequences, sequences);
  const newest = await readNewest(session, Object.keys(facts.newest));
  compare('newest value of', facts.newest, newest);
  const counts = await countObjects(session, selection);
  compare('number of', comparable(facts.counts, options), comparable(counts, options));
  const wanted = await neededExtensions(backup);
  const extensions = await readExtensions(session);
  for (const name of wanted) {
    if (!Object.hasOwn(extensions, name))
      problems.push({ path: `extension ${name}`, code: 'facts', detail: 'it is missing' });
  }
  return { problems, newest };
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

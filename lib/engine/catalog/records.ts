// Writing and reading records: what every act leaves that makes no manifest.
import pMap from 'p-map';
import { HoldfastError, type Problem } from '../../errors.ts';
import { compactTime } from '../../format/ids.ts';
import { parseRecordKey, recordKey, recordsPrefix } from '../../format/layout.ts';
import { MAX_LISTED_PROBLEMS } from '../../format/manifest.ts';
import {
  parseRecord,
  RECORD_FORMAT,
  type Facts,
  type Record,
  type Verb,
  type Verdict,
} from '../../format/record.ts';
import { decodeSigned, encodeSigned, signerText, type Signer } from '../../format/signed.ts';
import { isUnreadable, readSmall, READ_AT_ONCE } from './backups.ts';
import { latestTime } from './clock.ts';
import type { StoredObject } from '../../stores/store.ts';
import { signerOf, type Engine } from '../engine.ts';

/** What an act was, for its record. */
export interface Act {
  readonly verb: Verb;
  readonly source: string;
  /** The id of the backup that it is about, or of the act itself. */
  readonly subject: string;
  readonly begin: Date;
  readonly verdict: Verdict;
  readonly problems: readonly Problem[];
  readonly facts: Facts;
}

/** Text and lists in files that are kept for years have limits. */
const MAX_TEXT = 4096;

/** Problems as a signed file lists them: the first ones, cut to their limits. */
export function listedProblems(problems: readonly Problem[]): Problem[] {
  return problems.slice(0, MAX_LISTED_PROBLEMS).map((problem) => ({
    ...problem,
    path: problem.path.slice(0, MAX_TEXT),
    detail: problem.detail.slice(0, MAX_TEXT),
  }));
}

/** Writes the record of an act; its key, or undefined where nothing can be signed, which the caller says. */
export async function writeRecord(engine: Engine, act: Act): Promise<string | undefined> {
  const { signer, system } = engine;
  if (signer === undefined || system === undefined) return undefined;
  return putRecord({ ...engine, signer, system }, act);
}

/**
 * Writes the record of an act that has one time and one subject. Several may report it, and more than once: a record that exists
 * already stays, if a trusted key vouches for it. Its key. `UNTRUSTED` where nothing can be signed.
 */
export async function writeOnce(engine: Engine, act: Act): Promise<string> {
  const { system } = engine;
  if (system === undefined) throw new Error('a record of no system');
  const signing = { ...engine, signer: signerOf(engine), system };
  const key = recordKey(act);
  try {
    await putAt(key, signing, act);
    return key;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
    // Something that others put there must not keep ours from being written.
    return (await isTrusted(engine, key)) ? key : putRecord(signing, act);
  }
}

async function isTrusted(engine: Engine, key: string): Promise<boolean> {
  for await (const object of engine.store.list(key)) {
    if (object.key !== key) continue;
    try {
      return (await readRecord(engine, object)).distrust === undefined;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return false;
}

type SigningEngine = Engine & { readonly signer: Signer; readonly system: string };

async function putAt(key: string, engine: SigningEngine, act: Act): Promise<void> {
  const { verb, source, subject, begin, verdict, problems, facts } = act;
  const payload = {
    format: RECORD_FORMAT,
    system: engine.system,
    source,
    verb,
    subject,
    who: engine.who,
    begin: begin.toISOString(),
    end: engine.now().toISOString(),
    verdict,
    problems: listedProblems(problems),
    problemCount: problems.length,
    facts,
  } satisfies Omit<Record, 'key'>;
  await engine.store.put(key, await encodeSigned({ key, ...payload }, engine.signer));
}

/** Where the record of an act is. */
export interface Recorded {
  /** Its key; undefined where nothing can be signed, or the store did not take it. */
  readonly record: string | undefined;
  /** Why the store did not take it. */
  readonly unrecorded: string | undefined;
}

/**
 * Writes the record of an act that is over, whose result stands: a store that is read-only, full or away by now changes nothing
 * about it, and the caller says that no record was left.
 */
export async function tryRecord(engine: Engine, act: Act): Promise<Recorded> {
  try {
    return { record: await writeRecord(engine, act), unrecorded: undefined };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { record: undefined, unrecorded: error.message };
  }
}

/** Two acts of one verb may begin in one millisecond: a record that finds its key taken takes the next. */
async function putRecord(engine: SigningEngine, act: Act): Promise<string> {
  for (let shift = 0; ; shift++) {
    const begin = new Date(act.begin.getTime() + shift);
    const key = recordKey({ ...act, begin });
    try {
      await putAt(key, engine, act);
      return key;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT' || shift > 1000)
        throw error;
    }
  }
}

/** A record as read; `distrust` as for manifests. */
export interface ReadRecord {
  /** The key that signed it, whether it is trusted or not: its name and its fingerprint. */
  readonly signedBy: string;
  readonly record: Record;
  readonly distrust: string | undefined;
}

export interface RecordsWanted {
  /** Only those about these. */
  readonly subjects?: ReadonlySet<string>;
  /** None about these. */
  readonly except?: ReadonlySet<string>;
  /** Only those that began then or later. */
  readonly since?: Date;
  readonly onProblem: (problem: Problem) => void;
}

/**
 * The records of a verb for a source, oldest first.
 *
 * What cannot be read as a record is handed to `onProblem`: one broken file must not hide the others.
 */
export async function readRecords(
  engine: Engine,
  verb: Verb,
  source: string,
  options: RecordsWanted,
): Promise<ReadRecord[]> {
  const objects: StoredObject[] = [];
  const since = options.since && compactTime(options.since);
  for await (const object of engine.store.list(recordsPrefix(verb, source))) {
    const place = parseRecordKey(object.key);
    if (place === undefined || options.subjects?.has(place.subject) === false) continue;
    if (options.except?.has(place.subject) === true) continue;
    if (since !== undefined && place.time < since) continue;
    objects.push(object);
  }
  const read = (object: StoredObject) =>
    readRecord(engine, object).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
      return { path: object.key, code: 'unreadable', detail: error.message };
    });
  const records: ReadRecord[] = [];
  for (const one of await pMap(objects, read, { concurrency: READ_AT_ONCE }))
    if ('record' in one) records.push(one);
    else options.onProblem(one);
  return records;
}

/** The newest record of a verb that a trusted key vouches for; those from the future are passed over. */
export async function readNewestRecord(
  engine: Engine,
  verb: Verb,
  source: string,
): Promise<Record | undefined> {
  const objects: StoredObject[] = [];
  const latest = compactTime(latestTime(engine));
  for await (const object of engine.store.list(recordsPrefix(verb, source))) {
    const time = parseRecordKey(object.key)?.time;
    if (time !== undefined && time <= latest) objects.push(object);
  }
  for (const object of objects.reverse()) {
    try {
      const { record, distrust } = await readRecord(engine, object);
      if (distrust === undefined) return record;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return undefined;
}

/** The record in `object`. `BACKUP_DAMAGED` or `FORMAT_UNSUPPORTED` when it is not one that this version understands. */
export async function readRecord(engine: Engine, object: StoredObject): Promise<ReadRecord> {
  const bytes = await readSmall(engine, object);
  const { payload, distrust, keyId } = decodeSigned(bytes, object.key, engine.trusted);
  const signedBy = signerText(keyId, engine.trusted);
  return { record: parseRecord(payload, object.key), distrust, signedBy };
}

// What happened: runs and every other act, from manifests and records, failed ones too. Only what is asked for is read.
import { HoldfastError, type Problem } from '../errors.ts';
import { parseRecordKey, RECORDS_PREFIX } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Facts, Record } from '../format/record.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';
import { releaseReasonText } from '../policy/retention-reasons.ts';
import type { StoredObject } from '../stores/store.ts';
import {
  isAboutOneFile,
  listStored,
  readManifest,
  timeOf,
  type ReadBackup,
} from './catalog/backups.ts';
import { throwIfCancelled, type Engine } from './engine.ts';
import { readRecord, type ReadRecord } from './catalog/records.ts';

/** One run or act. */
export interface LogEntry {
  readonly source: string;
  readonly verb: string;
  /** The id of the backup that it made or was about, or what else it concerned. */
  readonly subject: string;
  /** `complete`, `partial` or `failed` for a run; otherwise as in the record. `unreadable` where the file is broken. */
  readonly verdict: string;
  readonly begin: string;
  readonly durationMs: number;
  /** Who acted; for a backup, the key that signed it. */
  readonly who: string;
  /** The key that signed it, by its name and its fingerprint; empty where it cannot be read. */
  readonly signedBy: string;
  /** What a run stored, or an act read or wrote; undefined where that is not said. */
  readonly bytes: number | undefined;
  /** Problems that the configuration does not tolerate. */
  readonly problemCount: number;
  /** The first problem, the note of a pin, what a prune released; or empty. */
  readonly detail: string;
  /** What the record holds besides, such as what a prune kept and by which policy; empty for a backup. */
  readonly facts: Facts;
  /** The key of the manifest or record. */
  readonly key: string;
  /** Why it proves nothing, or undefined when a trusted key vouches for it. */
  readonly distrust: string | undefined;
}

export interface LogOptions {
  /** Empty for all that the store knows of. */
  readonly sources: readonly string[];
  /** At most so many, the newest; from 1 on. */
  readonly limit: number;
  /** Only what did not end well. */
  readonly failed: boolean;
  /** Only these verbs. @default - all */
  readonly verbs?: readonly string[] | undefined;
  /** Only what began then or later. */
  readonly since?: Date | undefined;
  /** Only what began before. */
  readonly until?: Date | undefined;
}

/** The newest acts that are asked for, oldest first. */
export async function readLog(engine: Engine, options: LogOptions): Promise<LogEntry[]> {
  const { limit } = options;
  const { verbs = [], since } = options;
  const refs = (await listActs(engine, options.sources)).filter(
    ({ verb }) => verbs.length === 0 || verbs.includes(verb),
  );
  const entries: LogEntry[] = [];
  for (const ref of refs.reverse()) {
    // No act began later than it is listed, clocks aside: what is left is older than all that is wanted.
    const oldest = entries.at(-limit);
    const reachedMs = ref.at.getTime() + CLOCK_TOLERANCE_MS;
    if (entries.length >= limit && reachedMs <= Date.parse(oldest?.begin ?? '')) break;
    if (since !== undefined && reachedMs < since.getTime()) break;
    throwIfCancelled(engine);
    const entry = await readAct(engine, ref);
    if (!isWanted(entry, options)) continue;
    entries.push(entry);
    entries.sort((a, b) => (a.begin === b.begin ? 0 : a.begin < b.begin ? -1 : 1));
  }
  return entries.slice(-limit);
}

function isWanted(entry: LogEntry, { failed, since, until }: LogOptions): boolean {
  const begin = new Date(entry.begin);
  const isIn = (since === undefined || begin >= since) && (until === undefined || begin < until);
  return isIn && (!failed || hasFailed(entry));
}

/** Sources that the store has backups or records of, by name; with the time of the oldest of these. */
export async function knownSources(engine: Engine): Promise<Map<string, Date>> {
  const first = new Map<string, Date>();
  for (const { source, at } of await listActs(engine, [])) {
    if (!first.has(source)) first.set(source, at);
  }
  return new Map([...first].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** True for what somebody should look at: partial and inconclusive count, too. */
export function hasFailed({ verdict, distrust }: LogEntry): boolean {
  return distrust !== undefined || !['complete', 'proven', 'done'].includes(verdict);
}

/** A manifest or record that was listed and not yet read. */
interface ActRef {
  readonly source: string;
  readonly verb: string;
  readonly subject: string;
  /** When a record's act began, as its key tells it; when the manifest of a backup was stored. */
  readonly at: Date;
  readonly object: StoredObject;
}

/** In ascending order of their times. */
async function listActs(engine: Engine, sources: readonly string[]): Promise<ActRef[]> {
  const wanted = (source: string) => sources.length === 0 || sources.includes(source);
  const refs: ActRef[] = (await listStored(engine)).flatMap(({ source, id, manifest }) =>
    manifest === undefined
      ? []
      : { source, verb: 'backup', subject: id, at: manifest.storedAt, object: manifest },
  );
  for await (const object of engine.store.list(RECORDS_PREFIX)) {
    const place = parseRecordKey(object.key);
    if (place !== undefined) refs.push({ ...place, at: parseCompactTime(place.time), object });
  }
  return refs
    .filter(({ source }) => wanted(source))
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** The time of `20261121T020000000Z`; the beginning of all time for a text that is not a time. */
function parseCompactTime(text: string): Date {
  return timeOf(`${text}-manual`);
}

async function readAct(engine: Engine, ref: ActRef): Promise<LogEntry> {
  try {
    if (!ref.object.key.startsWith(RECORDS_PREFIX)) {
      return entryOfBackup(await readManifest(engine, ref.object));
    }
    return entryOfRecord(await readRecord(engine, ref.object));
  } catch (error) {
    if (!(error instanceof HoldfastError) || !isAboutOneFile(error)) throw error;
    return unreadable(ref, error);
  }
}

function entryOfBackup({ manifest, distrust, signedBy }: ReadBackup): LogEntry {
  const { source, id, status, begin, end, artifacts, problems, key, origin } = manifest;
  return {
    source,
    verb: 'backup',
    subject: id,
    verdict: status,
    // What was not made from its source has the begin of what it was made from: this run was later.
    begin: origin === undefined ? begin : end,
    durationMs: origin === undefined ? lasted(begin, end) : 0,
    ...{ who: signedBy, signedBy },
    bytes: artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    problemCount: counting(manifest),
    detail: origin?.reason ?? firstOf(problems),
    facts: {},
    key,
    distrust,
  };
}

function counting({ problems, problemCount, status }: Manifest): number {
  const tolerated = problems.filter((one) => one.tolerated === true).length;
  return status === 'complete' ? 0 : problemCount - tolerated;
}

function entryOfRecord({ record, distrust, signedBy }: ReadRecord): LogEntry {
  const { source, verb, subject, verdict, begin, end, who, facts, problems, problemCount } = record;
  const bytes = facts['bytes'];
  return {
    source,
    verb,
    subject,
    verdict,
    begin,
    durationMs: lasted(begin, end),
    ...{ who, signedBy },
    bytes: typeof bytes === 'number' ? bytes : undefined,
    problemCount,
    detail: firstOf(problems) || factText(record),
    facts,
    key: record.key,
    distrust,
  };
}

function factText({ verb, facts }: Record): string {
  const { note, level, to, kept, released, accepted, resource, files } = facts;
  if (verb === 'prune' && Array.isArray(kept) && Array.isArray(released)) {
    const gone = released.slice(0, 3).map(releaseText);
    const more = released.length > 3 ? [`and ${released.length - 3} more`] : [];
    const lost = Array.isArray(accepted)
      ? accepted.map((one) => `${idOf(one)} accepted as lost`)
      : [];
    const count = `${kept.length} kept, ${released.length} released`;
    return [count, ...lost, ...gone, ...more].join('; ');
  }
  const told: Partial<typeof facts> = {
    pin: note,
    verify: level,
    restore: to,
    'recovery-point': resource,
    'restore-test': typeof files === 'number' ? `${files} files restored and compared` : undefined,
  };
  const text = told[verb];
  return typeof text === 'string' ? text : '';
}

/** A backup that a prune released, and why; as much of it as an older version recorded. */
function releaseText(released: unknown): string {
  const { reason } = (released ?? {}) as { readonly reason?: unknown };
  const why = typeof reason === 'string' ? `: ${releaseReasonText(reason)}` : '';
  return `${idOf(released)}${why}`;
}

function idOf(named: unknown): string {
  const { id } = (named ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' ? id : 'one';
}

function firstOf(problems: readonly Problem[]): string {
  const first = problems.find(({ tolerated }) => tolerated !== true);
  if (first === undefined) return '';
  return `${first.path === '' ? '' : `${first.path}: `}${first.code}: ${first.detail}`;
}

function lasted(begin: string, end: string): number {
  return Math.max(0, Date.parse(end) - Date.parse(begin));
}

function unreadable({ source, verb, subject, object }: ActRef, error: HoldfastError): LogEntry {
  const begin = object.storedAt.toISOString();
  const nothing = {
    durationMs: 0,
    who: '',
    signedBy: '',
    bytes: undefined,
    problemCount: 1,
    facts: {},
    distrust: undefined,
  };
  const { key } = object;
  return {
    source,
    verb,
    subject,
    verdict: 'unreadable',
    begin,
    detail: error.message,
    key,
    ...nothing,
  };
}

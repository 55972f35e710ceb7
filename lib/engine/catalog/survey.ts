// What is known of each backup of a source: its manifest, its evidence, its pins, and whether all its bytes are there.
import pMap from 'p-map';
import type { Problem } from '../../errors.ts';
import { isSafety, parseBackupId } from '../../format/ids.ts';
import { manifestKey, parseRecordKey } from '../../format/layout.ts';
import type { Manifest } from '../../format/manifest.ts';
import type { Facts } from '../../format/record.ts';
import { oldestFirst } from '../../policy/order.ts';
import { CLOCK_TOLERANCE_MS } from '../../policy/durations.ts';
import { standingOf, type EvidencePiece, type Standing } from '../../policy/standing.ts';
import {
  isUnreadable,
  listStored,
  READ_AT_ONCE,
  readManifest,
  timeOf,
  type ReadBackup,
  type StoredBackup,
} from './backups.ts';
import type { Engine } from '../engine.ts';
import type { StoredObject } from '../../stores/store.ts';
import { readRecords, type ReadRecord } from './records.ts';
import {
  damageElsewhere,
  earliestReading,
  levelOf,
  sharedDamage,
  sharersOf,
  type SharedDamages,
} from './sharing.ts';
import { mergedFacts } from '../tested.ts';

/** A backup with all that is known of it. Fits the policies' inputs as it is. */
export interface SurveyedBackup {
  readonly source: string;
  readonly id: string;
  /** The time of its trigger. */
  readonly time: Date;
  readonly begin: Date;
  /** By the store's clock. */
  readonly storedAt: Date;
  readonly isRepair: boolean;
  readonly isScheduled: boolean;
  readonly manifest: Manifest;
  readonly digest: string;
  readonly signedBy: string;
  readonly distrust: string | undefined;
  readonly standing: Standing;
  readonly good: boolean;
  readonly why: string;
  readonly evidence: readonly EvidencePiece[];
  /** What its restore tests recorded; of each fact what was found last. */
  readonly tested: Facts;
  /** The keys of the pin records in force. */
  readonly pinnedBy: readonly string[];
  /** The bytes of all its objects, the manifest included, whether it shares them or not. */
  readonly storedBytes: number;
  /** The bytes of objects that it shares with others, by their identity in the listing: they take their room once. */
  readonly sharedBytes: ReadonlyMap<string, number>;
  /** The class of a bucket that artifacts of it were moved to; undefined for the usual one. */
  readonly storageClass: string | undefined;
  /** The keys of those of its objects that something covers in the store: they can be read, and others would miss them. */
  readonly hidden: readonly string[];
}

export interface Survey {
  readonly source: string;
  /** Oldest first, by the order of `policy/order.ts`. */
  readonly backups: readonly SurveyedBackup[];
  /** Runs that never became a backup: artifacts that no manifest names. */
  readonly orphans: readonly StoredBackup[];
  /** What lies beside a backup and is not of it: from a run of the same trigger that was slower, or failed before. */
  readonly leftovers: readonly StoredBackup[];
  /** Manifests that cannot be read, records that cannot be trusted. */
  readonly problems: readonly Problem[];
}

/** Looks at all backups of a source, or at those that were `listed`. Reads manifests and records, never archives. */
export async function surveySource(
  engine: Engine,
  source: string,
  listed?: readonly StoredBackup[],
): Promise<Survey> {
  const problems: Problem[] = [];
  const stored = listed ?? (await listStored(engine, source));
  const subjects = new Set(stored.map(({ id }) => id));
  const records = await readTrusted(engine, source, subjects, problems);
  const damage = sharedDamage(stored, records.evidence);
  const backups: SurveyedBackup[] = [];
  const leftovers: StoredBackup[] = [];
  const look = async (one: StoredBackup) => ({ one, ...(await readOrReport(engine, one)) });
  const looked = await pMap(stored, look, { concurrency: READ_AT_ONCE });
  for (const { one, read, problem } of looked) {
    if (problem !== undefined) problems.push(problem);
    if (read === undefined) continue;
    backups.push(surveyed(one, read, { ...records, damage }));
    leftovers.push(...leftoversOf(one, read));
  }
  const orphans = stored.filter(({ manifest }) => manifest === undefined);
  return { source, backups: backups.sort(oldestFirst), orphans, leftovers, problems };
}

/** One backup with all that is known of it; undefined where its manifest cannot be read; opening that backup says so. */
export async function surveyBackup(
  engine: Engine,
  source: string,
  id: string,
): Promise<SurveyedBackup | undefined> {
  const all = await listStored(engine, source);
  const stored = all.find((one) => one.id === id);
  const read = stored && (await readOrReport(engine, stored)).read;
  if (stored === undefined || read === undefined) return undefined;
  const records = await readTrusted(engine, source, sharersOf(id, all), []);
  return surveyed(stored, read, { ...records, damage: sharedDamage(all, records.evidence) });
}

/** The backups that show how a source is doing: without what restores have replaced, and without those from the future. */
export function runsUntil(backups: readonly SurveyedBackup[], at: Date): SurveyedBackup[] {
  const latestMs = at.getTime() + CLOCK_TOLERANCE_MS;
  return backups.filter(({ id, time }) => time.getTime() <= latestMs && !isSafety(id));
}

/** The newest good backup among those that show how a source is doing. */
export function newestGood(
  backups: readonly SurveyedBackup[],
  at: Date,
): SurveyedBackup | undefined {
  return runsUntil(backups, at).findLast((one) => one.good);
}

type Holdings = Pick<Survey, 'orphans' | 'leftovers'> & {
  readonly backups: readonly Pick<SurveyedBackup, 'storedBytes' | 'sharedBytes'>[];
};

/**
 * What the store holds of the source, in bytes: backups with their manifests, and runs that never became one. What several share
 * counts once.
 */
export function storedBytesOf({ backups, orphans, leftovers }: Holdings): number {
  const counted = new Set<string>();
  let sum = 0;
  for (const { storedBytes, sharedBytes } of backups) {
    sum += storedBytes;
    for (const [shared, bytes] of sharedBytes) sum += bytesOnce({ bytes, shared }, counted) - bytes;
  }
  for (const { artifacts } of [...orphans, ...leftovers]) {
    for (const object of artifacts) sum += bytesOnce(object, counted);
  }
  return sum;
}

/** What an object adds to what was `counted` before: nothing when it shares its bytes with one of them. */
export function bytesOnce(
  { bytes, shared }: Pick<StoredObject, 'bytes' | 'shared'>,
  counted: Set<string>,
): number {
  if (shared === undefined) return bytes;
  if (counted.has(shared)) return 0;
  counted.add(shared);
  return bytes;
}

interface KnownRecords {
  readonly evidence: readonly ReadRecord[];
  readonly pins: readonly ReadRecord[];
  readonly unpins: readonly ReadRecord[];
  /** The keys of pins that cannot be read: what they say is in doubt, and in doubt nothing goes. */
  readonly brokenPins: readonly string[];
}

async function readTrusted(
  engine: Engine,
  source: string,
  subjects: ReadonlySet<string>,
  problems: Problem[],
): Promise<KnownRecords> {
  const onProblem = (problem: Problem) => problems.push(problem);
  const read = async (verb: 'verify' | 'restore-test' | 'restore' | 'pin' | 'unpin') => {
    const records = await readRecords(engine, verb, source, { subjects, onProblem });
    return records.filter(({ record, distrust }) => {
      if (distrust === undefined || engine.trustAnyone) return true;
      problems.push({ path: record.key, code: 'untrusted', detail: distrust });
      return false;
    });
  };
  const evidence = [...(await read('verify')), ...(await read('restore-test'))];
  const pinProblems = problems.length;
  const pins = await read('pin');
  const brokenPins = problems
    .slice(pinProblems)
    .flatMap(({ path, code }) => (code === 'unreadable' ? [path] : []));
  return { evidence, pins, brokenPins, unpins: await read('unpin') };
}

async function readOrReport(
  engine: Engine,
  { manifest, source, id }: StoredBackup,
): Promise<{ read?: ReadBackup; problem?: Problem }> {
  if (manifest === undefined) return {};
  try {
    const read = await readManifest(engine, manifest);
    if (read.distrust === undefined || engine.trustAnyone) return { read };
    return { read, problem: { path: `${source}/${id}`, code: 'untrusted', detail: read.distrust } };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return {
      problem: { path: manifestKey(source, id), code: 'unreadable', detail: error.message },
    };
  }
}

interface Known extends KnownRecords {
  readonly damage: SharedDamages;
}

function surveyed(stored: StoredBackup, read: ReadBackup, records: Known): SurveyedBackup {
  const { source, id } = stored;
  const { manifest, storedAt, digest, signedBy, distrust } = read;
  const evidence = records.evidence
    .filter(({ record }) => record.subject === id)
    .flatMap((one) => evidenceOf(one));
  const named = new Set(manifest.artifacts.map(({ key }) => key));
  const shared = stored.artifacts.filter((one) => one.shared !== undefined && named.has(one.key));
  evidence.push(...damageElsewhere(manifest, stored.artifacts, records.damage));
  const absent = absentArtifact(manifest, stored);
  if (absent !== undefined) {
    evidence.push({ verb: 'list', level: 'presence', verdict: 'damaged', at: storedAt });
  }
  const signatureTrusted = distrust === undefined;
  const { status, problems } = manifest;
  const standing = standingOf({
    ...{ signatureTrusted, status, problems, evidence },
    safety: isSafety(id),
  });
  const storedBytes = manifest.artifacts.reduce(
    (sum, one) => sum + one.bytes,
    stored.manifest?.bytes ?? 0,
  );
  return {
    source,
    id,
    time: timeOf(id),
    begin: new Date(manifest.begin),
    storedAt,
    isRepair: parseBackupId(id)?.kind === 'repair',
    isScheduled: parseBackupId(id)?.kind === 'schedule',
    manifest,
    digest,
    signedBy,
    distrust,
    ...standing,
    why: absent ?? standing.why,
    evidence,
    tested: factsOfTests(records.evidence, id),
    pinnedBy: pinsOf(id, records),
    storedBytes,
    sharedBytes: new Map(shared.map((one) => [one.shared ?? '', one.bytes])),
    storageClass: stored.artifacts.find((one) => one.storageClass !== undefined)?.storageClass,
    hidden: hiddenKeys(stored),
  };
}

function factsOfTests(evidence: KnownRecords['evidence'], id: string): Facts {
  const tests = evidence.filter(
    ({ record }) => record.verb === 'restore-test' && record.subject === id,
  );
  return mergedFacts(tests);
}

function hiddenKeys({ manifest, artifacts }: StoredBackup): string[] {
  const objects = manifest === undefined ? artifacts : [manifest, ...artifacts];
  return objects.filter(({ covered }) => covered !== undefined).map(({ key }) => key);
}

function evidenceOf({ record }: ReadRecord): EvidencePiece[] {
  const { verb, verdict, facts, end } = record;
  if (verdict !== 'proven' && verdict !== 'damaged' && verdict !== 'inconclusive') return [];
  const level = verb === 'restore-test' ? 'restore' : levelOf(record);
  const { foundIn } = facts;
  const at = new Date(end);
  const readAt = earliestReading(record);
  return [
    {
      ...{ verb, level, verdict, at },
      ...(readAt !== undefined && readAt < new Date(record.begin) && { readAt }),
      ...(typeof foundIn === 'string' && { foundIn }),
    },
  ];
}

/** A manifest that is not trusted tells nothing of what it does not name. */
function leftoversOf(stored: StoredBackup, { manifest, distrust }: ReadBackup): StoredBackup[] {
  if (distrust !== undefined) return [];
  const named = new Set(manifest.artifacts.map(({ key }) => key));
  const artifacts = stored.artifacts.filter(({ key }) => !named.has(key));
  return artifacts.length === 0 ? [] : [{ ...stored, manifest: undefined, artifacts }];
}

/** What a listing alone shows: an artifact that is gone, or has another length. */
export function absentArtifact(manifest: Manifest, stored: StoredBackup): string | undefined {
  for (const { key, bytes } of manifest.artifacts) {
    const object = stored.artifacts.find((one) => one.key === key);
    if (object === undefined) return `${key} is missing`;
    if (object.bytes !== bytes) return `${key} has ${object.bytes} of ${bytes} bytes`;
  }
  return undefined;
}

/** Pins that no unpin names. */
function pinsOf(id: string, { pins, unpins, brokenPins }: KnownRecords): string[] {
  const undone = new Set(unpins.map(({ record }) => record.facts['pin']));
  const read = pins.filter(({ record }) => record.subject === id).map(({ record }) => record.key);
  const broken = brokenPins.filter((key) => parseRecordKey(key)?.subject === id);
  return [...read, ...broken].filter((key) => !undone.has(key));
}

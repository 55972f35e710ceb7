// Backing up one source: artifacts first, the manifest last. A crash at any point leaves a whole backup or nothing that is listed.
import { HoldfastError, type Problem } from '../errors.ts';
import { backupId, type Trigger } from '../format/ids.ts';
import { artifactKey, manifestKey } from '../format/layout.ts';
import {
  databaseSummary,
  MANIFEST_FORMAT,
  type Artifact,
  type Manifest,
  type ManifestTotals,
} from '../format/manifest.ts';
import { partName, PARTS_FEATURE } from '../format/parts.ts';
import { encodeSigned } from '../format/signed.ts';
import {
  DEFAULT_ANOMALY_THRESHOLDS,
  findAnomalies,
  findLostRows,
  type BackupTotals,
} from '../policy/anomaly.ts';
import type { ArtifactSink, Source, ReadResult } from '../sources/source.ts';
import {
  isUnreadable,
  listStored,
  readManifest,
  withArtifacts,
  type ReadBackup,
  type StoredBackup,
} from './catalog/backups.ts';
import { assertClock } from './catalog/clock.ts';
import { signerOf, throwIfCancelled, workOf, type Engine } from './engine.ts';
import { claimStore } from './catalog/marker.ts';
import { leaveReadme } from './catalog/readme.ts';
import { findPredecessor, type Predecessor } from './catalog/predecessor.ts';
import { assertSamePlace } from './restore/same-place.ts';
import { listedProblems, tryRecord } from './catalog/records.ts';
import { sharingWith, withoutLost } from './share.ts';
import { newestTest } from './tested.ts';

export interface BackupOptions {
  readonly trigger: Trigger;
  /** Read every file, whatever the previous backup says. */
  readonly full: boolean;
  /** A note when more than this share of what there was is gone; half, unless it is given. */
  readonly dropShare?: number;
  /** The site stands elsewhere than when it was backed up last, and is the same one. */
  readonly moved?: boolean;
  /** For a backup that is not made from its source: what its manifest says instead. */
  readonly instead?: {
    readonly begin: Date;
    readonly origin: NonNullable<Manifest['origin']>;
    readonly git: Manifest['git'];
    readonly package: Manifest['package'];
    /** Whose members and parts are taken over where they come out the same. */
    readonly from: Predecessor | undefined;
  };
}

export interface BackupResult {
  readonly source: string;
  readonly id: string;
  /** `already`: an earlier or concurrent run of the same trigger made this backup. */
  readonly outcome: 'made' | 'already';
  readonly manifest: Manifest;
  /** The id of the backup whose members were reused. */
  readonly predecessor: string | undefined;
}

/**
 * Backs up a source. The same trigger gives the same id, and a backup that exists already is returned as it is.
 *
 * `CLOCK_SKEW` when this clock cannot be trusted, `SOURCE_UNREADABLE` when there is nothing to back up; what else could not be read
 * makes the manifest partial. A failure leaves a record; but `STORE_CONFLICT`, when the store is another system's, and `OTHER_SITE`,
 * when the source was backed up last from another place, leave nothing.
 */
export async function backupSource(
  engine: Engine,
  source: Source,
  options: BackupOptions,
): Promise<BackupResult> {
  const begin = engine.now();
  const id = backupId(options.trigger);
  signerOf(engine);
  // Before anything else is written, even the record of a failure.
  await claimStore(engine);
  await leaveReadme(engine.store);
  const listed = await listStored(engine, source.name);
  // A refusal leaves no record: the site whose backups these are has not failed.
  if (options.moved !== true) await assertSamePlace(engine, source, listed);
  try {
    return await run(engine, source, { ...options, begin, id, listed });
  } catch (error) {
    await recordFailure(engine, source, { begin, id, error });
    throw error;
  }
}

interface Run extends BackupOptions {
  readonly begin: Date;
  readonly id: string;
  /** What is stored of the source. */
  readonly listed: readonly StoredBackup[];
}

async function run(engine: Engine, source: Source, options: Run): Promise<BackupResult> {
  const { id } = options;
  await assertClock(engine);
  const existing = await readExisting(engine, source.name, id);
  if (existing !== undefined) return already(existing);
  if (options.trigger.kind === 'deploy') await recordBegin(engine, source, options);
  const { read, predecessor } = await readSource(engine, source, options);
  throwIfCancelled(engine);
  // A manifest must not outlive what it names.
  await engine.store.settle?.();
  // Last, so that little time is left in which a process that sleeps could lose what it confirmed.
  await confirmLengths(engine, read.artifacts);
  const manifest = manifestOf(engine, source, { ...options, read, predecessor });
  const bytes = await encodeSigned(manifest, signerOf(engine));
  try {
    // From here on the backup exists; until here nothing lists it.
    await engine.store.put(manifest.key, bytes);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
    const winner = await readExisting(engine, source.name, id);
    if (winner === undefined) throw error;
    return already(winner);
  }
  return {
    source: source.name,
    id,
    outcome: 'made',
    manifest,
    predecessor: predecessor?.manifest.id,
  };
}

function already({ manifest }: ReadBackup): BackupResult {
  const { source, id } = manifest;
  return { source, id, outcome: 'already', manifest, predecessor: undefined };
}

async function readExisting(
  engine: Engine,
  source: string,
  id: string,
): Promise<ReadBackup | undefined> {
  const object = await engine.store.head(manifestKey(source, id));
  if (object === undefined) return undefined;
  const read = await readManifest(engine, object);
  if (read.distrust === undefined || engine.trustAnyone) return read;
  throw new HoldfastError(
    'UNTRUSTED',
    `${source}/${id} exists already and cannot be trusted: ${read.distrust}`,
    {
      hint: 'Its writer is not trusted. Look at it with `holdfast show`, and start a new run.',
    },
  );
}

interface SourceRead {
  readonly read: ReadResult;
  readonly predecessor: ReadBackup | undefined;
}

/** What turns out to be wrong with the predecessor while it is used costs a full read, and never the backup. */
async function readSource(engine: Engine, source: Source, options: Run): Promise<SourceRead> {
  const { read, predecessor } = await readFrom(engine, source, options);
  // What is not made from its source is not compared with what the source held before.
  return { read, predecessor: options.instead === undefined ? predecessor : undefined };
}

async function readFrom(engine: Engine, source: Source, options: Run): Promise<SourceRead> {
  const { id, full, begin, listed } = options;
  const tested = await newestTest(engine, source);
  const predecessor =
    options.instead === undefined
      ? await findPredecessor(engine, source, id, listed)
      : options.instead.from;
  const sink = sinkOf(engine, { source: source.name, id }, predecessor);
  const { scratch } = engine;
  const input = { ...workOf(engine), sink, full, begin, scratch, tested };
  if (predecessor !== undefined) {
    try {
      const opened = await withoutLost(engine, withArtifacts(engine, predecessor), predecessor);
      return { read: await source.read({ ...input, predecessor: opened }), predecessor };
    } catch (error) {
      // It is damaged, was released meanwhile, or another version wrote it.
      if (!isUnreadable(error)) throw error;
      const detail = `${predecessor.manifest.id} could not be built on: ${error.message}`;
      const note = { path: '', code: 'predecessor-unusable', detail, tolerated: true };
      const read = await source.read({ ...input, predecessor: undefined });
      return { read: { ...read, problems: [...read.problems, note] }, predecessor: undefined };
    }
  }
  return { read: await source.read({ ...input, predecessor: undefined }), predecessor };
}

function sinkOf(
  engine: Engine,
  backup: { source: string; id: string },
  predecessor: Predecessor | undefined,
): ArtifactSink {
  const share = sharingWith(engine, predecessor);
  const keyOf = (role: Artifact['role'], extension: string) =>
    artifactKey(backup, { role, random: engine.random(), extension });
  const options = engine.signal === undefined ? {} : { signal: engine.signal };
  const shareOrClone = async (from: Artifact, key: string) => {
    if (!(await share(from, key))) await engine.store.clone(from.key, key, options);
  };
  return {
    put: async (role, extension, body) => {
      const key = keyOf(role, extension);
      await engine.store.put(key, body, options);
      return key;
    },
    clone: async (role, extension, from) => {
      const key = keyOf(role, extension);
      await shareOrClone(from, key);
      return key;
    },
    parts: () => {
      const random = engine.random();
      const partKey = (number: number, extension: string) =>
        artifactKey(backup, { role: 'archive', random: partName(random, number), extension });
      return {
        put: async (number, extension, body) => {
          const key = partKey(number, extension);
          await engine.store.put(key, body, options);
          return key;
        },
        clone: async (number, extension, from) => {
          const key = partKey(number, extension);
          await shareOrClone(from, key);
          return key;
        },
      };
    },
  };
}

/** What the store says it has must be what was sent. */
async function confirmLengths(engine: Engine, artifacts: readonly Artifact[]): Promise<void> {
  for (const { key, bytes } of artifacts) {
    const stored = await engine.store.head(key);
    if (stored?.bytes === bytes) continue;
    throw new HoldfastError(
      'STORE_UNAVAILABLE',
      `the store has ${stored?.bytes ?? 'no'} of the ${bytes} bytes of ${key}`,
      {
        hint: 'Nothing was committed. Run the backup again; if it stays so, the store loses data.',
      },
    );
  }
}

type Finished = Run & SourceRead;

function manifestOf(engine: Engine, source: Source, run: Finished): Manifest {
  const { read, id, trigger, predecessor, instead } = run;
  const begin = instead?.begin ?? run.begin;
  const { git, package: packaged } = instead ?? read;
  const problems = [...read.problems, ...anomalies(run)].sort(
    (a, b) => Number(a.tolerated === true) - Number(b.tolerated === true),
  );
  const partial = problems.some(({ tolerated }) => tolerated !== true);
  return {
    format: MANIFEST_FORMAT,
    requires: requirementsOf(read),
    key: manifestKey(source.name, id),
    system: engine.system ?? '',
    source: source.name,
    kind: source.kind.kind,
    id,
    trigger: { kind: trigger.kind, at: trigger.at.toISOString() },
    begin: begin.toISOString(),
    end: engine.now().toISOString(),
    fullAt: read.full ? begin.toISOString() : (predecessor?.manifest.fullAt ?? begin.toISOString()),
    status: partial ? 'partial' : 'complete',
    problems: listedProblems(problems),
    problemCount: problems.length,
    artifacts: [...read.artifacts],
    totals: read.totals,
    options: read.options,
    ...(read.owners !== undefined && { owners: read.owners }),
    ...(git !== undefined && { git }),
    ...(packaged !== undefined && { package: packaged }),
    ...(source.place !== undefined && { place: source.place.at }),
    ...(read.database !== undefined && { database: read.database }),
    ...(instead !== undefined && { origin: instead.origin }),
    tools: { ...engine.versions },
  };
}

/** What a reader of the manifest must know. */
function requirementsOf({ artifacts, database, owners }: ReadResult): string[] {
  const archives = artifacts.filter(({ role }) => role === 'archive');
  return [
    ...(database === undefined ? [] : ['database']),
    ...(owners === undefined ? [] : ['owner-names']),
    ...(archives.length > 1 ? [PARTS_FEATURE] : []),
  ];
}

/** Notes on what changed more than it should; they make no run partial, and stand in the manifest. */
function anomalies({ read, predecessor, dropShare }: Finished): Problem[] {
  if (predecessor === undefined) return [];
  const { totals, database } = predecessor.manifest;
  const thresholds = {
    ...DEFAULT_ANOMALY_THRESHOLDS,
    ...(dropShare !== undefined && { dropShare }),
  };
  const now = quantitiesOf(read.totals, read.database);
  const notes = findAnomalies(now, [quantitiesOf(totals, database)], thresholds);
  const tables =
    read.database === undefined || database === undefined
      ? []
      : findLostRows(read.database, database, thresholds);
  return [...notes.map((note) => ({ ...note, table: '' })), ...tables].map(
    ({ table, code, detail }) => ({
      path: table,
      code: `anomaly-${code}`,
      detail,
      tolerated: true,
    }),
  );
}

/** Tables of a database do not count here, although totals count them as files: those that are gone are named. */
function quantitiesOf(totals: ManifestTotals, database: Manifest['database']): BackupTotals {
  const bytes = totals.contentBytes;
  if (database === undefined) return { files: totals.files, rows: undefined, bytes };
  return { files: undefined, rows: databaseSummary(database).rows, bytes };
}

/** No schedule tells that a backup after a deployment is missing: this does, where the run dies. */
async function recordBegin(
  engine: Engine,
  source: Source,
  { begin, id }: { begin: Date; id: string },
): Promise<void> {
  await tryRecord(engine, {
    ...{ verb: 'backup', source: source.name, subject: id, begin, verdict: 'begun' },
    ...{ problems: [], facts: {} },
  });
}

async function recordFailure(
  engine: Engine,
  source: Source,
  { begin, id, error }: { begin: Date; id: string; error: unknown },
): Promise<void> {
  const code = error instanceof HoldfastError ? error.code : 'UNEXPECTED';
  const detail = error instanceof Error ? error.message : String(error);
  // The first failure is what the user must see; a store that fails twice is no news.
  await tryRecord(engine, {
    verb: 'backup',
    source: source.name,
    subject: id,
    begin,
    verdict: 'failed',
    problems: [{ path: '', code, detail }],
    facts: {},
  });
}

// Backing up one source: artifacts first, the manifest last. A crash at any point leaves a whole backup or nothing that is listed.
import { HoldfastError, type Problem } from '../errors.ts';
import { backupId, type Trigger } from '../format/ids.ts';
import { artifactKey, MARKER_KEY, manifestKey } from '../format/layout.ts';
import { MANIFEST_FORMAT, type Artifact, type Manifest } from '../format/manifest.ts';
import { encodeSigned } from '../format/signed.ts';
import { findAnomalies } from '../policy/anomaly.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';
import type { ArtifactSink, ReadResult, Source } from '../sources/source.ts';
import {
  listStored,
  readManifest,
  withArtifacts,
  type ReadBackup,
  type StoredBackup,
} from './catalog.ts';
import { signerOf, throwIfCancelled, workOf, type Engine } from './engine.ts';
import { listedProblems, readRecords, writeRecord } from './records.ts';
import { absentArtifact } from './survey.ts';

export interface BackupOptions {
  readonly trigger: Trigger;
  /** Read every file, whatever the previous backup says. */
  readonly full: boolean;
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
 * makes the manifest partial. A failure leaves a record.
 */
export async function backupSource(
  engine: Engine,
  source: Source,
  options: BackupOptions,
): Promise<BackupResult> {
  const begin = engine.now();
  const id = backupId(options.trigger);
  try {
    return await run(engine, source, { ...options, begin, id });
  } catch (error) {
    await recordFailure(engine, source, { begin, id, error });
    throw error;
  }
}

interface Run extends BackupOptions {
  readonly begin: Date;
  readonly id: string;
}

async function run(engine: Engine, source: Source, options: Run): Promise<BackupResult> {
  const { id } = options;
  signerOf(engine);
  await assertClock(engine);
  await putMarker(engine);
  const existing = await readExisting(engine, source.name, id);
  if (existing !== undefined) return already(existing);
  const predecessor = await findPredecessor(engine, source, id);
  const read = await source.read({
    ...workOf(engine),
    sink: sinkOf(engine, { source: source.name, id }),
    predecessor: predecessor && withArtifacts(engine, predecessor),
    full: options.full,
    begin: options.begin,
  });
  throwIfCancelled(engine);
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

async function assertClock(engine: Engine): Promise<void> {
  const skewMs = engine.now().getTime() - (await engine.store.now()).getTime();
  if (Math.abs(skewMs) <= CLOCK_TOLERANCE_MS) return;
  throw new HoldfastError(
    'CLOCK_SKEW',
    `this clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the clock of the store`,
    { hint: "Set this machine's time, then run again: ids, retention and freshness depend on it." },
  );
}

/** The marker says which system a store holds; another system's store is refused. */
async function putMarker(engine: Engine): Promise<void> {
  const marker = { format: MANIFEST_FORMAT, system: engine.system };
  const bytes = Buffer.from(`${JSON.stringify(marker)}\n`);
  const object = await engine.store.head(MARKER_KEY);
  if (object === undefined) {
    try {
      await engine.store.put(MARKER_KEY, bytes);
      return;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
    }
  }
  const size = object?.bytes ?? bytes.length;
  const stored = Buffer.from(await engine.store.read(MARKER_KEY, 0, Math.min(size, 4096)));
  if (stored.equals(bytes)) return;
  throw new HoldfastError(
    'STORE_CONFLICT',
    `the store ${engine.store.url} holds another system: ${stored.toString().trim().slice(0, 200)}`,
    {
      hint: `This configuration is of "${engine.system ?? ''}". A store holds one system: choose another \`store\`.`,
    },
  );
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
      hint: 'Somebody wrote it who may not. Look at it with `holdfast show`, and trigger this backup anew.',
    },
  );
}

/** The newest backup before this one that is whole, trusted and not known to be damaged. */
async function findPredecessor(
  engine: Engine,
  source: Source,
  id: string,
): Promise<ReadBackup | undefined> {
  const stored = await listStored(engine, source.name);
  for (const one of stored.filter((backup) => backup.id < id).reverse()) {
    const read = await usable(engine, source, one);
    if (read !== undefined) return read;
  }
  return undefined;
}

async function usable(
  engine: Engine,
  source: Source,
  stored: StoredBackup,
): Promise<ReadBackup | undefined> {
  if (stored.manifest === undefined) return undefined;
  let read: ReadBackup;
  try {
    read = await readManifest(engine, stored.manifest);
  } catch (error) {
    // One that cannot be read serves nobody; status and verify report it.
    if (error instanceof HoldfastError && error.code !== 'STORE_UNAVAILABLE') return undefined;
    throw error;
  }
  if (read.distrust !== undefined || read.manifest.kind !== source.kind.kind) return undefined;
  if (absentArtifact(read.manifest, stored) !== undefined) return undefined;
  const subjects = new Set([stored.id]);
  for (const verb of ['verify', 'restore-test'] as const) {
    const records = await readRecords(engine, verb, source.name, {
      subjects,
      onProblem: () => undefined,
    });
    if (
      records.some(({ record, distrust }) => distrust === undefined && record.verdict === 'damaged')
    ) {
      return undefined;
    }
  }
  return read;
}

function sinkOf(engine: Engine, backup: { source: string; id: string }): ArtifactSink {
  const keyOf = (role: Artifact['role'], extension: string) =>
    artifactKey(backup, { role, random: engine.random(), extension });
  const options = engine.signal === undefined ? {} : { signal: engine.signal };
  return {
    put: async (role, extension, body) => {
      const key = keyOf(role, extension);
      await engine.store.put(key, body, options);
      return key;
    },
    clone: async (role, extension, from) => {
      const key = keyOf(role, extension);
      await engine.store.clone(from.key, key, options);
      return key;
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

interface Finished extends Run {
  readonly read: ReadResult;
  readonly predecessor: ReadBackup | undefined;
}

function manifestOf(engine: Engine, source: Source, run: Finished): Manifest {
  const { read, id, begin, trigger, predecessor } = run;
  const problems = [...read.problems, ...anomalies(read, predecessor)].sort(
    (a, b) => Number(a.tolerated === true) - Number(b.tolerated === true),
  );
  const partial = problems.some(({ tolerated }) => tolerated !== true);
  return {
    format: MANIFEST_FORMAT,
    requires: [],
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
    ...(read.git !== undefined && { git: read.git }),
    ...(read.package !== undefined && { package: read.package }),
    tools: { ...engine.versions },
  };
}

/** Notes on what changed more than it should; they make no run partial, and whoever reads the manifest sees them. */
function anomalies(read: ReadResult, predecessor: ReadBackup | undefined): Problem[] {
  if (predecessor === undefined) return [];
  const totalsOf = ({ files, contentBytes }: { files: number; contentBytes: number }) => ({
    files,
    rows: undefined,
    bytes: contentBytes,
  });
  return findAnomalies(totalsOf(read.totals), [totalsOf(predecessor.manifest.totals)]).map(
    ({ code, detail }) => ({ path: '', code: `anomaly-${code}`, detail, tolerated: true }),
  );
}

async function recordFailure(
  engine: Engine,
  source: Source,
  { begin, id, error }: { begin: Date; id: string; error: unknown },
): Promise<void> {
  const code = error instanceof HoldfastError ? error.code : 'UNEXPECTED';
  const detail = error instanceof Error ? error.message : String(error);
  try {
    await writeRecord(engine, {
      verb: 'backup',
      source: source.name,
      subject: id,
      begin,
      verdict: 'failed',
      problems: [{ path: '', code, detail }],
      facts: {},
    });
  } catch (second) {
    // The first failure is what the user must see; a store that fails twice is no news.
    if (!(second instanceof Error)) throw second;
  }
}

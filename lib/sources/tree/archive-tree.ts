// Reads the entries of a tree into the two artifacts of a files backup: the archive and the scan.
import process from 'node:process';
import { gather, type Gathered } from '../../archive/write/gather.ts';
import { Digester } from '../../archive/write/output.ts';
import type { Parting, PartPlan } from '../../archive/write/part-plan.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import type { Predecessor } from '../../archive/write/predecessor.ts';
import { openArchive } from '../../archive/read/archive-reader.ts';
import { openScan, ScanWriter, type Scan } from '../../archive/write/scan.ts';
import { buildOf } from '../../archive/versions.ts';
import { ArchiveWriter } from '../../archive/write/archive-writer.ts';
import { DAY_MS } from '../../durations.ts';
import type { Encoding } from '../../format/codec.ts';
import { artifactOf, type Artifact, type Manifest } from '../../format/manifest.ts';
import { partsOf, PARTS_FEATURE } from '../../format/parts.ts';
import type { OpenBackup, ReadInput, ReadResult } from '../source.ts';
import { openPreviousParts, storeParts } from './archive-parts.ts';
import { storeArchive } from './store-archive.ts';

const FULL_AFTER_MS = 30 * DAY_MS;

export interface TreeToArchive {
  /** In ascending order of their paths. */
  readonly entries: Iterable<SourceEntry> | AsyncIterable<SourceEntry>;
  readonly encoding: Encoding;
  readonly times: 'recorded' | 'content';
  /** From which sizes on it is cut into parts; undefined where it is always one archive. */
  readonly parting?: Parting;
  /** What its parts are cut at where that fits. @default - as those of the predecessor */
  readonly kept?: number | undefined;
}

export type StoredTree = Pick<ReadResult, 'artifacts' | 'totals' | 'options' | 'problems' | 'full'>;

/**
 * Stores archive and scan through the sink of `input`, reusing what the predecessor has. What is cut by `parting` is gathered first,
 * and stands in several parts where it is large.
 */
export async function archiveTree(input: ReadInput, tree: TreeToArchive): Promise<StoredTree> {
  const { entries, parting } = tree;
  if (parting === undefined) return storeOne(input, tree, entries);
  const { signal, scratch } = input;
  const kept = tree.kept ?? keptPartBytes(input.predecessor?.manifest);
  using gathered = await gather(entries, { parting, kept, scratch, signal });
  const several = gathered.plan && (await storeSeveral(input, tree, gathered, gathered.plan));
  return several ?? (await storeOne(input, tree, gathered.inOrder()));
}

/** What the parts of an earlier run were cut at. */
export function keptPartBytes(before: Manifest | undefined): number | undefined {
  const partBytes = before?.options['partBytes'];
  return typeof partBytes === 'number' ? partBytes : undefined;
}

async function storeOne(
  input: ReadInput,
  tree: TreeToArchive,
  entries: TreeToArchive['entries'],
): Promise<StoredTree> {
  const { encoding } = tree;
  const options = archiveOptions(tree);
  const predecessor = await openPredecessor(input, options, encoding);
  const scan = new ScanWriter(input.pool, input.begin);
  const totalBytes = input.predecessor?.manifest.totals.contentBytes;
  const writer = new ArchiveWriter({
    entries,
    encoding,
    pool: input.pool,
    scan,
    predecessor: predecessor?.archive,
    signal: input.signal,
    onProgress: ({ entries: count, contentBytes }) =>
      input.onProgress?.({ entries: count, bytes: contentBytes, totalBytes }),
  });
  const extension = extensionOf(encoding);
  const target = {
    put: (body: AsyncIterable<Uint8Array>) => input.sink.put('archive', extension, body),
    clone: (from: Artifact) => input.sink.clone('archive', extension, from),
  };
  const storing = { codec: encoding.codec, pool: input.pool, predecessor };
  const { summary, artifact } = await storeArchive(writer, target, storing);
  if (artifact === undefined) throw new Error('an archive was not stored');
  return {
    artifacts: [artifact, await storeScan(await scan.finish(), input)],
    totals: summary.totals,
    options,
    problems: summary.problems,
    full: predecessor?.archive.scan === undefined,
  };
}

/** Undefined when less than two parts hold anything that could be read: then it is one archive after all. */
async function storeSeveral(
  input: ReadInput,
  tree: TreeToArchive,
  gathered: Gathered,
  plan: PartPlan,
): Promise<StoredTree | undefined> {
  const { encoding } = tree;
  const options = { ...archiveOptions(tree), partBytes: plan.partBytes };
  const before = input.predecessor;
  const full = before === undefined || readsAll(input, before.manifest, options);
  const how = { codec: encoding.codec, readsAll: full };
  const predecessor = before && (await openPreviousParts(before, how));
  const stored = await storeParts(input, {
    ...{ gathered, parts: plan.parts, encoding, predecessor },
    extension: extensionOf(encoding),
  });
  if (stored.artifacts.length < 2) return undefined;
  return {
    artifacts: [...stored.artifacts, await storeScan(stored.scan, input)],
    totals: stored.totals,
    options,
    problems: stored.problems,
    full: full || predecessor === undefined,
  };
}

function extensionOf({ codec }: Encoding): string {
  return codec === 'gzip' ? 'tar.gz' : 'tar.zst';
}

/** All that the bytes of an archive depend on besides the tree. */
function archiveOptions({
  encoding: { codec, level },
  times,
}: Omit<TreeToArchive, 'entries'>): Manifest['options'] {
  return { codec, level, times, build: buildOf({ codec, level }), node: process.versions.node };
}

interface OpenPredecessor {
  readonly archive: Predecessor;
  readonly artifact: Artifact;
}

/** The predecessor, where its members can be recognised; its scan only where unread files may be trusted to be unchanged. */
async function openPredecessor(
  input: ReadInput,
  options: Manifest['options'],
  encoding: Encoding,
): Promise<OpenPredecessor | undefined> {
  const backup = input.predecessor;
  if (backup === undefined) return undefined;
  const [{ artifact, class: partClass }] = partsOf(backup.manifest);
  // What is written as one archive takes over nothing of several parts.
  if (partClass !== undefined) return undefined;
  if (artifact.table === undefined || artifact.codec !== encoding.codec) return undefined;
  const archive = await openArchive(backup.open(artifact), artifact.table, artifact.codec);
  const read = readsAll(input, backup.manifest, options);
  return { archive: { archive, scan: read ? undefined : await openScanOf(backup) }, artifact };
}

/** True when nothing of the predecessor may stand for what it was made from. */
function readsAll(input: ReadInput, before: Manifest, options: Manifest['options']): boolean {
  const same = ['codec', 'level', 'times', 'build'].every(
    (name) => before.options[name] === options[name],
  );
  const fullAgeMs = input.begin.getTime() - Date.parse(before.fullAt);
  return input.full || !same || fullAgeMs > FULL_AFTER_MS || fullAgeMs < 0;
}

/** The predecessor's artifacts once more, for a source that is known to be the same; undefined when it is to be read again. */
export async function cloneTree(
  input: ReadInput,
  tree: Omit<TreeToArchive, 'entries'>,
): Promise<StoredTree | undefined> {
  const before = input.predecessor?.manifest;
  const options = archiveOptions(tree);
  if (before === undefined || readsAll(input, before, options)) return undefined;
  // A problem may have gone meanwhile, and a manifest need not list all of them.
  if (before.problemCount > 0 || before.requires.includes(PARTS_FEATURE)) return undefined;
  const artifacts: Artifact[] = [];
  for (const artifact of before.artifacts) {
    const extension = artifact.key.slice(artifact.key.lastIndexOf('/') + 1).replace(/^[^.]*\./, '');
    artifacts.push({
      ...artifact,
      key: await input.sink.clone(artifact.role, extension, artifact),
    });
  }
  const { bytes } = artifactOf(before, 'archive');
  return {
    artifacts,
    totals: { ...before.totals, readBytes: 0, reusedBytes: bytes },
    options,
    problems: [],
    full: false,
  };
}

async function openScanOf(backup: OpenBackup): Promise<Scan | undefined> {
  const artifact = backup.manifest.artifacts.find(({ role }) => role === 'scan');
  if (artifact === undefined) return undefined;
  const stored = await backup.open(artifact).read(0, artifact.bytes);
  return openScan(stored, artifact.sha256);
}

async function storeScan(members: readonly Uint8Array[], input: ReadInput): Promise<Artifact> {
  const digester = new Digester();
  for (const member of members) digester.update(member);
  const key = await input.sink.put('scan', 'ndjson.gz', asyncOf(members));
  return { role: 'scan', key, codec: 'gzip', ...digester.digest() };
}

async function* asyncOf<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

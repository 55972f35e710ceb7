// Reads the entries of a tree into the two artifacts of a files backup: the archive and the scan.
import process from 'node:process';
import type { Part } from '../../archive/write/assembly.ts';
import { Digester, partBytes } from '../../archive/write/output.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import type { Predecessor } from '../../archive/write/predecessor.ts';
import { openArchive } from '../../archive/read/archive-reader.ts';
import { openScan, ScanWriter, type Scan } from '../../archive/write/scan.ts';
import { buildOf } from '../../archive/versions.ts';
import { ArchiveWriter, type ArchiveSummary } from '../../archive/write/archive-writer.ts';
import { DAY_MS } from '../../durations.ts';
import type { Encoding } from '../../format/codec.ts';
import { artifactOf, type Artifact, type Manifest } from '../../format/manifest.ts';
import { partsOf, PARTS_FEATURE } from '../../format/parts.ts';
import type { OpenBackup, ReadInput, ReadResult } from '../source.ts';

const FULL_AFTER_MS = 30 * DAY_MS;

export interface TreeToArchive {
  /** In ascending order of their paths. */
  readonly entries: Iterable<SourceEntry> | AsyncIterable<SourceEntry>;
  readonly encoding: Encoding;
  readonly times: 'recorded' | 'content';
}

export type StoredTree = Pick<ReadResult, 'artifacts' | 'totals' | 'options' | 'problems' | 'full'>;

/** Stores archive and scan through the sink of `input`, reusing what the predecessor has. */
export async function archiveTree(input: ReadInput, tree: TreeToArchive): Promise<StoredTree> {
  const { entries, encoding } = tree;
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
  const { summary, artifact } = await storeArchive(writer, input, { encoding, predecessor });
  return {
    artifacts: [artifact, await storeScan(scan, input)],
    totals: summary.totals,
    options,
    problems: summary.problems,
    full: predecessor?.archive.scan === undefined,
  };
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
  readonly backup: OpenBackup;
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
  return { archive: { archive, scan: read ? undefined : await openScanOf(backup) }, backup };
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

interface StoreOptions {
  readonly encoding: Encoding;
  readonly predecessor: OpenPredecessor | undefined;
}

/** Stores the archive; one that would be the predecessor's byte for byte is cloned. */
async function storeArchive(
  writer: ArchiveWriter,
  input: ReadInput,
  { encoding, predecessor }: StoreOptions,
): Promise<{ summary: ArchiveSummary; artifact: Artifact }> {
  const { codec } = encoding;
  const extension = codec === 'gzip' ? 'tar.gz' : 'tar.zst';
  const parts = writer.write();
  const first = await parts.next();
  if (first.done === true) {
    if (predecessor === undefined)
      throw new Error('an archive without a part and without a predecessor');
    const before = artifactOf(predecessor.backup.manifest, 'archive');
    const key = await input.sink.clone('archive', extension, before);
    return { summary: first.value, artifact: { ...before, key } };
  }
  const rest = new Returned(first.value, parts);
  const from = predecessor && { reader: predecessor.archive.archive.reader, pool: input.pool };
  const digester = new Digester();
  const key = await input.sink.put('archive', extension, digested(partBytes(rest, from), digester));
  const summary = rest.result();
  if (summary.place === undefined) throw new Error('an archive without an index');
  return {
    summary,
    artifact: { role: 'archive', key, codec, ...digester.digest(), table: summary.place },
  };
}

/** An iteration that begins with a part taken before, and keeps what the generator returns. */
class Returned implements AsyncIterable<Part> {
  private readonly first: Part;
  private readonly rest: AsyncGenerator<Part, ArchiveSummary>;
  private summary: ArchiveSummary | undefined;

  constructor(first: Part, rest: AsyncGenerator<Part, ArchiveSummary>) {
    this.first = first;
    this.rest = rest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    yield this.first;
    this.summary = yield* this.rest;
  }

  result(): ArchiveSummary {
    if (this.summary === undefined) throw new Error('the archive was not read to its end');
    return this.summary;
  }
}

async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  digester: Digester,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    digester.update(chunk);
    yield chunk;
  }
}

async function storeScan(scan: ScanWriter, input: ReadInput): Promise<Artifact> {
  const digester = new Digester();
  const members = await scan.finish();
  for (const member of members) digester.update(member);
  const key = await input.sink.put('scan', 'ndjson.gz', asyncOf(members));
  return { role: 'scan', key, codec: 'gzip', ...digester.digest() };
}

async function* asyncOf<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

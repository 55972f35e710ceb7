// The source kind `files`: a folder, read into an archive and a scan.
import fs from 'node:fs';
import process from 'node:process';
import type { Part } from '../archive/assembly.ts';
import { Digester, partBytes, type StreamDigest } from '../archive/output.ts';
import type { Predecessor } from '../archive/predecessor.ts';
import { openArchive } from '../archive/read.ts';
import { openScan, ScanWriter, type Scan } from '../archive/scan.ts';
import { TRACKED_VERSIONS } from '../archive/versions.ts';
import { ArchiveWriter, type ArchiveSummary } from '../archive/write.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Encoding } from '../format/codec.ts';
import { artifactOf, type Artifact, type GitState, type Manifest } from '../format/manifest.ts';
import { fromUtf8, fsPath } from '../format/paths.ts';
import { filesKind } from './files-kind.ts';
import { gitignoreContext, readGitFacts, type GitFacts, type GitOptions } from './git.ts';
import { compileGlobs, parseGlob } from './globs.ts';
import { readPackageFacts } from './package.ts';
import { createSelector } from './select.ts';
import type { OpenBackup, ReadInput, ReadResult, Source } from './source.ts';
import { folderIdentity, walk } from './walk.ts';

/** What of a folder is protected, and how it is kept; as configured. */
export interface FilesOptions {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly gitignore: boolean;
  readonly secrets: 'exclude' | 'include';
  readonly oneFileSystem: boolean;
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly times: 'recorded' | 'content';
  readonly compression: 'fast' | 'default' | 'small' | 'zstd' | 'none';
}

export interface FilesSurroundings {
  /** Folders that are never read although they lie inside the source: the store, keys. Absolute; absent ones do not matter. */
  readonly leaveOut: readonly string[];
  readonly git: GitOptions;
}

const ENCODINGS: Record<FilesOptions['compression'], Encoding> = {
  none: { codec: 'gzip', level: 0 },
  fast: { codec: 'gzip', level: 1 },
  default: { codec: 'gzip', level: 2 },
  small: { codec: 'gzip', level: 7 },
  zstd: { codec: 'zstd', level: 1 },
};

const FULL_AFTER_MS = 30 * 24 * 3600 * 1000;

export function filesSource(options: FilesOptions, surroundings: FilesSurroundings): Source {
  return {
    name: options.name,
    kind: filesKind,
    read: (input) => readFiles(options, surroundings, input),
  };
}

/** The entries of a configured source as they are now, for a dry run or a comparison with a backup. */
export function walkFiles(
  options: FilesOptions,
  surroundings: FilesSurroundings,
  onProblem: (problem: Problem) => void,
): ReturnType<typeof walk> {
  const root = realRoot(options);
  const gitignore = options.gitignore ? { gitignore: gitignoreContext(root) } : {};
  const selector = createSelector({
    include: options.include,
    exclude: options.exclude,
    ...gitignore,
  });
  for (const path of selector.explicitPaths) {
    if (fs.existsSync(`${root}/${path}`)) continue;
    onProblem({
      path,
      code: 'vanished',
      detail: 'the configuration names it, and it is not there',
    });
  }
  return walk({
    root: `${fromUtf8(root)}/`.replace(/^\/\/$/, '/'),
    selector,
    secrets: options.secrets,
    times: options.times,
    oneFileSystem: options.oneFileSystem,
    leaveOut: new Set(surroundings.leaveOut.flatMap(identityOf)),
    onProblem,
  });
}

function realRoot({ name, path }: FilesOptions): string {
  try {
    const root = fs.realpathSync(path);
    if (fs.statSync(root).isDirectory()) return root;
  } catch (cause) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the path of the source "${name}", ${path}, cannot be opened`,
      {
        hint: 'Is it mounted, and spelled as in the configuration?',
        cause,
      },
    );
  }
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `the path of the source "${name}", ${path}, is not a folder`,
  );
}

function identityOf(path: string): string[] {
  const stats = fs.statSync(fsPath(fromUtf8(path)), { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? [] : [folderIdentity(stats)];
}

async function readFiles(
  options: FilesOptions,
  surroundings: FilesSurroundings,
  input: ReadInput,
): Promise<ReadResult> {
  const problems: Problem[] = [];
  const git = readGitFacts(options.path, surroundings.git);
  const encoding = ENCODINGS[options.compression];
  const recorded = archiveOptions(options, encoding);
  const predecessor = await openPredecessor(input, recorded, encoding);
  const scan = new ScanWriter(input.pool, input.begin);
  const writer = new ArchiveWriter({
    entries: readable(options, () => walkFiles(options, surroundings, (one) => problems.push(one))),
    encoding,
    pool: input.pool,
    scan,
    predecessor: predecessor?.archive,
    signal: input.signal,
    onProgress: ({ entries, contentBytes }) =>
      input.onProgress?.({
        entries,
        bytes: contentBytes,
        totalBytes: input.predecessor?.manifest.totals.contentBytes,
      }),
  });
  const { summary, artifact } = await storeArchive(writer, input, { encoding, predecessor });
  problems.push(...summary.problems);
  if (summary.totals.files === 0 && !options.allowEmpty) {
    throw new HoldfastError('SOURCE_UNREADABLE', `the source "${options.name}" holds no file`, {
      hint: 'Is it mounted? If an empty source is fine, set `allowEmpty: true`.',
    });
  }
  const { facts, problems: gitProblems } = await git;
  const notes = gitProblems.map((problem) => ({ ...problem, tolerated: true }));
  return {
    artifacts: [artifact, await storeScan(scan, input)],
    totals: summary.totals,
    options: recorded,
    problems: [...tolerate(problems, options.tolerate), ...notes],
    full: predecessor?.archive.scan === undefined,
    git: gitState(facts),
    package: readPackageFacts(options.path),
  };
}

function gitState(facts: GitFacts | undefined): GitState | undefined {
  if (facts?.commit === undefined) return undefined;
  const { commit, branch, tag, dirty } = facts;
  return {
    commit,
    dirty,
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
  };
}

/** A root that cannot be read is a failure of the source, not of Holdfast. */
function* readable<T>(options: FilesOptions, entries: () => Iterable<T>): Generator<T> {
  try {
    yield* entries();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof HoldfastError || code === undefined) throw error;
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the source "${options.name}", ${options.path}, cannot be read`,
      {
        hint: 'Holdfast needs to be allowed to read it: run it as the user that owns the files.',
        cause: error,
      },
    );
  }
}

/** All that the bytes of an archive depend on besides the tree. */
function archiveOptions(options: FilesOptions, { codec, level }: Encoding): Manifest['options'] {
  return {
    codec,
    level,
    times: options.times,
    build: TRACKED_VERSIONS[codec],
    node: process.versions.node,
  };
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
  const artifact = backup.manifest.artifacts.find(({ role }) => role === 'archive');
  if (artifact?.table === undefined || artifact.codec !== encoding.codec) return undefined;
  const archive = await openArchive(backup.open(artifact), artifact.table, artifact.codec);
  const { codec, level, times, build } = backup.manifest.options;
  const same =
    codec === options['codec'] &&
    level === options['level'] &&
    times === options['times'] &&
    build === options['build'];
  const fullAgeMs = input.begin.getTime() - Date.parse(backup.manifest.fullAt);
  const read = input.full || !same || fullAgeMs > FULL_AFTER_MS || fullAgeMs < 0;
  return { archive: { archive, scan: read ? undefined : await openScanOf(backup) }, backup };
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
  return { role: 'scan', key, codec: 'gzip', ...(digester.digest() satisfies StreamDigest) };
}

async function* asyncOf<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

function tolerate(problems: readonly Problem[], globs: readonly string[]): Problem[] {
  if (globs.length === 0) return [...problems];
  const matches = compileGlobs(globs.map((glob) => parseGlob(glob, 'any-depth')));
  return problems.map((problem) => {
    const name = problem.path.slice(problem.path.lastIndexOf('/') + 1);
    return matches(problem.path, name, false) ? { ...problem, tolerated: true } : problem;
  });
}

// The source kind `files`: a folder, read into an archive and a scan.
import fs from 'node:fs';
import { HoldfastError, type Problem } from '../../errors.ts';
import { PARTING, type Parting } from '../../archive/write/part-plan.ts';
import type { GitState } from '../../format/manifest.ts';
import { entriesOf } from '../../archive/read/parts-reader.ts';
import { fromUtf8, fsPath } from '../../format/paths.ts';
import { archiveTree } from '../tree/archive-tree.ts';
import { archiveOf, wantedPaths } from '../tree/opened-archive.ts';
import { ENCODINGS, type Compression } from '../tree/encodings.ts';
import { filesKind } from './kind.ts';
import { compareFilesLive, type LiveTree } from './live.ts';
import { readGitFacts, type GitFacts, type GitOptions } from '../git/facts.ts';
import { findGaps, lfsFromAbove } from '../git/gaps.ts';
import type { GitignoreContext } from '../git/gitignore.ts';
import { OwnersSeen } from '../tree/owner-names.ts';
import { readPackageFacts } from './package-facts.ts';
import { createSelector } from '../tree/select.ts';
import type { LiveSource, OpenBackup, ReadInput, ReadResult } from '../source.ts';
import { tolerate } from '../tree/tolerate.ts';
import { folderIdentity, walk } from '../tree/walk.ts';
import { gitignoreContext } from '../git/working-tree.ts';

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
  readonly compression: Compression;
}

export interface FilesSurroundings {
  /** Folders that are never read although they lie inside the source: the store, keys. Absolute; absent ones do not matter. */
  readonly leaveOut: readonly string[];
  readonly git: GitOptions;
  /** @default - that of `format.md` */
  readonly parting?: Parting;
}

export function filesSource(options: FilesOptions, surroundings: FilesSurroundings): LiveSource {
  return {
    name: options.name,
    kind: filesKind,
    read: (input) => readFiles(options, surroundings, input),
    compareLive: (backup, input) => {
      const live = { ...options, path: input.place ?? options.path };
      return compareFilesLive(backup, liveTree(live, surroundings), input);
    },
  };
}

function liveTree(options: FilesOptions, surroundings: FilesSurroundings): LiveTree {
  return {
    root: byteRoot(realRoot(options)),
    entries: (onProblem) => readable(options, () => walkFiles(options, surroundings, onProblem)),
  };
}

function byteRoot(root: string): string {
  return `${fromUtf8(root)}/`.replace(/^\/\/$/, '/');
}

/**
 * The entries of a configured source as they are now, for a backup, a dry run or a comparison with a backup.
 *
 * @param onGap - called for what the source only points to; absent where nobody wants to know
 */
export function walkFiles(
  options: FilesOptions,
  surroundings: FilesSurroundings,
  onProblem: (problem: Problem) => void,
  onGap?: (problem: Problem) => void,
): ReturnType<typeof walk> {
  const root = realRoot(options);
  const gitignore = options.gitignore ? { gitignore: rulesFor(root, onProblem) } : {};
  const selector = createSelector({
    include: options.include,
    exclude: options.exclude,
    ...gitignore,
  });
  if (onGap !== undefined) for (const gap of findGaps(root, selector)) onGap(gap);
  for (const path of selector.explicitPaths) {
    if (fs.existsSync(`${root}/${path}`)) continue;
    onProblem({
      path,
      code: 'vanished',
      detail: 'the configuration names it, and it is not there',
    });
  }
  return walk({
    root: byteRoot(root),
    selector,
    secrets: options.secrets,
    times: options.times,
    oneFileSystem: options.oneFileSystem,
    leaveOut: new Set(surroundings.leaveOut.flatMap(identityOf)),
    withoutStaging: true,
    onProblem,
    onGap,
    lfs: onGap !== undefined && lfsFromAbove(root),
  });
}

function rulesFor(root: string, onProblem: (problem: Problem) => void): GitignoreContext {
  const { trackedKnown, ...context } = gitignoreContext(root);
  if (!trackedKnown) {
    const detail =
      'the index of git could not be read: what .gitignore names is left out, although git may track some of it';
    onProblem({ path: '.git', code: 'git-unreadable', detail, tolerated: true });
  }
  return context;
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
  const { signal } = input;
  const git = readGitFacts(options.path, { ...surroundings.git, ...(signal && { signal }) });
  // Awaited last; should the archive fail before, nobody asks for it any more.
  git.catch(() => undefined);
  const say = (problem: Problem) => problems.push(problem);
  const owners = new OwnersSeen();
  const walked = () => walkFiles(options, surroundings, say, say);
  const stored = await archiveTree(input, {
    entries: owners.watch(readable(options, walked)),
    encoding: ENCODINGS[options.compression],
    times: options.times,
    parting: surroundings.parting ?? PARTING,
  });
  problems.push(...stored.problems);
  if (stored.totals.files === 0 && !options.allowEmpty) {
    throw new HoldfastError('SOURCE_UNREADABLE', `the source "${options.name}" holds no file`, {
      hint: 'Is it mounted? If an empty source is fine, set `allowEmpty: true`.',
    });
  }
  const { facts, problems: gitProblems } = await git;
  const notes = gitProblems.map((problem) => ({ ...problem, tolerated: true }));
  return {
    ...stored,
    problems: [...tolerate(problems, options.tolerate), ...notes],
    owners: await owners.names(),
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

export interface ExtraInput {
  readonly options: FilesOptions;
  readonly surroundings: FilesSurroundings;
  readonly paths: readonly string[];
}

/** What the source has as configured and a backup has not: byte strings, ascending. */
export async function extraEntries(backup: OpenBackup, input: ExtraInput): Promise<string[]> {
  const wants = wantedPaths(input.paths);
  const live = walkFiles(input.options, input.surroundings, () => undefined);
  const found = new Set<string>();
  for (const { path } of live) if (wants(path)) found.add(path);
  for await (const entries of entriesOf(archiveOf(backup))) {
    for (const { path } of entries) found.delete(path);
  }
  return [...found];
}

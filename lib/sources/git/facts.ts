// What git knows about a folder: commit, branch, tag, uncommitted changes. Only reads, and a repository that cannot be read is a
// problem to list, never a failed run.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Problem } from '../../errors.ts';
import { toUtf8 } from '../../format/paths.ts';
import { prepareGit } from './process.ts';
import type { GitOptions, SafeGit } from './process.ts';
import { LFS_VERSION } from './lfs.ts';
import { inTree, locateTree, type WorkingTree } from './working-tree.ts';

export type { GitOptions } from './process.ts';

/** The state of a working tree, as far as it concerns one folder of it. */
export interface GitFacts {
  /** Undefined before the first commit. */
  readonly commit: string | undefined;
  /** Undefined when HEAD is detached. */
  readonly branch: string | undefined;
  /** The tag on this very commit; of several, the highest version. */
  readonly tag: string | undefined;
  /** True when the folder differs from the commit, files that git does not know included. Errs on the side of true. */
  readonly dirty: boolean;
}

export interface GitReading {
  /** Undefined when the folder is in no working tree, or a problem says why nothing is known. */
  readonly facts: GitFacts | undefined;
  readonly problems: readonly Problem[];
}

export interface UncommittedChanges {
  /** Byte strings relative to the folder, sorted; undefined when git does not say. Untracked files count, ignored ones do not. */
  readonly paths: readonly string[] | undefined;
  readonly problems: readonly Problem[];
}

/**
 * The state of git for `folder`. Takes two or three short processes, and none at all where there is no `.git`.
 *
 * @throws `CANCELLED` alone
 */
export async function readGitFacts(folder: string, options: GitOptions): Promise<GitReading> {
  const tree = locateTree(folder);
  if (tree === undefined) return { facts: undefined, problems: [] };
  const git = await prepareGit(tree.folder, tree.top, options);
  if ('failure' in git) return { facts: undefined, problems: [unreadable(git.failure)] };
  const [status, tag] = await Promise.all([readStatus(git, tree, 'normal'), exactTag(git)]);
  if ('failure' in status) return { facts: undefined, problems: [unreadable(status.failure)] };
  const facts: GitFacts = {
    commit: status.commit,
    branch: status.branch,
    tag,
    dirty: await anyChange(status.changes, git, tree),
  };
  return { facts, problems: [] };
}

/**
 * What an overwrite of `folder` in place could lose without git being able to bring it back.
 *
 * @param options.paths - byte strings relative to the folder; only changes at or below these count. Absent: all.
 * @throws `CANCELLED` alone
 */
export async function uncommittedChanges(
  folder: string,
  options: GitOptions & { readonly paths?: readonly string[] },
): Promise<UncommittedChanges> {
  const tree = locateTree(folder);
  if (tree === undefined) return { paths: undefined, problems: [] };
  const git = await prepareGit(tree.folder, tree.top, options);
  if ('failure' in git) return { paths: undefined, problems: [unreadable(git.failure)] };
  const status = await readStatus(git, tree, 'all', pathspecsOf(options.paths));
  if ('failure' in status) return { paths: undefined, problems: [unreadable(status.failure)] };
  const wanted = wantedBy(options.paths);
  const paths: string[] = [];
  for (const change of status.changes) {
    if (wanted(change.path) && !(await isUnchangedLfs(change, git, tree))) paths.push(change.path);
  }
  return { paths: paths.sort(), problems: [] };
}

interface Change {
  /** Relative to the folder. */
  readonly path: string;
  /** The id of the blob in the index, when all that differs is the content of the file in the working tree. */
  readonly indexed: string | undefined;
}

interface Status {
  readonly commit: string | undefined;
  readonly branch: string | undefined;
  readonly changes: readonly Change[];
}

async function readStatus(
  git: SafeGit,
  tree: WorkingTree,
  untracked: 'normal' | 'all',
  pathspecs: readonly string[] = ['.'],
): Promise<Status | { readonly failure: string }> {
  const outcome = await git.run([
    'status',
    '--porcelain=v2',
    '--branch',
    '-z',
    '--no-renames',
    '--no-ahead-behind',
    `--untracked-files=${untracked}`,
    // Only compares the commit that a submodule is at. To look inside, git would run in it, by its own settings.
    '--ignore-submodules=dirty',
    '--',
    ...pathspecs,
  ]);
  if ('failure' in outcome) return outcome;
  const records = outcome.output.toString('latin1').split('\0');
  // The last is empty, or the part of a record that was cut off.
  records.pop();
  const header = (name: string): string | undefined =>
    records.find((record) => record.startsWith(`# ${name} `))?.slice(name.length + 3);
  const commit = header('branch.oid');
  const branch = header('branch.head');
  return {
    commit: commit === '(initial)' ? undefined : commit,
    branch: branch === '(detached)' ? undefined : textOfBytes(branch),
    changes: records.flatMap((record) => changeOf(record, tree.prefix)),
  };
}

/** `git status --porcelain=v2`: the path comes after a fixed number of fields, and is relative to the top. */
function changeOf(record: string, prefix: string): Change[] {
  const fields = { '1': 8, u: 10, '?': 1 }[record.slice(0, 1)];
  if (fields === undefined || record[1] !== ' ') return [];
  const parts = record.split(' ');
  const path = parts.slice(fields).join(' ');
  if (!path.startsWith(prefix)) return [];
  const contentOnly = record.startsWith('1 .M N...') && parts[3] === parts[5];
  return [{ path: path.slice(prefix.length), indexed: contentOnly ? parts[7] : undefined }];
}

async function anyChange(
  changes: readonly Change[],
  git: SafeGit,
  tree: WorkingTree,
): Promise<boolean> {
  for (const change of changes) if (!(await isUnchangedLfs(change, git, tree))) return true;
  return false;
}

/**
 * Whether a file that git calls modified is what Git LFS has put there. With filters switched off, git compares the content with the
 * pointer that stands in the index for it; so we make the pointer ourselves and compare its id.
 */
async function isUnchangedLfs(change: Change, git: SafeGit, tree: WorkingTree): Promise<boolean> {
  if (change.indexed === undefined || !git.filters.includes('lfs')) return false;
  const content = await digestOf(inTree(tree, tree.prefix + change.path));
  if (content === undefined) return false;
  const pointer = `${LFS_VERSION}oid sha256:${content.sha256}\nsize ${content.bytes}\n`;
  const algorithm = change.indexed.length === 40 ? 'sha1' : 'sha256';
  const id = createHash(algorithm).update(`blob ${pointer.length}\0${pointer}`).digest('hex');
  return id === change.indexed;
}

async function digestOf(
  path: string | Buffer,
): Promise<{ sha256: string; bytes: number } | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return undefined;
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      const content = chunk as Buffer;
      hash.update(content);
      bytes += content.length;
    }
    return { sha256: hash.digest('hex'), bytes };
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

async function exactTag(git: SafeGit): Promise<string | undefined> {
  const outcome = await git.run([
    'for-each-ref',
    '--points-at=HEAD',
    '--sort=-version:refname',
    '--count=1',
    '--format=%(refname:lstrip=2)',
    'refs/tags',
  ]);
  if ('failure' in outcome) return undefined;
  const name = outcome.output.toString('latin1').split('\n')[0];
  return name === '' ? undefined : textOfBytes(name);
}

/** The name of a branch or tag as text; git allows any bytes in it. */
function textOfBytes(name: string | undefined): string | undefined {
  return name === undefined ? undefined : Buffer.from(name, 'latin1').toString('utf8');
}

const MAX_PATHSPECS = 200;

/** What git has to look at for some paths: it opens no other folder, such as a `node_modules` that it does not ignore. */
function pathspecsOf(paths: readonly string[] | undefined): string[] {
  if (paths === undefined) return ['.'];
  const bare = paths.map((path) => path.replace(/\/$/, ''));
  const tops = new Set(bare.map((path) => path.split('/')[0] ?? ''));
  for (const specs of [new Set(bare), tops]) {
    // Arguments have to be text.
    const asText = [...specs].map(toUtf8).filter((path) => path !== undefined);
    if (specs.size > 0 && specs.size <= MAX_PATHSPECS && asText.length === specs.size) {
      return asText.map((path) => `:(literal)${path}`);
    }
  }
  return ['.'];
}

function wantedBy(paths: readonly string[] | undefined): (path: string) => boolean {
  if (paths === undefined) return () => true;
  const wanted = new Set(paths.map((path) => path.replace(/\/$/, '')));
  return (path) => {
    const parts = path.replace(/\/$/, '').split('/');
    return parts.some((_, index) => wanted.has(parts.slice(0, index + 1).join('/')));
  };
}

// Tolerated: nothing of the source is missing from the backup because git could not be asked.
function unreadable(reason: string): Problem {
  const detail = `the state of the git repository is not known: ${reason}`;
  return { path: '.git', code: 'git-unreadable', detail, tolerated: true };
}

// Where a folder lies in a working tree of git, and what can be read of the repository without git: no process, and whoever owns it.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fromUtf8, fsPath, joinBytes } from '../../format/paths.ts';
import { parseGitIndex, type IndexedEntry } from './index-file.ts';
import type { GitignoreContext, IgnoreFile } from './gitignore.ts';
import { readSmallFile } from '../tree/small-file.ts';

export interface WorkingTree {
  /** The folder that was asked about; absolute, without links. */
  readonly folder: string;
  readonly top: string;
  /** The folder as a byte string from the top, with a closing slash; empty when it is the top. */
  readonly prefix: string;
  /** The git directory of this working tree: `.git`, or where a file of that name points. */
  readonly gitDir: string;
  /** What all working trees of the repository share. */
  readonly commonDir: string;
}

const MAX_SETTINGS_BYTES = 1024 * 1024;
/** A million files take some 100 MB. */
const MAX_INDEX_BYTES = 128 * 1024 * 1024;

/** The working tree that `folder` lies in; undefined where there is none. */
export function locateTree(folder: string): WorkingTree | undefined {
  let real: string;
  try {
    real = realpathSync(folder);
  } catch {
    return undefined;
  }
  for (let top = real; ; top = dirname(top)) {
    if (existsSync(join(top, '.git'))) {
      const below = real.slice(top === '/' ? 1 : top.length + 1);
      const prefix = below === '' ? '' : `${fromUtf8(below)}/`;
      const gitDir = gitDirOf(join(top, '.git'));
      return { folder: real, top, prefix, gitDir, commonDir: commonDirOf(gitDir) };
    }
    if (top === dirname(top)) return undefined;
  }
}

/** Linked worktrees and submodules have a file `.git` that points to their directory. */
function gitDirOf(dotGit: string): string {
  const pointer = /^gitdir: (.+?)\n*$/.exec(textOf(dotGit))?.[1];
  return pointer === undefined ? dotGit : resolve(dirname(dotGit), pointer);
}

function commonDirOf(gitDir: string): string {
  const shared = textOf(join(gitDir, 'commondir')).trim();
  return shared === '' ? gitDir : resolve(gitDir, shared);
}

/** A small file as text; empty where there is none. */
export function textOf(path: string | Buffer): string {
  return Buffer.from(readSmallFile(path, MAX_SETTINGS_BYTES) ?? []).toString('utf8');
}

/** A path from the top of a working tree, for `node:fs`. */
export function inTree(tree: WorkingTree, path: string): string | Buffer {
  return fsPath(joinBytes(`${fromUtf8(tree.top)}/`.replace(/^\/\/$/, '/'), path));
}

/** What git tracks in a working tree; undefined when that cannot be read. */
export function readIndex(tree: WorkingTree): IndexedEntry[] | undefined {
  const path = join(tree.gitDir, 'index');
  // Before the first `git add` there is none.
  if (!existsSync(path)) return [];
  const bytes = readSmallFile(path, MAX_INDEX_BYTES);
  if (bytes === undefined) return undefined;
  const sha256 = settingOf(tree, 'objectformat') === 'sha256';
  return parseGitIndex(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    sha256 ? 32 : 20,
  );
}

/** A setting of the repository itself, by the last part of its key in lower case; settings that a file includes do not count. */
export function settingOf(tree: WorkingTree, name: string): string | undefined {
  const text = textOf(join(tree.commonDir, 'config'));
  const line = new RegExp(`^\\s*${name}\\s*(?:=\\s*"?([^"\\n]*?)"?\\s*)?$`, 'gim');
  const last = [...text.matchAll(line)].at(-1);
  return last && (last[1] ?? 'true').toLowerCase();
}

/**
 * The ignore rules that hold for `folder` from outside it: `.git/info/exclude` and the `.gitignore` files above; and what git tracks.
 * Its own rules and those below are for the walker to read. A user's global excludes are not consulted: a backup must not depend on
 * who runs it, and what they name is taken.
 */
export function gitignoreContext(folder: string): GitignoreContext & { trackedKnown: boolean } {
  const tree = locateTree(folder);
  if (tree === undefined) {
    return { prefix: '', files: [], tracked: [], ignoreCase: false, trackedKnown: true };
  }
  const prefix = tree.prefix.replace(/\/$/, '');
  const parts = prefix === '' ? [] : prefix.split('/');
  const folders = parts.map((_, index) => parts.slice(0, index).join('/'));
  const candidates: readonly [string, string | Buffer][] = [
    ['', join(tree.commonDir, 'info/exclude')],
    ...folders.map((above): [string, string | Buffer] => [
      above,
      inTree(tree, joinBytes(above, '.gitignore')),
    ]),
  ];
  const files = candidates.flatMap(([above, path]): IgnoreFile[] => {
    const text = readSmallFile(path, MAX_SETTINGS_BYTES);
    return text === undefined ? [] : [{ folder: above, text }];
  });
  const index = readIndex(tree);
  return {
    prefix,
    files,
    tracked: (index ?? []).map(({ path }) => path),
    ignoreCase: settingOf(tree, 'ignorecase') === 'true',
    trackedKnown: index !== undefined,
  };
}

/** The rules of a repository of its own whose working tree begins at `folder`; undefined where none does. */
export function repositoryAt(folder: string | Buffer): GitignoreContext | undefined {
  // A folder whose name is not UTF-8 is looked for by text here, and not found: the rules from above hold in it.
  const tree = locateTree(folder.toString());
  if (tree?.prefix !== '' || !existsSync(join(tree.gitDir, 'HEAD'))) return undefined;
  return gitignoreContext(tree.folder);
}

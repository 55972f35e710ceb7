// What a source points to by git and does not hold: submodules and files that are not checked out, history that is elsewhere. Found
// without git, from what stands in the folder.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../errors.ts';
import {
  displayPath,
  displayText,
  fromUtf8,
  fsPath,
  joinBytes,
  unsafePathReason,
} from '../../format/paths.ts';
import { isTaken, type Selector } from '../tree/select.ts';
import { speaksOfLfs } from './lfs.ts';
import {
  inTree,
  locateTree,
  readIndex,
  settingOf,
  textOf,
  type WorkingTree,
} from './working-tree.ts';

/**
 * What of a selection is not here.
 *
 * What stands for content that a restore would lack makes a backup partial unless it is tolerated: a submodule that is not checked
 * out, a repository that borrows its objects. What somebody chose not to have here is noted.
 *
 * @param root - an absolute folder
 */
export function findGaps(root: string, selector: Selector): Problem[] {
  return gapsIn(root, '', selector);
}

/** @param at - where the folder lies in the source: a byte string, with a closing slash unless it is empty */
function gapsIn(root: string, at: string, selector: Selector): Problem[] {
  const tree = locateTree(root);
  const index = tree && readIndex(tree);
  const problems: Problem[] = [];
  const submodules =
    tree === undefined || index === undefined
      ? declaredIn(root)
      : below(
          tree,
          index.flatMap(({ path, submodule }) => (submodule ? [path] : [])),
        );
  for (const path of submodules) {
    const inSource = at + path;
    if (!isTaken(selector, inSource, true)) continue;
    const folder = fsPath(`${fromUtf8(root)}/${path}`);
    if (!holdsAnything(folder)) problems.push(notCheckedOut(inSource));
    else problems.push(...gapsIn(folder.toString(), `${inSource}/`, selector));
  }
  if (tree !== undefined) {
    const sparse = below(
      tree,
      (index ?? []).flatMap((one) => (one.sparse ? [one.path] : [])),
    );
    const absent = sparse.filter(
      (path) =>
        isTaken(selector, at + path.replace(/\/$/, ''), path.endsWith('/')) &&
        !existsSync(fsPath(`${fromUtf8(root)}/${path}`)),
    );
    if (absent[0] !== undefined) problems.push(sparseNote(at, absent[0], absent.length));
    if (tree.prefix === '') problems.push(...historyGaps(tree, at, selector));
  }
  return problems;
}

/** Paths of the working tree that lie in the folder, relative to it. */
function below(tree: WorkingTree, paths: readonly string[]): string[] {
  return paths
    .flatMap((path) => (path.startsWith(tree.prefix) ? [path.slice(tree.prefix.length)] : []))
    .filter((path) => path !== '');
}

/** The submodules that `.gitmodules` names, for a tree that came without a repository. */
function declaredIn(root: string): string[] {
  const paths = textOf(join(root, '.gitmodules')).matchAll(/^\s*path\s*=\s*"?(.*?)"?\s*$/gm);
  return [...paths]
    .map(([, path = '']) => fromUtf8(path))
    .filter((path) => unsafePathReason(path) === undefined)
    .sort();
}

function holdsAnything(folder: string | Buffer): boolean {
  try {
    return readdirSync(folder).some((name) => name !== '.git');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The walk tells what cannot be read.
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

function notCheckedOut(path: string): Problem {
  const detail =
    'a submodule that is not checked out: nothing of it is in the backup; `git submodule update --init` brings it';
  return { path: displayPath(path), code: 'submodule', detail };
}

function sparseNote(at: string, first: string, count: number): Problem {
  const detail = `${count} files or folders that git tracks are not checked out (sparse checkout), first ${displayPath(first)}: they are not in the backup`;
  return { path: displayPath(at), code: 'sparse-checkout', detail, tolerated: true };
}

/** What the history, where it is backed up, lacks. */
function historyGaps(tree: WorkingTree, at: string, selector: Selector): Problem[] {
  const dotGit = `${at}.git`;
  const stats = statSync(inTree(tree, '.git'), { throwIfNoEntry: false });
  if (stats === undefined || !isTaken(selector, dotGit, stats.isDirectory())) return [];
  const note = (code: string, detail: string): Problem => ({
    path: displayPath(dotGit),
    code,
    detail,
    tolerated: true,
  });
  // A submodule has its history in the repository around it.
  if (!stats.isDirectory()) {
    return at === ''
      ? [
          note(
            'git-elsewhere',
            `points to a repository elsewhere, ${displayText(tree.gitDir)}: its history is not in the backup`,
          ),
        ]
      : [];
  }
  const problems: Problem[] = [];
  const borrowed = textOf(join(tree.commonDir, 'objects/info/alternates')).trim();
  if (borrowed !== '') {
    const [first = ''] = borrowed.split('\n');
    const detail = `takes objects from another repository, ${displayText(first)}: without it the history cannot be read; \`git repack -a -d\` copies them`;
    problems.push({
      path: displayPath(`${dotGit}/objects/info/alternates`),
      code: 'git-alternates',
      detail,
    });
  }
  if (existsSync(join(tree.commonDir, 'shallow'))) {
    problems.push(
      note(
        'git-shallow',
        'holds only the newest part of the history (a shallow clone); `git fetch --unshallow` brings the rest',
      ),
    );
  }
  if (settingOf(tree, 'partialclone') !== undefined || settingOf(tree, 'promisor') === 'true') {
    problems.push(
      note(
        'git-partial',
        'lacks objects that are fetched from its remote when they are needed (a partial clone)',
      ),
    );
  }
  return problems;
}

/** Whether attributes that hold for a folder from outside it have Git LFS keep something. */
export function lfsFromAbove(root: string): boolean {
  const tree = locateTree(root);
  if (tree === undefined) return false;
  const parts = tree.prefix.split('/').slice(0, -1);
  const folders = parts.map((_, index) => parts.slice(0, index).join('/'));
  const files = [
    join(tree.commonDir, 'info/attributes'),
    ...folders.map((one) => inTree(tree, joinBytes(one, '.gitattributes'))),
  ];
  return files.some((file) => speaksOfLfs(textOf(file)));
}

// What .gitignore files say about the entries of a folder, as git would: nested files, negation, directories pruned, files that git
// tracks never ignored. Texts are passed in; no disk.
import { parseIgnoreFile, type IgnorePattern } from './ignore-pattern.ts';

/** One file of ignore rules: a `.gitignore`, or `.git/info/exclude` with the folder `''`. */
export interface IgnoreFile {
  /** The folder that its patterns are relative to, as a byte string from the root of the working tree; `''` for the root. */
  readonly folder: string;
  readonly text: Uint8Array;
}

/** Where a folder lies in its working tree, and what holds for it from above. */
export interface GitignoreContext {
  /** The folder as a byte string from the root of the working tree; `''` when it is the root. */
  readonly prefix: string;
  /** Least important first: `info/exclude`, then `.gitignore` files from the root down, without the folder's own. */
  readonly files: readonly IgnoreFile[];
  /** What git tracks: byte strings from the root of the working tree, ascending. A rule leaves none of it out. */
  readonly tracked: readonly string[];
  /** `core.ignoreCase` of the repository, as on file systems that know no case. */
  readonly ignoreCase: boolean;
}

/** What a folder itself says about what is below it. */
export interface FolderRules {
  /** The bytes of the `.gitignore` in it. */
  readonly gitignore?: Uint8Array | undefined;
  /** Given for the root of another working tree, in which its own rules hold and none from above. */
  readonly repository?: GitignoreContext | undefined;
}

interface PatternList {
  /** The folder of its file, from the root of the working tree, with a closing slash; empty for the root. */
  readonly folder: string;
  readonly patterns: readonly IgnorePattern[];
}

/** The rules that hold in one folder of a source. Immutable; each folder gets its own by `enter`. */
export class IgnoreRules {
  /** From the root of the working tree, with a closing slash; empty for the root. */
  readonly #folder: string;
  readonly #lists: readonly PatternList[];
  readonly #context: GitignoreContext;
  /** True in a folder that is ignored itself: only what git tracks is taken from it. */
  readonly #trackedOnly: boolean;

  private constructor(
    folder: string,
    lists: readonly PatternList[],
    context: GitignoreContext,
    trackedOnly = false,
  ) {
    this.#folder = folder;
    this.#lists = lists;
    this.#context = context;
    this.#trackedOnly = trackedOnly;
  }

  /** The rules at the root of a source. One that is ignored itself starts without any from above. */
  static at(context: GitignoreContext, rules: FolderRules = {}): IgnoreRules {
    const { files, prefix, ignoreCase } = context;
    const lists = files.map(({ folder, text }) => listOf(withSlash(folder), text, ignoreCase));
    const parts = prefix === '' ? [] : prefix.split('/');
    let [folder, named] = ['', false];
    for (const part of parts) {
      // Somebody named this folder as a source, which weighs more than a rule that leaves it out of git.
      named ||= new IgnoreRules(
        folder,
        lists.filter((one) => folder.startsWith(one.folder)),
        context,
      ).#matches(part, true);
      folder += `${part}/`;
    }
    return new IgnoreRules(folder, named ? [] : lists, context).#with(rules.gitignore);
  }

  /** Whether git would ignore the entry `name` of this folder, a byte string. */
  ignores(name: string, isDirectory: boolean): boolean {
    if (!this.#trackedOnly && !this.#matches(name, isDirectory)) return false;
    return !isTracked(this.#context.tracked, this.#folder + name, isDirectory);
  }

  /** The rules in the folder `name` of this one. */
  enter(name: string, { gitignore, repository }: FolderRules = {}): IgnoreRules {
    if (repository !== undefined)
      return IgnoreRules.at({ ...repository, prefix: '' }, { gitignore });
    const trackedOnly = this.#trackedOnly || this.#matches(name, true);
    const folder = `${this.#folder}${name}/`;
    return new IgnoreRules(folder, this.#lists, this.#context, trackedOnly).#with(gitignore);
  }

  /** No rules, at the same place. */
  none(): IgnoreRules {
    return new IgnoreRules(this.#folder, [], this.#context);
  }

  #with(gitignore: Uint8Array | undefined): IgnoreRules {
    if (gitignore === undefined) return this;
    const own = listOf(this.#folder, gitignore, this.#context.ignoreCase);
    return new IgnoreRules(this.#folder, [...this.#lists, own], this.#context, this.#trackedOnly);
  }

  /** Whether a rule leaves it out, given that none leaves out this folder. */
  #matches(name: string, isDirectory: boolean): boolean {
    const path = this.#folder + name;
    for (let at = this.#lists.length - 1; at >= 0; at -= 1) {
      const list = this.#lists[at];
      const below = list === undefined ? '' : path.slice(list.folder.length);
      const last = list?.patterns.findLast(
        (one) => (isDirectory || !one.directoryOnly) && one.matches(below, name),
      );
      if (last !== undefined) return !last.negative;
    }
    return false;
  }
}

function listOf(folder: string, text: Uint8Array, ignoreCase: boolean): PatternList {
  return { folder, patterns: parseIgnoreFile(text, ignoreCase) };
}

function withSlash(folder: string): string {
  return folder === '' ? '' : `${folder}/`;
}

/** Whether git tracks a file, or something in a directory; a submodule is tracked as what it is. */
function isTracked(tracked: readonly string[], path: string, isDirectory: boolean): boolean {
  if (tracked[firstFrom(tracked, path)] === path) return true;
  return isDirectory && tracked[firstFrom(tracked, `${path}/`)]?.startsWith(`${path}/`) === true;
}

/** The index of the first that is not before `path`. */
function firstFrom(sorted: readonly string[], path: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Which entries of a tree belong to a source: include and exclude globs and, on request, .gitignore. Compiled once; reads no disk.
import { toMatchText } from '../../format/paths.ts';
import { compileGlobs, leadingFolders, parseGlob } from '../../format/globs.ts';
import type { Glob, GlobMatcher } from '../../format/globs.ts';
import { IgnoreRules } from '../git/gitignore.ts';
import type { FolderRules, GitignoreContext } from '../git/gitignore.ts';

/**
 * What becomes of an entry.
 *
 * - `take`: it is an entry of the archive; a directory is walked too.
 * - `descend`: only for directories: walked, and archived only if something below it is taken, so that modes and times of
 *   the folders above an included file are restored with it.
 * - `skip`: neither; a directory is not even opened.
 */
export type Selection = 'take' | 'descend' | 'skip';

export interface SelectorOptions {
  /**
   * Globs relative to the source's root; none means everything. `package.json` is the one at the root; at any depth start the pattern
   * with `**` and a slash. A pattern that matches a directory takes all of it. A closing slash restricts it to directories.
   */
  readonly include?: readonly string[];
  /**
   * Globs too; what they match is left out, directories with all that they hold. As in a .gitignore, one without a slash (other
   * than a closing one) matches at any depth, one with a slash from the root.
   */
  readonly exclude?: readonly string[];
  /** Given when .gitignore files are to be respected. */
  readonly gitignore?: GitignoreContext;
}

/** Decides for the entries of one folder. Scopes are immutable, so a walker may keep as many open as it likes. */
export interface Scope {
  /** @param name - the entry's own name, as a byte string. A link is no directory, whatever it points to. */
  select(name: string, isDirectory: boolean): Selection;
  /** Whether an include names exactly this entry, without a wildcard: then no exclude, rule or default leaves it out. */
  isExplicit(name: string): boolean;
  /**
   * The scope of a folder that was not skipped.
   *
   * @param rules - what the folder itself says; ignored unless `.gitignore` is respected
   */
  enter(name: string, rules?: FolderRules): Scope;
}

export interface Selector {
  /** Includes without a wildcard, relative to the root and without slashes at the ends: what must exist, or was misspelt. */
  readonly explicitPaths: readonly string[];
  /** True when folders should be looked into for `.gitignore` files and repositories. */
  readonly wantsGitignore: boolean;
  /** The scope of the source's root; `rules` as for `enter`. */
  open(rules?: FolderRules): Scope;
}

/** What every scope of a selector shares. */
interface Rules {
  readonly includes: GlobMatcher | undefined;
  readonly leadsToInclude: GlobMatcher;
  /** True for names that hold for directories alone. */
  readonly explicit: ReadonlyMap<string, boolean>;
  readonly leadsToExplicit: ReadonlySet<string>;
  readonly excludes: readonly Glob[];
}

/** @throws `CONFIG_INVALID` for a pattern that cannot match: empty, absolute by `..`, negated, or no glob */
export function createSelector(options: SelectorOptions): Selector {
  const includes = (options.include ?? []).map((text) => parseGlob(text, 'from-root'));
  const excludes = (options.exclude ?? []).map((text) => parseGlob(text, 'any-depth'));
  // Brackets and braces are glob syntax and also how Next.js names its routes: a pattern that equals a path names that path.
  const named = includes.filter((glob) => !/[*?]/.test(glob.text));
  const rules: Rules = {
    includes: includes.length === 0 ? undefined : compileGlobs(includes),
    leadsToInclude: compileGlobs(includes.flatMap(leadingFolders)),
    explicit: new Map(named.map((glob) => [glob.text, glob.directoryOnly])),
    leadsToExplicit: new Set(named.flatMap((glob) => foldersAbove(glob.text))),
    excludes,
  };
  const { gitignore } = options;
  return {
    explicitPaths: includes.filter((glob) => glob.literal).map((glob) => glob.text),
    wantsGitignore: gitignore !== undefined,
    open(rulesOfRoot) {
      return new FolderScope(rules, {
        path: '',
        mode: rules.includes === undefined ? 'inside' : 'searching',
        excluded: compileGlobs(excludes),
        ignored: gitignore && IgnoreRules.at(gitignore, rulesOfRoot),
      });
    },
  };
}

interface FolderState {
  /** As match text, with a closing slash; empty for the root. */
  readonly path: string;
  /** `inside`: an include took this folder. `left-out`: only what is named explicitly is taken from here. */
  readonly mode: 'inside' | 'searching' | 'left-out';
  readonly excluded: GlobMatcher;
  readonly ignored: IgnoreRules | undefined;
}

class FolderScope implements Scope {
  readonly #rules: Rules;
  readonly #state: FolderState;

  constructor(rules: Rules, state: FolderState) {
    this.#rules = rules;
    this.#state = state;
  }

  isExplicit(name: string): boolean {
    return this.#rules.explicit.has(this.#state.path + globText(name));
  }

  select(name: string, isDirectory: boolean): Selection {
    const text = globText(name);
    const path = this.#state.path + text;
    if (this.#isExplicit(path, isDirectory)) return 'take';
    if (this.#leavesOut(name, path, isDirectory)) {
      return isDirectory && this.#rules.leadsToExplicit.has(path) ? 'descend' : 'skip';
    }
    if (this.#state.mode === 'inside') return 'take';
    if (this.#rules.includes?.(path, text, isDirectory) === true) return 'take';
    return isDirectory && this.#rules.leadsToInclude(path, text, true) ? 'descend' : 'skip';
  }

  enter(name: string, rules?: FolderRules): Scope {
    const path = this.#state.path + globText(name);
    const state = this.#isExplicit(path, true) ? this.#named(name, path) : this.#below(name, path);
    const ignored = state.ignored?.enter(name, rules);
    return new FolderScope(this.#rules, { ...state, path: `${path}/`, ignored });
  }

  #isExplicit(path: string, isDirectory: boolean): boolean {
    const directoryOnly = this.#rules.explicit.get(path);
    return directoryOnly !== undefined && (isDirectory || !directoryOnly);
  }

  #leavesOut(name: string, path: string, isDirectory: boolean): boolean {
    const { mode, excluded, ignored } = this.#state;
    if (mode === 'left-out') return true;
    if (excluded(path, globText(name), isDirectory)) return true;
    return ignored?.ignores(name, isDirectory) ?? false;
  }

  #below(name: string, path: string): Omit<FolderState, 'path'> {
    const { mode, excluded, ignored } = this.#state;
    if (this.#leavesOut(name, path, true)) return { mode: 'left-out', excluded, ignored };
    const inside = mode === 'inside' || this.#rules.includes?.(path, globText(name), true) === true;
    return { mode: inside ? 'inside' : 'searching', excluded, ignored };
  }

  /**
   * Inside a folder that an include names, an exclude that matches the folder itself or one above it no longer holds, or naming it
   * would give an empty directory. Other excludes do. The same goes for the ignore rules of the folders above.
   */
  #named(name: string, path: string): Omit<FolderState, 'path'> {
    const { mode, ignored } = this.#state;
    const way = [...foldersAbove(path), path];
    const excludes = this.#rules.excludes.filter((glob) => {
      const matches = compileGlobs([glob]);
      return !way.some((folder) =>
        matches(folder, folder.slice(folder.lastIndexOf('/') + 1), true),
      );
    });
    const forgets = mode === 'left-out' || ignored?.ignores(name, true) === true;
    return {
      mode: 'inside',
      excluded: compileGlobs(excludes),
      ignored: forgets ? ignored?.none() : ignored,
    };
  }
}

/** Whether something at a path is taken, or in it, whatever may stand there: a byte string, which need not be a path that a file can have. */
export function isTaken(selector: Selector, path: string, isDirectory: boolean): boolean {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  let scope = selector.open();
  for (const part of parts) {
    if (scope.select(part, true) === 'skip') return false;
    scope = scope.enter(part);
  }
  return scope.select(name, isDirectory) !== 'skip';
}

/**
 * A name as globs see it. The parts of an object's key may be empty, `.` or `..`, which no wildcard matches: then they stand as text
 * that no pattern can spell, and that wildcards match like any other name.
 */
function globText(name: string): string {
  return name === '' || name === '.' || name === '..' ? `\0${name}` : toMatchText(name);
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

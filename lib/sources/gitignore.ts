// What .gitignore files say about a path, as git would: nested files, negation, directories pruned. Texts are passed in; no disk.
import ignore from 'ignore';
import type { Ignore } from 'ignore';
import { toMatchText } from '../format/paths.ts';

/** One file of ignore rules: a `.gitignore`, or `.git/info/exclude` with the folder `''`. */
export interface IgnoreFile {
  /** The folder that its patterns are relative to, as a byte string from the root of the working tree; `''` for the root. */
  readonly folder: string;
  readonly text: Uint8Array;
}

/** Where a source lies in its working tree, and the rules that hold for it from above. */
export interface GitignoreContext {
  /** The source's folder as a byte string from the root of the working tree; `''` when it is the root. */
  readonly prefix: string;
  /** Least important first: `info/exclude`, then `.gitignore` files from the root down, without the source's own. */
  readonly files: readonly IgnoreFile[];
}

// The library remembers every path that it was asked about, and its memory grows slow before it grows large. It is renewed often.
const REMEMBERED_PATHS = 500;

interface Rule {
  /** Relative to the root of the working tree. */
  readonly pattern: string;
  /** How deep the paths are, in names, that it can match; 0 when it is matched against the name alone, at any depth. */
  readonly reach: number;
}

/**
 * The rules that hold in one folder of a source. Immutable; each folder gets its own by `enter`.
 *
 * Paths are match texts (`toMatchText`) relative to the source.
 */
export class IgnoreRules {
  readonly #prefix: string;
  readonly #rules: readonly Rule[];
  readonly #matcher: Matcher;
  readonly #byName: boolean;

  private constructor(prefix: string, rules: readonly Rule[], folder = '', matcher?: Matcher) {
    this.#prefix = prefix;
    this.#rules = rules;
    // Given that no folder above is ignored, a rule anchored higher than this folder reaches nothing in it. What is left in most
    // folders looks at names alone, and there are far fewer names than paths.
    const depth = namesIn(prefix + folder) + 1;
    this.#byName = rules.every((rule) => rule.reach < depth);
    const wanted = this.#byName ? rules.filter((rule) => rule.reach === 0) : rules;
    this.#matcher = matcher?.holds(wanted) === true ? matcher : new Matcher(wanted);
  }

  /** The rules at the root of a source, from what lies above it. A source whose own root is ignored starts without any. */
  static above(context: GitignoreContext): IgnoreRules {
    const path = toMatchText(context.prefix);
    const prefix = path === '' ? '' : `${path}/`;
    const rules = context.files.flatMap((file) => rulesOf(toMatchText(file.folder), file.text));
    // Somebody named this folder as a source, which weighs more than a rule that leaves it out of git.
    const named = path !== '' && new Matcher(rules).ignores(prefix);
    return new IgnoreRules(prefix, named ? [] : rules);
  }

  /** Whether git would ignore `path`, whose last part is `name`, given that it does not ignore the folder that holds it. */
  ignores(path: string, name: string, isDirectory: boolean): boolean {
    const asked = this.#byName ? name : this.#prefix + path;
    return this.#matcher.ignores(isDirectory ? `${asked}/` : asked);
  }

  /** The rules in `folder`, which outweigh these where its own `.gitignore` has `text`. */
  enter(folder: string, text?: Uint8Array): IgnoreRules {
    const own = text === undefined ? [] : rulesOf(withoutSlash(this.#prefix + folder), text);
    const rules = own.length === 0 ? this.#rules : [...this.#rules, ...own];
    return new IgnoreRules(this.#prefix, rules, folder, this.#matcher);
  }

  /** No rules, at the same place. */
  none(): IgnoreRules {
    return new IgnoreRules(this.#prefix, []);
  }
}

class Matcher {
  readonly #rules: readonly Rule[];
  #library: Ignore;
  #asked = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.#library = ignore({ ignorecase: false }).add(rules.map((rule) => rule.pattern));
  }

  holds(rules: readonly Rule[]): boolean {
    return (
      rules.length === this.#rules.length && rules.every((rule, at) => rule === this.#rules[at])
    );
  }

  ignores(path: string): boolean {
    if (this.#rules.length === 0) return false;
    this.#asked += 1;
    if (this.#asked > REMEMBERED_PATHS) {
      this.#library = ignore({ ignorecase: false }).add(this.#library);
      this.#asked = 0;
    }
    return this.#library.ignores(path);
  }
}

/** The rules of a file in `folder` as rules of the root of the working tree, so that one list in git's order decides. */
function rulesOf(folder: string, text: Uint8Array): Rule[] {
  const lines = toMatchText(Buffer.from(text).toString('latin1'))
    .replace(/^\ufeff/, '')
    .split(/\r?\n/);
  const escaped = folder.replace(/[\\*?[]/g, '\\$&');
  return lines.flatMap((line) => {
    const negative = line.startsWith('!');
    const body = negative ? line.slice(1) : line;
    const core = body.replace(/ +$/, '');
    if (line.startsWith('#') || core === '' || core === '/') return [];
    const fromHere = core.slice(0, -1).includes('/');
    if (folder === '') return { pattern: line, reach: fromHere ? reachOf(core, 0) : 0 };
    const plain = body.replace(/^\\(?=[!#])/, '');
    const below = fromHere ? plain.replace(/^\//, '') : `**/${plain}`;
    return {
      pattern: `${negative ? '!' : ''}/${escaped}/${below}`,
      reach: fromHere ? reachOf(core, namesIn(folder)) : Infinity,
    };
  });
}

function reachOf(pattern: string, above: number): number {
  return pattern.includes('**') ? Infinity : above + namesIn(pattern);
}

function namesIn(path: string): number {
  return path.split('/').filter((part) => part !== '').length;
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}

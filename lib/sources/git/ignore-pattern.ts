// One line of a .gitignore, compiled: what git matches with it, over byte strings, as git does. Pure.
// The rules are those of gitignore(5), and of git itself where the page is silent; test/sources/git/gitignore.long.test.ts holds them against git.

/** A pattern, ready to be matched. */
export interface IgnorePattern {
  readonly negative: boolean;
  readonly directoryOnly: boolean;
  /**
   * Whether the pattern means an entry.
   *
   * @param path - of the entry, from the folder of the file that holds the pattern
   * @param name - its last part
   */
  matches(path: string, name: string): boolean;
}

/** The patterns of a file in git's order, in which the last that matches decides. Never throws: what is no pattern matches nothing. */
export function parseIgnoreFile(text: Uint8Array, ignoreCase: boolean): IgnorePattern[] {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
  return bytes
    .replace(/^\xef\xbb\xbf/, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => parseLine(line, ignoreCase));
}

function parseLine(line: string, ignoreCase: boolean): IgnorePattern {
  // For git a line is a string of C: it ends where a NUL stands.
  const text = withoutTrailingSpaces(line.replace(/\r$/, '').replace(/\0[^]*$/, ''));
  const negative = text.startsWith('!');
  const whole = negative ? text.slice(1) : text;
  const directoryOnly = whole.endsWith('/');
  const pattern = directoryOnly ? whole.slice(0, -1) : whole;
  const matches = pattern.includes('/')
    ? pathMatcher(pattern, ignoreCase)
    : nameMatcher(pattern, ignoreCase);
  return { negative, directoryOnly, matches };
}

/** Spaces at the end do not count, unless a backslash stands before them. */
function withoutTrailingSpaces(text: string): string {
  let end = 0;
  for (let at = 0; at < text.length; at += 1) {
    const escaped = text[at] === '\\';
    if (escaped) at += 1;
    if (escaped || text[at] !== ' ') end = at + 1;
  }
  return text.slice(0, end);
}

const SPECIAL = /[*?[\\]/;

/** A pattern without a slash: matched against names at any depth. */
function nameMatcher(pattern: string, ignoreCase: boolean): IgnorePattern['matches'] {
  const fold = folding(ignoreCase);
  if (!SPECIAL.test(pattern)) {
    const wanted = fold(pattern);
    return (_, name) => fold(name) === wanted;
  }
  if (pattern.startsWith('*') && !SPECIAL.test(pattern.slice(1))) {
    const end = fold(pattern.slice(1));
    return (_, name) => fold(name).endsWith(end);
  }
  const tokens = compile(pattern, { ignoreCase, crossing: true });
  return (_, name) => tokens !== undefined && run(tokens, name);
}

/** A pattern with a slash: matched against the path. What stands before its first special character is compared as it is. */
function pathMatcher(pattern: string, ignoreCase: boolean): IgnorePattern['matches'] {
  const fold = folding(ignoreCase);
  const anchored = pattern.replace(/^\//, '');
  const special = anchored.search(SPECIAL);
  const literal = fold(special < 0 ? anchored : anchored.slice(0, special));
  if (special < 0) return (path) => fold(path) === literal;
  // As in git, `**` behind the literal part stands at a beginning, whatever that part ends in: `/foo**/bar` matches `foobar`.
  const tokens = compile(anchored.slice(special), { ignoreCase, crossing: false });
  return (path) =>
    tokens !== undefined &&
    fold(path.slice(0, literal.length)) === literal &&
    run(tokens, path.slice(literal.length));
}

/** Lower case for the letters of ASCII alone; other bytes are parts of characters. */
function folding(ignoreCase: boolean): (text: string) => string {
  return ignoreCase
    ? (text) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : (text) => text;
}

type Test = (char: string) => boolean;

/** One byte; any number of bytes, none too; or nothing, behind which `skips` tokens may be left out. */
type Token = { readonly one: Test } | { readonly many: Test } | { readonly skips: number };

interface Reach {
  readonly ignoreCase: boolean;
  /** Whether `*`, `?` and classes match a slash. */
  readonly crossing: boolean;
}

const anything: Test = () => true;
const noSlash: Test = (char) => char !== '/';

/** The tokens of a pattern; undefined when nothing can match it, such as a class without an end. */
function compile(pattern: string, { ignoreCase, crossing }: Reach): Token[] | undefined {
  const fold = folding(ignoreCase);
  const wide = crossing ? anything : noSlash;
  // What is escaped is compared in its own case, although the text is not.
  const literal =
    (wanted: string): Test =>
    (char) =>
      fold(char) === wanted;
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '*') {
      const { deep, slash, end } = starsAt(pattern, at);
      // Without folders between, the slash behind the stars falls away with them.
      if (slash && !crossing) tokens.push({ skips: 2 });
      tokens.push({ many: deep ? anything : wide });
      at = end - 1;
    } else if (char === '[') {
      const found = parseClass(pattern, at + 1, ignoreCase);
      if (found === undefined) return undefined;
      tokens.push({ one: (one) => wide(one) && found.test(one) });
      at = found.end;
    } else if (char === '\\') {
      at += 1;
      if (at === pattern.length) return undefined;
      tokens.push({ one: literal(pattern.charAt(at)) });
    } else tokens.push({ one: char === '?' ? wide : literal(fold(char)) });
  }
  return tokens;
}

/** A run of stars: whether it goes through folders, and whether a slash follows that goes with it when it stands for nothing. */
function starsAt(pattern: string, at: number): { deep: boolean; slash: boolean; end: number } {
  let end = at;
  while (pattern[end] === '*') end += 1;
  const begins = at === 0 || pattern[at - 1] === '/';
  const slash = pattern[end] === '/';
  const ends = end === pattern.length || slash || pattern.startsWith('\\/', end);
  const deep = end - at > 1 && begins && ends;
  return { deep, slash: deep && slash, end };
}

const isLower = (char: string) => char >= 'a' && char <= 'z';
const isUpper = (char: string) => char >= 'A' && char <= 'Z';
const isDigit = (char: string) => char >= '0' && char <= '9';
const isSpace = (char: string) => ' \t\n\r'.includes(char);
const isGraph = (char: string) => char > ' ' && char <= '~';
const isLetter = (char: string) => isLower(char) || isUpper(char);

/** The classes of git, which knows ASCII alone. */
const CLASSES: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['alnum', (char) => isLetter(char) || isDigit(char)],
  ['alpha', isLetter],
  ['blank', (char) => char === ' ' || char === '\t'],
  ['cntrl', (char) => char < ' ' || char === '\x7f'],
  ['digit', isDigit],
  ['graph', isGraph],
  ['lower', isLower],
  ['print', (char) => isGraph(char) || char === ' '],
  ['punct', (char) => isGraph(char) && !isLetter(char) && !isDigit(char)],
  ['space', isSpace],
  ['upper', isUpper],
  ['xdigit', (char) => isDigit(char) || /^[a-fA-F]$/.test(char)],
]);

/** The class whose content begins at `start`; `end` is that of its bracket. Undefined when it is not one, so that nothing matches. */
function parseClass(
  pattern: string,
  start: number,
  ignoreCase: boolean,
): { test: Test; end: number } | undefined {
  const negated = pattern[start] === '!' || pattern[start] === '^';
  const tests: Test[] = [];
  let from: string | undefined;
  let at = negated ? start + 1 : start;
  // A bracket that comes first is a member.
  do {
    const member = memberAt(pattern, at, from);
    if (member === undefined) return undefined;
    const { test, single } = member;
    // As in git, a single letter in upper case then matches nothing.
    tests.push(ignoreCase && single === undefined ? inEitherCase(test) : test);
    from = single;
    at = member.end;
  } while (pattern[at] !== ']');
  const fold = folding(ignoreCase);
  return { test: (char) => tests.some((test) => test(fold(char))) !== negated, end: at };
}

const inEitherCase =
  (test: Test): Test =>
  (char) =>
    test(char) || (isLower(char) && test(char.toUpperCase()));

interface Member {
  readonly test: Test;
  /** The character, when it is one alone: a range can begin with it. */
  readonly single: string | undefined;
  readonly end: number;
}

function memberAt(pattern: string, at: number, from: string | undefined): Member | undefined {
  const char = pattern[at];
  if (char === undefined) return undefined;
  if (char === '-' && from !== undefined && ![undefined, ']'].includes(pattern[at + 1])) {
    const escaped = pattern[at + 1] === '\\' ? 1 : 0;
    const to = pattern[at + 1 + escaped];
    if (to === undefined) return undefined;
    const test = (one: string) => one >= from && one <= to;
    return { test, single: undefined, end: at + 2 + escaped };
  }
  if (char === '[' && pattern[at + 1] === ':') {
    const close = pattern.indexOf(']', at + 2);
    if (close < 0) return undefined;
    if (close > at + 2 && pattern[close - 1] === ':') {
      const test = CLASSES.get(pattern.slice(at + 2, close - 1));
      return test && { test, single: undefined, end: close + 1 };
    }
  }
  const escaped = char === '\\' ? 1 : 0;
  const single = pattern[at + escaped];
  if (single === undefined) return undefined;
  return { test: (one) => one === single, single, end: at + 1 + escaped };
}

/** Whether the tokens match all of a text. All ways are followed at once, so no pattern makes it run away. */
function run(tokens: readonly Token[], text: string): boolean {
  let states = new Set<number>();
  enter(states, tokens, 0);
  for (const char of text) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === undefined || 'skips' in token) continue;
      if ('one' in token) {
        if (token.one(char)) enter(next, tokens, state + 1);
      } else if (token.many(char)) enter(next, tokens, state);
    }
    if (next.size === 0) return false;
    states = next;
  }
  return states.has(tokens.length);
}

/** Adds a state, and those that are reached from it without a byte. */
function enter(states: Set<number>, tokens: readonly Token[], state: number): void {
  const open = [state];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (states.has(at)) continue;
    states.add(at);
    const token = tokens[at];
    if (token === undefined || 'one' in token) continue;
    open.push(at + 1);
    if ('skips' in token) open.push(at + 1 + token.skips);
  }
}

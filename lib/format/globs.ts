// Globs of the configuration, compiled into one decision per path. Patterns and paths are text; reads no disk.
import picomatch from 'picomatch';
import { HoldfastError } from '../errors.ts';
import { displayText } from './paths.ts';

/** A pattern, parsed. */
export interface Glob {
  /** Without slashes at its ends. */
  readonly text: string;
  /** True when it is matched against the whole path, false when against the last name alone. */
  readonly fromRoot: boolean;
  readonly directoryOnly: boolean;
  /** True when it holds no glob syntax at all. */
  readonly literal: boolean;
}

/** Whether any glob matches; `name` is the last part of `path`. */
export type GlobMatcher = (path: string, name: string, isDirectory: boolean) => boolean;

/** The source itself. */
const WHOLE: readonly string[] = ['.', './'];

/**
 * Parses a pattern: `*`, `?`, `[a-z]`, `{a,b}`, `**` and extended globs such as `@(a|b)`; names with a leading dot match like others.
 *
 * @param reach - what a pattern without a slash means: the entry at the root, or one at any depth
 * @throws `CONFIG_INVALID` for a pattern that has a {@link globFault}
 */
export function parseGlob(pattern: string, reach: 'from-root' | 'any-depth'): Glob {
  const trimmed = pattern.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '');
  const text = WHOLE.includes(pattern) ? '**' : trimmed;
  const fault = globFault(pattern);
  if (fault !== undefined) {
    throw new HoldfastError('CONFIG_INVALID', `the pattern "${displayText(pattern)}" ${fault}`, {
      hint: 'Patterns are relative to the source and use *, **, ?, [a-z] and {a,b}.',
    });
  }
  const { isGlob } = picomatch.scan(text);
  return {
    text,
    fromRoot: reach === 'from-root' || trimmed.includes('/'),
    directoryOnly: pattern.endsWith('/') && !WHOLE.includes(pattern),
    literal: !isGlob && !/[\\(){}[\]]/.test(text),
  };
}

/** Why a pattern is invalid, could match outside of the source, or means the opposite of what it seems to say; undefined for a good one. */
export function globFault(pattern: string): string | undefined {
  if (pattern === '') return 'is empty';
  if (/^(?:\/|~(?:\/|$))/.test(pattern)) return 'is absolute';
  if (/^!(?!\()/.test(pattern)) return 'begins with "!"';
  const parts = pattern
    .replace(/^(?:\.\/+)+/, '')
    .replace(/\/$/, '')
    .split('/');
  if (parts.includes('..')) return 'leads out of the source';
  if (!WHOLE.includes(pattern) && (parts.includes('') || parts.includes('.'))) {
    return 'has a part that is empty or "."';
  }
  if (!pattern.isWellFormed() || pattern.includes('\0')) return 'holds what no name can hold';
  try {
    regexSource(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return 'is no glob';
    throw error;
  }
}

/** One decision for many globs. No glob matches nothing. */
export function compileGlobs(globs: readonly Glob[]): GlobMatcher {
  const ofPath = matcherOf(globs.filter((glob) => glob.fromRoot && !glob.directoryOnly));
  const ofName = matcherOf(globs.filter((glob) => !glob.fromRoot && !glob.directoryOnly));
  const ofFolderPath = matcherOf(globs.filter((glob) => glob.fromRoot && glob.directoryOnly));
  const ofFolderName = matcherOf(globs.filter((glob) => !glob.fromRoot && glob.directoryOnly));
  return (path, name, isDirectory) =>
    ofName(name) || ofPath(path) || (isDirectory && (ofFolderName(name) || ofFolderPath(path)));
}

/**
 * Globs for the folders in which `glob` can match something: a walker opens no other.
 *
 * May name too many, never too few: from a slash inside braces on, it gives up and names everything below.
 */
export function leadingFolders(glob: Glob): Glob[] {
  const { parts, complete } = splitParts(glob.text);
  const folders: string[] = [];
  const leading = complete ? parts.length - 1 : parts.length;
  for (let count = 1; count <= leading; count += 1) {
    folders.push(parts.slice(0, count).join('/'));
    if (parts[count - 1] === '**') break;
  }
  if (!complete) folders.push([...parts, '**'].join('/'));
  return folders.map((text) => ({ text, fromRoot: true, directoryOnly: false, literal: false }));
}

function splitParts(text: string): { parts: string[]; complete: boolean } {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\') at += 1;
    else if ('{(['.includes(char)) depth += 1;
    else if ('})]'.includes(char)) depth = Math.max(0, depth - 1);
    else if (char === '/' && depth > 0) return { parts, complete: false };
    else if (char === '/') {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return { parts: [...parts, text.slice(start)], complete: true };
}

function matcherOf(globs: readonly Glob[]): (text: string) => boolean {
  if (globs.length === 0) return () => false;
  // Every pattern also matches the name that it spells: `app/[id]` is what a Next.js route is called.
  const names = new Set(globs.map((glob) => glob.text));
  const sources = globs.filter((glob) => !glob.literal).map((glob) => regexSource(glob.text));
  if (sources.length === 0) return (text) => names.has(text);
  // With `s`, because a name may hold a newline and is still below `**`.
  const regex = new RegExp(sources.join('|'), 's');
  return (text) => names.has(text) || regex.test(text);
}

function regexSource(text: string): string {
  // `debug` makes a pattern that cannot be compiled fail; without it, it would silently match nothing.
  return picomatch.makeRe(literalParentheses(text), { dot: true, nonegate: true, debug: true })
    .source;
}

/** Escapes parentheses that belong to no extended glob: `app/(shop)/page.tsx` is a path, not a regular expression. */
function literalParentheses(text: string): string {
  const open: boolean[] = [];
  return text.replace(/\\.|([@!+*?]?)\(|\)/gs, (match, prefix: string | undefined) => {
    if (match.startsWith('\\')) return match;
    if (match === ')') return open.pop() === true ? match : '\\)';
    open.push(prefix !== '');
    return prefix === '' ? '\\(' : match;
  });
}

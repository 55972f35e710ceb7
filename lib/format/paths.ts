// Paths inside backups are byte strings: JS strings in which each character is one byte of the raw name. `<` on them is the
// bytewise order, and no name is lost for not being UTF-8. This file converts, checks and displays them; it never touches a disk.
import { strict as assert } from 'node:assert';
import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '../errors.ts';

/** What Linux takes in one call, its closing NUL aside. */
export const MAX_PATH_BYTES = 4095;

/** 255 UTF-16 units, the longest name of APFS and NTFS, written in UTF-8. Linux itself stops at 255 bytes. */
export const MAX_NAME_BYTES = 765;

const ASCII = /^[\x00-\x7f]*$/;
const BYTES = /^[\x00-\xff]*$/;

// RFC 3629, section 4, over a byte string: whole runs of well-formed UTF-8, or else single bytes that belong to none.
const UTF8_RUN_OR_BYTE =
  /((?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+)|[\x80-\xff]/g;

// Control characters, line and paragraph separators, lone surrogates, marks that reorder text (bidi) and those that are invisible.
// U+200C and U+200D stay: emoji and several scripts are spelled with them.
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** The raw bytes of a byte string. */
export function bytesOf(path: string): Buffer {
  assert(BYTES.test(path), 'a byte string has no character above U+00FF');
  return Buffer.from(path, 'latin1');
}

/**
 * The byte string of a name given as text, such as one from the command line or the configuration.
 *
 * @throws `PATH_UNSAFE` for a lone surrogate: encoding it would silently name another file.
 */
export function fromUtf8(text: string): string {
  if (ASCII.test(text)) return text;
  if (!text.isWellFormed()) {
    throw new HoldfastError(
      'PATH_UNSAFE',
      `"${displayText(text)}" holds half of a surrogate pair`,
      {
        hint: 'Write the name in well-formed Unicode; no file can have the name that was given.',
      },
    );
  }
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text of a byte string, or undefined when it is not valid UTF-8. */
export function toUtf8(path: string): string | undefined {
  if (ASCII.test(path)) return path;
  const bytes = bytesOf(path);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** What to hand to `node:fs` for a byte string: text where that names the same file, the raw bytes otherwise. */
export function fsPath(path: string): string | Buffer {
  return toUtf8(path) ?? bytesOf(path);
}

/**
 * A byte string as text in which every byte that is no valid UTF-8 stands as a lone surrogate (U+DC80 to U+DCFF).
 *
 * No text that people type holds such a character, so patterns match names of any encoding and never take one for another.
 */
export function toMatchText(path: string): string {
  return (
    toUtf8(path) ??
    path.replace(UTF8_RUN_OR_BYTE, (byte, run: string | undefined) =>
      run === undefined
        ? String.fromCharCode(0xdc00 + byte.charCodeAt(0))
        : Buffer.from(run, 'latin1').toString('utf8'),
    )
  );
}

/**
 * A byte string for terminals, logs and messages: what could move a cursor, reorder or hide text, or is not UTF-8 is escaped.
 *
 * Two different paths never look the same because of an escape: a backslash of the name itself is doubled.
 */
export function displayPath(path: string): string {
  return path.replace(UTF8_RUN_OR_BYTE, (byte, run: string | undefined) =>
    run === undefined
      ? `\\x${byte.charCodeAt(0).toString(16)}`
      : displayText(Buffer.from(run, 'latin1').toString('utf8').replaceAll('\\', '\\\\')),
  );
}

/**
 * Any text for terminals, logs and messages, escaped like a path, on one line.
 *
 * Backslashes stay single, so text that went through this or `displayPath` already comes out unchanged.
 */
export function displayText(text: string): string {
  return text.replace(UNPRINTABLE, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const short = SHORT_ESCAPES.get(char);
    if (short !== undefined) return short;
    // Only below U+0080: \x80 and above stand for bytes that are not UTF-8.
    return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** `name` in `folder`; the root of a tree is the empty string, and a folder may carry its closing slash. */
export function joinBytes(folder: string, name: string): string {
  if (folder === '' || folder.endsWith('/')) return folder + name;
  return `${folder}/${name}`;
}

/**
 * Why `path` may not be the path of an entry, or undefined when it may: relative, no part empty, `.` or `..`, no NUL, within the
 * limits of length. One closing slash marks a directory.
 *
 * A backslash and `C:` are ordinary bytes of a POSIX name. On Windows they would lead elsewhere; restoring there is not supported.
 */
export function unsafePathReason(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.length > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.startsWith('/')) return 'it is absolute';
  if (path.includes('\0')) return 'it holds a NUL byte';
  if (!BYTES.test(path)) return 'it is not a string of bytes';
  const end = path.endsWith('/') ? path.length - 1 : path.length;
  let start = 0;
  while (start <= end) {
    const slash = path.indexOf('/', start);
    const stop = slash === -1 || slash > end ? end : slash;
    const reason = unsafeName(path, start, stop);
    if (reason !== undefined) return reason;
    start = stop + 1;
  }
  return undefined;
}

function unsafeName(path: string, start: number, stop: number): string | undefined {
  const length = stop - start;
  if (length === 0) return 'it has an empty part';
  if (length > MAX_NAME_BYTES) return `it has a part longer than ${MAX_NAME_BYTES} bytes`;
  if (length === 1 && path[start] === '.') return 'it has a part "."';
  if (length === 2 && path.startsWith('..', start)) return 'it has a part ".."';
  return undefined;
}

/** Throws `PATH_UNSAFE` unless `unsafePathReason` finds nothing wrong. */
export function assertSafeEntryPath(path: string): void {
  const reason = unsafePathReason(path);
  if (reason === undefined) return;
  const shown = displayPath(path.slice(0, 200));
  throw new HoldfastError('PATH_UNSAFE', `"${shown}" cannot be the path of an entry: ${reason}`, {
    hint: 'The archive was not made by Holdfast or was altered; nothing of this entry was written.',
  });
}

/**
 * Whether a symbolic link at the entry `linkPath` that holds `target` provably stays inside the tree.
 *
 * Lexical, yet sound for a tree in which every link passes: `..` is accepted only at the beginning of a target, where the folders
 * above are real ones. After a name it is refused, because that name may itself be a link and `..` would then lead elsewhere.
 */
export function resolveLinkInside(linkPath: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  let above = linkPath.replace(/\/$/, '').split('/').length - 1;
  let named = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') named = true;
    else if (named || above === 0) return false;
    else above -= 1;
  }
  return true;
}

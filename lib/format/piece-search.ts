// Finds the few groups of a piece of the index that a look-up is about, without parsing the thousands of lines around them.
import { parsePiece, pathOfLine, type IndexGroup } from './archive-index.ts';

const MEMBER_LINE = '{"member":';

/**
 * The groups of a piece in which paths from `first` to `last` can stand; both are byte strings.
 *
 * They are checked as `parsePiece` checks them; of the others only the few lines that the search meets are. `BACKUP_DAMAGED` when what
 * is looked at is not what `encodeGroup` writes.
 */
export function parsePieceBetween(text: string, first: string, last: string): IndexGroup[] {
  let begin = search(text, (path) => path < first);
  if (begin === text.length) return [];
  while (begin > 0 && !startsGroup(text, begin)) begin = entryAt(text, begin - 1);
  let end = search(text, (path) => path <= last);
  while (end < text.length && !startsGroup(text, end)) end = entryAfter(text, end);
  return parsePiece(text.slice(begin, end));
}

/** Where the first entry line begins that is not `before`; the length of the text when every entry is. Entries are sorted. */
function search(text: string, before: (path: string) => boolean): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const at = entryAt(text, (low + high) >> 1);
    if (before(pathOfLine(text.slice(at, lineAfter(text, at))))) low = entryAfter(text, at);
    else high = at;
  }
  return low;
}

/** Where the entry line begins that stands at `position`, or whose member lines do. */
function entryAt(text: string, position: number): number {
  let at = lineAt(text, position);
  while (at > 0 && isMember(text, at)) at = lineAt(text, at - 1);
  return at;
}

/** Where the next entry line begins after the one at `at`. */
function entryAfter(text: string, at: number): number {
  let next = lineAfter(text, at);
  while (isMember(text, next)) next = lineAfter(text, next);
  return next;
}

function startsGroup(text: string, at: number): boolean {
  return isMember(text, lineAfter(text, at));
}

function isMember(text: string, at: number): boolean {
  return text.startsWith(MEMBER_LINE, at);
}

function lineAt(text: string, position: number): number {
  return position === 0 ? 0 : text.lastIndexOf('\n', position - 1) + 1;
}

function lineAfter(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}

// Where words, lines and dollar quotes of SQL begin and end, as bytes. Pure.

const NEWLINE = 10;
/** Longer than any tag of a dollar quote: names have at most 63 bytes. */
const MAX_TAG = 200;

/** Where the line at `at` ends; undefined when that cannot be told yet. */
export function endOfLine(text: Buffer, at: number): number | undefined {
  const end = text.indexOf(NEWLINE, at);
  return end < 0 ? undefined : end;
}

/** Whether a byte may stand in a name that is not quoted. */
export function isWord(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte === 36 ||
    byte >= 128
  );
}

/** The dollar quote that begins at `at`, such as `$body$`; undefined for any other dollar. */
export function dollarTag(text: Buffer, at: number): Buffer | 'wait' | undefined {
  const ahead = text.toString('latin1', at, at + MAX_TAG);
  const tag = /^\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/.exec(ahead)?.[0];
  if (tag !== undefined) return Buffer.from(tag, 'latin1');
  const undecided = ahead.length < MAX_TAG && /^\$[A-Za-z0-9_\x80-\xff]*$/.test(ahead);
  return undecided ? 'wait' : undefined;
}

// Text that others wrote, made harmless: it is read in mail, in chats and on terminals, each of which would act on some of it. Pure.

/** What a line of mail cannot hold, what changes the direction of text, and what is not seen. */
export const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]+/g;

/** `text` on one line, at most `most` characters, with nothing in it that is a link, a mention or markup. */
export function plain(text: string, most = 500): string {
  const line = text
    .replace(UNSEEN, ' ')
    .replaceAll('<', '‹')
    .replaceAll('>', '›')
    .replaceAll('@', '(at)')
    .replaceAll('](', '] (')
    .replaceAll('://', ': //')
    .replaceAll('`', "'");
  return oneLine(line, most);
}

/** `text` on one line, at most `most` characters, for what reads no markup. */
export function oneLine(text: string, most = 500): string {
  const line = text.replace(UNSEEN, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).trimEnd()}…`;
}

/** Subjects of mail take 100 characters of ASCII on one line. */
const SUBJECT_CHARACTERS = 100;

/** A subject that every service takes. */
export function subjectLine(text: string): string {
  const ascii = plain(text)
    .replaceAll('…', '...')
    .replaceAll(/[^\x20-\x7e]/g, '?');
  return ascii.length <= SUBJECT_CHARACTERS
    ? ascii
    : `${ascii.slice(0, SUBJECT_CHARACTERS - 3)}...`;
}

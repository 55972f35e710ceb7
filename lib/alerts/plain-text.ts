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

/** A subject that every service takes: `[Holdfast SYSTEM] TITLE END`. A title that is too long is cut after a word; the end stays whole. */
export function subjectLine(system: string, title: string, end = ''): string {
  const begin = `[Holdfast ${system}] `;
  return `${begin}${words(ascii(title), SUBJECT_CHARACTERS - begin.length - end.length)}${end}`;
}

function ascii(text: string): string {
  return plain(text)
    .replaceAll('…', '...')
    .replaceAll(/[^\x20-\x7e]/g, '?');
}

const CUT = '...';

/** As many whole words as fit into `most` characters. A single word that is longer is cut all the same. */
function words(text: string, most: number): string {
  if (text.length <= most) return text;
  const room = text.slice(0, most - CUT.length + 1);
  const space = room.lastIndexOf(' ');
  const kept = space > room.length / 2 ? room.slice(0, space) : room.slice(0, -1);
  return `${kept.replace(/[\s,;:]+$/, '')}${CUT}`;
}

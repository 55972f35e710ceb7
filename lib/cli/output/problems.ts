// Problems as lines of text.
import type { Problem } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';

const SHOWN = 20;

/** The code of a file that a backup leaves out because it keeps a secret. */
export const LEFT_OUT_CODE = 'secret';

/** The code of a definition that PostgreSQL words otherwise after loading it, and that is known to be the same. */
const PRINTED = 'printed-otherwise';

/** Both texts are long: `--json` has them, and `show`. */
function wordedText(path: string, detail: string): string {
  const what = / CHECK \(/.test(detail) ? 'a CHECK constraint' : 'it';
  return `noted: ${displayText(path)}: PostgreSQL words ${what} differently after loading; it means the same`;
}

/** One line each for the first of them, those that count before those that are tolerated. */
export function problemLines(problems: readonly Problem[], total = problems.length): string[] {
  const lines = problems.slice(0, SHOWN).map(({ path, code, detail, tolerated }) => {
    if (code === LEFT_OUT_CODE) return `left out: ${displayText(path)}: ${displayText(detail)}`;
    if (code === PRINTED && tolerated === true && path !== '') return wordedText(path, detail);
    const mark = tolerated === true ? 'noted' : 'problem';
    return `${mark}: ${path === '' ? '' : `${displayText(path)}: `}${code}: ${displayText(detail)}`;
  });
  if (total > SHOWN) lines.push(`… and ${total - SHOWN} more`);
  return lines;
}

// Problems as lines of text.
import type { Problem } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';

const SHOWN = 20;

/** Of what a source holds and a backup does not take, because it keeps a secret. */
export const LEFT_OUT_CODE = 'secret';

/** One line each for the first of them, those that count before those that are tolerated. */
export function problemLines(problems: readonly Problem[], total = problems.length): string[] {
  const lines = problems.slice(0, SHOWN).map(({ path, code, detail, tolerated }) => {
    if (code === LEFT_OUT_CODE) return `left out: ${displayText(path)}: ${displayText(detail)}`;
    const mark = tolerated === true ? 'noted' : 'problem';
    return `${mark}: ${path === '' ? '' : `${displayText(path)}: `}${code}: ${displayText(detail)}`;
  });
  if (total > SHOWN) lines.push(`… and ${total - SHOWN} more`);
  return lines;
}

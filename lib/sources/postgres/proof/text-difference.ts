// Where two texts differ, in a few lines. Pure.

/** What differs of two texts. */
export interface Texts {
  readonly expected: string | undefined;
  readonly found: string | undefined;
}

const MAX_SHOWN = 700;
/** How much equal text is shown before the place where two long texts differ. */
const CONTEXT = 60;

/** The lines that stand between what two texts have in common at their beginning and end; undefined where all lines are equal. */
export function differingLines(
  expected: readonly string[],
  found: readonly string[],
): Texts | undefined {
  let from = 0;
  while (from < expected.length && from < found.length && expected[from] === found[from]) from++;
  if (from === expected.length && from === found.length) return undefined;
  let end = 0;
  const most = Math.min(expected.length, found.length) - from;
  while (end < most && expected.at(-1 - end) === found.at(-1 - end)) end++;
  const between = (lines: readonly string[]) =>
    lines.length - end > from ? lines.slice(from, lines.length - end).join('\n') : undefined;
  return windowOf({ expected: between(expected), found: between(found) });
}

/** The part in which two long texts differ. */
function windowOf({ expected, found }: Texts): Texts {
  if (expected === undefined || found === undefined) return { expected, found };
  if (Math.max(expected.length, found.length) <= MAX_SHOWN) return { expected, found };
  let at = 0;
  while (expected[at] === found[at] && at < expected.length) at++;
  const from = Math.max(0, at - CONTEXT);
  return { expected: expected.slice(from), found: found.slice(from) };
}

/** A text in quotes, not too long. */
export function shownLines(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, MAX_SHOWN));
}

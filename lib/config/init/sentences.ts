// What `init` says about a database, in words that the terminal and the comments of holdfast.yaml share. Pure.
import type { SeenDatabase } from './found-databases.ts';

const SHOWN = 3;

/** `a`, `a and b`, `a, b, c and 4 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.length > SHOWN + 1 ? names.slice(0, SHOWN) : names;
  const rest = names.length - shown.length;
  const last = rest > 0 ? `${rest} more` : (shown.at(-1) ?? '');
  const before = rest > 0 ? shown : shown.slice(0, -1);
  return before.length === 0 ? last : `${before.join(', ')} and ${last}`;
}

/** That a database is not backed up as one, and where it was seen; without a full stop. */
export function unsupportedAbout({ engine, title, toldBy }: SeenDatabase): string {
  const what = engine === 'sqlite' ? 'is copied as a plain file only' : 'is not backed up';
  return `${title} ${what} (seen in ${listed(toldBy)})`;
}

/** The same, and what to do. */
export function unsupportedText(seen: SeenDatabase): string {
  return `${unsupportedAbout(seen)}. ${seen.advice}`;
}

// Takes passwords out of what programs say. Pure.

/** Where a password stands by its place, whatever it is: so that hiding it tells nothing about it. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  // As libpq writes settings, and as definitions of subscriptions and foreign servers quote them.
  [/\b(pass(?:word|wd)?\s*=\s*)(?:'(?:[^'\\]|\\.|'')*'|"[^"]*"|[^\s'"]+)/gi, '$1[hidden]'],
  [/\b(password\s+)(?:'(?:[^']|'')*')/gi, '$1[hidden]'],
  // To the last "@": a password may hold one.
  [/(:\/\/[^\s:/?#@]*:)\S*(?=@)/g, '$1[hidden]'],
];

/**
 * A text without passwords: those that stand where passwords stand, and `secrets` wherever they stand alone.
 *
 * A secret that could be an ordinary word, or that `shown` names anyway, such as a password that is the name of the database, is
 * hidden by its place only: hidden elsewhere, the gap would tell what it is. No word changes for containing a secret.
 */
export function hide(text: string, secrets: readonly (string | undefined)[], shown = ''): string {
  const placed = PLACES.reduce((one, [pattern, by]) => one.replace(pattern, by), text);
  return secrets.reduce<string>((one, secret) => {
    if (secret === undefined || !isDistinct(secret)) return one;
    const alone = standingAlone(secret);
    return alone.test(shown) ? one : one.replace(alone, '[hidden]');
  }, placed);
}

/** Whether nobody would take it for a word, a name or a number. */
function isDistinct(secret: string): boolean {
  const mixed = /[A-Za-z]/.test(secret) && /[^A-Za-z]/.test(secret);
  return (secret.length >= 6 && mixed) || secret.length >= 16;
}

function standingAlone(secret: string): RegExp {
  const escaped = secret.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'gu');
}

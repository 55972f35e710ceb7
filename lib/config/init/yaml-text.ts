// Text as YAML writes it. Pure.

/** `text` as a YAML string that cannot be taken for anything else. */
export function quoted(text: string): string {
  // A single quoted string folds lines; the double quoted form of JSON is YAML, too.
  if (/[^\u0020-\u007e]/.test(text)) return JSON.stringify(text);
  return `'${text.replaceAll("'", "''")}'`;
}

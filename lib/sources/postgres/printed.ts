// Definitions that a server does not keep as text, but prints from what it has parsed: another major version prints the same otherwise. Pure.

const PRINTED: readonly string[] = ['VIEW', 'MATERIALIZED VIEW', 'RULE'];
const QUALIFIERS = /(?:"(?:[^"]|"")+"|\b[a-z_][\w$]*)\.(?=["a-z_])/g;

/**
 * Whether two definitions of an object of `type` differ in nothing but the names of tables before those of columns: since 16 they are left
 * out where there is but one table.
 */
export function isPrintedOtherwise(
  type: string,
  one: readonly string[],
  other: readonly string[],
): boolean {
  return PRINTED.includes(type) && unqualified(one) === unqualified(other);
}

function unqualified(lines: readonly string[]): string {
  return lines.join('\n').replaceAll(QUALIFIERS, '');
}

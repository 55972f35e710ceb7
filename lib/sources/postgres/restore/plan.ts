// What of a dump is loaded, and in which order: all of it but what the target keeps as it is, or some tables.
import type { OpenBackup, RestoreToServiceInput } from '../../source.ts';
import { readDefinitions, type Definition, type Relation } from '../dump/definitions.ts';
import { openIndex } from '../dump/objects.ts';
import type { StoredText, Stretch } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { unquoted } from '../server/session.ts';
import { inOrder, keyOf, partsOfTables, type TableParts } from './table-objects.ts';

/** A stretch of a dump, and SQL that is run before it. */
export interface Piece extends Stretch {
  readonly before?: string;
}

/** What is known of a dump before its target is looked at. */
export interface Contents {
  readonly objects: readonly DumpObject[];
  /** Undefined where all of a directory is restored by several jobs, which read it themselves. */
  readonly definitions: readonly Definition[] | undefined;
  /** For some tables. */
  readonly parts: TableParts | undefined;
}

export async function readContents(
  backup: OpenBackup,
  names: readonly string[],
  text: StoredText | undefined,
): Promise<Contents> {
  const { objects } = await openIndex(backup);
  if (names.length > 0 && text !== undefined) {
    const parts = await partsOfTables(objects, names, text);
    return {
      objects: parts.definitions.map(({ object }) => object),
      definitions: parts.definitions,
      parts,
    };
  }
  if (text === undefined) return { objects, definitions: undefined, parts: undefined };
  const definitions: Definition[] = [];
  for await (const one of readDefinitions(objects, text)) definitions.push(one);
  return { objects, definitions, parts: undefined };
}

/** What the target has and keeps, so that it is not made again. */
export interface Kept {
  readonly extensions: ReadonlySet<string>;
  readonly schemas: ReadonlySet<string>;
  readonly tables: ReadonlySet<string>;
  readonly publications: ReadonlySet<string>;
}

/** Whether the target keeps its own of an object, which is left as it is. */
export function isKept({ type, name }: DumpObject, kept: Kept): boolean {
  if (type === 'EXTENSION') return kept.extensions.has(name);
  if (type === 'SCHEMA') return kept.schemas.has(name);
  // The restoring user need not own what is there.
  const [, kind = '', of = ''] =
    /^(EXTENSION|SCHEMA) (.*)$/.exec(type === 'COMMENT' ? name : '') ?? [];
  return (kind === 'EXTENSION' ? kept.extensions : kept.schemas).has(unquoted(of));
}

/** Whether an object of this type says who has which privilege, now or on what is made later. */
export function isOfPrivileges(type: string): boolean {
  return type === 'ACL' || type === 'DEFAULT ACL';
}

/** What is not given back because it is not wanted. */
export function leftByChoice({
  parts,
  owners = true,
  privileges = true,
  properties = true,
}: Pick<RestoreToServiceInput, 'parts' | 'owners' | 'privileges' | 'properties'>): string[] {
  return [
    ...(owners ? [] : ['owners']),
    ...(privileges ? [] : ['privileges']),
    ...(properties || parts.length > 0 ? [] : ['what belongs to the database itself']),
  ];
}

/** The tables that wanted ones inherit from, and that neither come along nor are there. */
export function lackingParents(parts: TableParts | undefined, kept: Kept): Relation[] {
  const own = new Set(parts?.tables.map(keyOf));
  const parents = parts?.definitions.flatMap(({ inherits = [] }) => inherits) ?? [];
  return parents.filter((one) => !own.has(keyOf(one)) && !kept.tables.has(keyOf(one)));
}

/** The definitions of tables that the target can take, in the order in which it takes them. */
export function tablesInto(parts: TableParts, kept: Kept): Definition[] {
  const wanted = new Set(parts.tables.map(keyOf));
  const isThere = (one: Relation) => kept.tables.has(keyOf(one));
  const alone = new Set(
    parts.definitions
      .filter(
        ({ object, parent }) =>
          object.type === 'TABLE ATTACH' &&
          parent &&
          !wanted.has(keyOf(parent)) &&
          !isThere(parent),
      )
      .flatMap(({ table }) => (table === undefined ? [] : [keyOf(table)])),
  );
  const absent = new Set(
    parts.publications
      .filter(({ publication }) => !kept.publications.has(publication))
      .map(({ definition }) => definition),
  );
  const fitting = parts.definitions.filter((one) => {
    if (absent.has(one)) return false;
    if (one.object.type === 'TABLE ATTACH')
      return one.table === undefined || !alone.has(keyOf(one.table));
    return one.object.type !== 'INDEX ATTACH' || !alone.has(parts.tableOf(one) ?? '');
  });
  return inOrder(fitting, (one) => !wanted.has(keyOf(one)) && isThere(one));
}

const UNDER_SETTINGS: readonly string[] = ['TABLE', 'INDEX', 'CONSTRAINT', 'MATERIALIZED VIEW'];

/** The text of definitions, each under the settings that it was made under; without owners, the loading user owns what it makes. */
export function piecesOf(
  definitions: readonly Definition[],
  { owners, settings }: { owners: boolean; settings: boolean },
): Piece[] {
  const pieces = definitions.flatMap(({ object, owner, under, ...own }) => {
    // The settings of the next object, which may be another table's, are set where they are needed.
    const end = settings ? own.end : object.offset + object.bytes;
    const { tablespace, accessMethod } = under;
    const before =
      !settings || !UNDER_SETTINGS.includes(object.type)
        ? ''
        : [
            tablespace === undefined ? '' : `SET default_tablespace = ${tablespace};\n`,
            accessMethod === undefined
              ? ''
              : `SET default_table_access_method = ${accessMethod};\n`,
          ].join('');
    const first = { from: object.offset, to: end, ...(before !== '' && { before }) };
    if (owners || owner === undefined) return [first];
    return [
      { ...first, to: owner.from },
      { from: owner.to, to: end },
    ];
  });
  return joined(pieces);
}

/** Adjacent stretches as one: each that is read by itself costs a member of the dump. */
function joined(pieces: readonly Piece[]): Piece[] {
  const whole: Piece[] = [];
  for (const piece of pieces) {
    const last = whole.at(-1);
    if (last?.to !== piece.from || piece.before !== undefined) whole.push(piece);
    else whole[whole.length - 1] = { ...last, to: piece.to };
  }
  return whole;
}

/** The roles that definitions name: as owners unless these do not count, in privileges, policies and mappings. */
export function rolesIn(
  definitions: readonly Definition[],
  roles: readonly string[],
  owners: boolean,
): string[] {
  const owning = new Set(owners ? definitions.map(({ object }) => object.owner) : []);
  return roles.filter(
    (role) => owning.has(role) || definitions.some(({ names }) => names.has(role)),
  );
}

/** The tablespaces that definitions are made in, as SQL writes them. */
export function tablespacesIn(definitions: readonly Definition[]): string[] {
  const found = definitions.flatMap(({ object, under: { tablespace } }) =>
    UNDER_SETTINGS.includes(object.type) && tablespace !== undefined && tablespace !== "''"
      ? [tablespace]
      : [],
  );
  return [...new Set(found)];
}

// What a backup of a database holds, for listings, and how it is restored without Holdfast.
import { HoldfastError } from '../../errors.ts';
import { artifactOf, type Artifact, type Manifest } from '../../format/manifest.ts';
import { displayPath, fromUtf8 } from '../../format/paths.ts';
import { filesByHand } from '../tree/views.ts';
import type { ByHand, ListedEntry, OpenBackup } from '../source.ts';
import { DUMP_FOLDER } from './dump/directory.ts';
import { isDirectory, openIndex } from './dump/objects.ts';
import type { DumpObject } from './dump/scanner.ts';
import { nameOf } from './dump/surroundings.ts';
import { localeOf } from './server/locale.ts';

/** What serves everywhere; who knows the machine better says more. */
const BY_HAND_JOBS = 4;

/** An object and the path by which it is listed. */
export interface NamedObject {
  /** A byte string: `public/TABLE DATA/users`; what is in no schema stands below `-/`. */
  readonly path: string;
  readonly object: DumpObject;
}

/** The objects of a dump by their paths, in ascending order. Objects of one name are numbered. */
export async function namedObjects(backup: OpenBackup): Promise<NamedObject[]> {
  const seen = new Map<string, number>();
  const named: NamedObject[] = [];
  for (const object of (await openIndex(backup)).objects) {
    const base = [object.schema, object.type, object.name].map(asPart).join('/');
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    named.push({ path: fromUtf8(count === 1 ? base : `${base} (${count})`), object });
  }
  return named.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Names may be anything; parts of paths may not. */
function asPart(name: string): string {
  const part = name.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\0', '');
  return part === '' || part === '.' || part === '..' ? `%${part}` : part;
}

/** `SourceKind.list` of databases: one entry for each object of the dump. */
export async function* listDump(
  backup: OpenBackup,
  paths: readonly string[],
): AsyncGenerator<ListedEntry> {
  const all = await namedObjects(backup);
  if (paths.length === 0) {
    for (const one of all) if (isObject(one)) yield listed(one);
    return;
  }
  for (const path of paths) yield* objectsAt(all, path).map(listed);
}

/** The objects at and below a path (a byte string). `BACKUP_NOT_FOUND` when there is none. */
export function objectsAt(all: readonly NamedObject[], path: string): NamedObject[] {
  const found = all.filter(
    (one) => isObject(one) && (one.path === path || one.path.startsWith(`${path}/`)),
  );
  if (found.length > 0) return found;
  throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no ${displayPath(path)}`, {
    hint: '`holdfast show <backup> --all` lists what it holds, such as `public/TABLE DATA/users`.',
  });
}

function isObject({ object: { type } }: NamedObject): boolean {
  return type !== 'BEGIN' && type !== 'END';
}

function listed({ path, object }: NamedObject): ListedEntry {
  return {
    path,
    type: 'object',
    size: object.bytes,
    mode: undefined,
    owner: undefined,
    mtimeMicroseconds: undefined,
    linkTarget: undefined,
    sha256: object.sha256,
    rows: object.rows,
  };
}

/**
 * `SourceKind.byHand` of databases: `gunzip` and `psql`; of the directory format `tar` and `pg_restore`. Into a new database, which has
 * its settings before it is filled: amounts and what is computed anew depend on them.
 */
export function dumpByHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand {
  if (isDirectory(manifest)) return directoryByHand(manifest, placeOf);
  const dump = artifactOf(manifest, 'dump');
  const [globals, properties] = besideOf(manifest);
  const sums = [dump, globals, properties].flatMap((one) => checked(one, placeOf));
  const name = newDatabase(manifest);
  return {
    check: [
      ...sums,
      // psql would commit half a table of a dump that is cut off, and end well.
      `${unpacked(dump, placeOf)} | tail -n 8 | grep -e ${quoted(COMPLETE)}`,
    ],
    restore: [
      ...roles(globals, placeOf),
      creation(manifest, name),
      ...own(properties, placeOf, name),
      `${unpacked(dump, placeOf)} | psql -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null -d ${name}`,
    ],
    recheck: [],
  };
}

const COMPLETE = '^-- PostgreSQL database dump complete$';

/** A name for what is restored, which no shell and no program takes for anything else. */
function newDatabase({ database }: Manifest): string {
  const name = nameOf(database?.settings ?? {}) ?? '';
  return /^[a-z_][a-z0-9_]{0,50}$/.test(name) ? `${name}_restored` : 'restored';
}

/** A database with the encoding and the locale of the original. */
function creation({ database }: Manifest, name: string): string {
  const { encoding, collate, ctype, provider, locale } = localeOf(database?.settings ?? {});
  const options = {
    template: 'template0',
    encoding,
    ...(collate === ctype ? { locale: collate } : { 'lc-collate': collate, 'lc-ctype': ctype }),
    ...(provider === 'i' && { 'locale-provider': 'icu', 'icu-locale': locale }),
    ...(provider === 'b' && { 'locale-provider': 'builtin', 'builtin-locale': locale }),
  };
  const words = Object.entries(options).map(([option, value]) => `--${option}=${quoted(value)}`);
  return ['createdb', ...words, name].join(' ');
}

/** The roles of the server, and the properties of the database: where there are such. */
function besideOf({ artifacts }: Manifest): [Artifact | undefined, Artifact | undefined] {
  const of = (wanted: Artifact['role']) => artifacts.find(({ role }) => role === wanted);
  return [of('globals'), of('properties')];
}

function checked(one: Artifact | undefined, placeOf: (artifact: Artifact) => string): string[] {
  if (one === undefined) return [];
  return [`echo ${quoted(`${one.sha256}  ${placeOf(one)}`)} | sha256sum -c`];
}

function unpacked(one: Artifact, placeOf: (artifact: Artifact) => string): string {
  return `${one.codec === 'gzip' ? 'gunzip -c' : 'zstd -dc'} ${quoted(placeOf(one))}`;
}

/** Roles that are there already are errors, which end nothing. */
function roles(globals: Artifact | undefined, placeOf: (artifact: Artifact) => string): string[] {
  if (globals === undefined) return [];
  return [`${unpacked(globals, placeOf)} | psql -X -q -d postgres`];
}

function own(
  properties: Artifact | undefined,
  placeOf: (artifact: Artifact) => string,
  name: string,
): string[] {
  if (properties === undefined) return [];
  return [`${unpacked(properties, placeOf)} | psql -X -q -v ON_ERROR_STOP=1 -d ${name}`];
}

function directoryByHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand {
  const { check, restore, recheck } = filesByHand(manifest, placeOf);
  const [globals, properties] = besideOf(manifest);
  const name = newDatabase(manifest);
  return {
    check: [...check, ...checked(globals, placeOf), ...checked(properties, placeOf)],
    restore: [
      ...restore,
      // pg_restore takes rows for whole that are cut off in the middle.
      ...recheck.map((command) => `(${command})`),
      ...roles(globals, placeOf),
      creation(manifest, name),
      ...own(properties, placeOf, name),
      `pg_restore --exit-on-error -j ${BY_HAND_JOBS} -d ${name} FOLDER/${DUMP_FOLDER}`,
    ],
    recheck: [],
  };
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

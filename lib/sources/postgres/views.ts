// What a backup of a database holds, for listings, and how it is restored without Holdfast.
import { HoldfastError } from '../../errors.ts';
import { artifactOf, type Artifact, type Manifest } from '../../format/manifest.ts';
import { displayPath, fromUtf8 } from '../../format/paths.ts';
import { filesByHand } from '../tree/views.ts';
import type { ByHand, ListedEntry, OpenBackup } from '../source.ts';
import { DUMP_FOLDER } from './dump/directory.ts';
import { isDirectory, openIndex } from './dump/objects.ts';
import type { DumpObject } from './dump/scanner.ts';

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

/** `SourceKind.byHand` of databases: `gunzip` and `psql`; of the directory format `tar` and `pg_restore`. */
export function dumpByHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand {
  if (isDirectory(manifest)) return directoryByHand(manifest, placeOf);
  const dump = artifactOf(manifest, 'dump');
  const [globals, properties] = besideOf(manifest);
  const unpack = dump.codec === 'gzip' ? 'gunzip -c' : 'zstd -dc';
  const sums = [dump, globals, properties].flatMap((one) => checked(one, placeOf));
  const complete = '^-- PostgreSQL database dump complete$';
  return {
    check: sums,
    restore: [
      // psql would commit half a table of a dump that is cut off, and end well.
      `${unpack} ${quoted(placeOf(dump))} | tail -n 8 | grep -q -e ${quoted(complete)}`,
      ...fed(globals, placeOf),
      `${unpack} ${quoted(placeOf(dump))} | psql -X -1 -v ON_ERROR_STOP=1 "$DATABASE_URL"`,
      ...fed(properties, placeOf),
    ],
    recheck: [],
  };
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

function fed(one: Artifact | undefined, placeOf: (artifact: Artifact) => string): string[] {
  if (one === undefined) return [];
  return [`gunzip -c ${quoted(placeOf(one))} | psql -X "$DATABASE_URL"`];
}

function directoryByHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand {
  const { check, restore, recheck } = filesByHand(manifest, placeOf);
  const [globals, properties] = besideOf(manifest);
  return {
    check: [...check, ...checked(globals, placeOf), ...checked(properties, placeOf)],
    restore: [
      ...restore,
      // pg_restore takes rows for whole that are cut off in the middle.
      ...recheck.map((command) => `(${command})`),
      ...fed(globals, placeOf),
      `pg_restore --exit-on-error -j ${BY_HAND_JOBS} -d "$DATABASE_URL" FOLDER/${DUMP_FOLDER}`,
      ...fed(properties, placeOf),
    ],
    recheck: [],
  };
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

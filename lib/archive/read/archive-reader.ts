// Opening an archive: the table of its index, and through it any entry, each step checked before it is used.
import crypto from 'node:crypto';
import { HoldfastError } from '../../errors.ts';
import {
  MAX_PIECE_BYTES,
  parsePiece,
  parseTable,
  pathOfLine,
  type IndexEntry,
  type IndexGroup,
  type IndexTable,
} from '../../format/archive-index.ts';
import {
  CODECS,
  decodeLocator,
  decodeMember,
  LOCATOR_BYTES,
  type Codec,
  type Extent,
} from '../../format/codec.ts';
import { displayPath } from '../../format/paths.ts';
import { parsePieceBetween } from '../../format/piece-search.ts';
import { OWN_NAMES, ownNamesOfPart, type OwnNames } from '../../format/own-paths.ts';
import { assertTable, knownPieces } from '../../format/structure.ts';

/** Something that can be read in ranges. Byte counts; `read` gives exactly what was asked for or throws. */
export interface ByteReader {
  readonly bytes: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** An opened archive: the only one of its backup, or one part of several. */
export interface Archive {
  readonly reader: ByteReader;
  readonly codec: Codec;
  readonly place: Extent;
  readonly table: IndexTable;
  /** What it calls its own files. */
  readonly names: OwnNames;
}

/**
 * Opens an archive by its index table, whose digest the caller has from a manifest.
 *
 * `BACKUP_DAMAGED` when the table is not that one, or that of another part; `FORMAT_UNSUPPORTED` when a newer version wrote it.
 *
 * @param partFrom - the first path in it, for one part of several
 */
export async function openArchive(
  reader: ByteReader,
  place: Extent,
  codec: Codec,
  partFrom?: string,
): Promise<Archive> {
  if (place.bytes > MAX_PIECE_BYTES || place.rawBytes > MAX_PIECE_BYTES) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the table of the index claims ${place.rawBytes} bytes`,
    );
  }
  const table = parseTable((await readExtent(reader, place, codec)).toString('utf8'));
  const begin = table.pieces[0]?.firstPath ?? '';
  if (partFrom !== undefined && begin !== partFrom) {
    const [found, wanted] = [begin, partFrom].map(displayPath);
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the index is damaged: it begins with ${found}, and that part of the archive with ${wanted}`,
    );
  }
  const names = partFrom === undefined ? OWN_NAMES : ownNamesOfPart(partFrom);
  assertTable(table, place, { codec, names });
  return { reader, codec, place, table, names };
}

/** True for one part of several, as its own bytes tell it: what it calls its index. */
export async function isPart({ reader, codec, place }: Omit<Archive, 'names' | 'table'>) {
  const table = parseTable((await readExtent(reader, place, codec)).toString('utf8'));
  const names = ownNamesOfPart(table.pieces[0]?.firstPath ?? '');
  const index = knownPieces(table, place, { codec, names }).pieces.at(-2);
  if (index === undefined || index.offset + index.content.length > reader.bytes) return false;
  return index.content.equals(await reader.read(index.offset, index.content.length));
}

/** Where the table of an archive is that was found alone, by its last bytes, which also tell the codec. `FORMAT_UNSUPPORTED` when Holdfast did not write it. */
export async function locateTable(reader: ByteReader): Promise<{ codec: Codec; place: Extent }> {
  for (const codec of CODECS) {
    const bytes = LOCATOR_BYTES[codec];
    if (reader.bytes < bytes) continue;
    const place = decodeLocator(await reader.read(reader.bytes - bytes, bytes), codec);
    if (place !== undefined && place.offset + place.bytes <= reader.bytes) return { codec, place };
  }
  throw new HoldfastError('FORMAT_UNSUPPORTED', 'this is not a whole archive of Holdfast', {
    hint: "It may be cut off, or be another tool's archive: `tar -xzf` extracts what it holds, unchecked.",
  });
}

/** The raw bytes of an extent after its digest was found right; `BACKUP_DAMAGED` otherwise. */
export async function readExtent(
  reader: ByteReader,
  extent: Extent,
  codec: Codec,
): Promise<Buffer> {
  const stored = await reader.read(extent.offset, extent.bytes);
  if (crypto.hash('sha256', stored, 'hex') !== extent.sha256) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the index is damaged: the ${extent.bytes} bytes from byte ${extent.offset} do not have their recorded digest`,
    );
  }
  return decodeMember(stored, extent.rawBytes, codec);
}

/** The groups of piece `i` of the index. */
export async function readPiece(archive: Archive, i: number): Promise<IndexGroup[]> {
  return parsePiece(await readPieceText(archive, i));
}

async function readPieceText(archive: Archive, i: number): Promise<string> {
  const piece = archive.table.pieces[i];
  if (piece === undefined) return '';
  const raw = await readExtent(archive.reader, piece, archive.codec);
  const text = raw.toString('utf8');
  if (pathOfLine(text.slice(0, text.indexOf('\n'))) !== piece.firstPath) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      'a piece of the index does not begin with its first path',
    );
  }
  return text;
}

/**
 * The groups of an archive in order, from the piece in which `from` would stand.
 *
 * The next piece is read while the last is used. Entries are strictly ascending, none stands below what is no directory, and members
 * tile the data; an index in which it is not so is `BACKUP_DAMAGED`. A damaged piece is thrown, or handed to `onDamage` and passed over.
 */
export async function* readGroups(
  archive: Archive,
  from = '',
  onDamage: (piece: number, error: unknown) => void = rethrow,
): AsyncGenerator<IndexGroup> {
  const first = firstPieceFor(archive.table, from);
  const order = new PathOrder();
  let offset: number | undefined = first === 0 ? 0 : undefined;
  let next = quietly(readPiece(archive, first));
  for (let i = first; i < archive.table.pieces.length; i++) {
    const current = next;
    next = quietly(readPiece(archive, i + 1));
    let groups: IndexGroup[];
    try {
      groups = await current;
    } catch (error) {
      onDamage(i, error);
      offset = undefined;
      continue;
    }
    for (const group of groups) {
      for (const entry of group.entries) order.add(entry);
      offset = assertTiling(group, offset);
      yield group;
    }
  }
  if (offset !== undefined && offset !== archive.table.dataBytes) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the index names ${offset} of ${archive.table.dataBytes} bytes of data`,
    );
  }
}

/** What piece `i` of the index is about, for people. */
export function extentOfPiece({ pieces }: IndexTable, i: number): string {
  const from = displayPath(pieces[i]?.firstPath ?? '');
  const to = pieces[i + 1]?.firstPath;
  return `what stands from ${from} on${to === undefined ? '' : ` and before ${displayPath(to)}`}`;
}

function rethrow(_piece: number, error: unknown): never {
  throw error;
}

/** A rejection is seen when the promise is awaited; until then it must not count as unhandled. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Checks that paths ascend, and that nothing stands below what is no directory. */
export class PathOrder {
  private last = '';
  /** Entries that are no directories and begin the last path as text; sorted paths can only stand below these. */
  private readonly open: string[] = [];

  /** `BACKUP_DAMAGED` when the entry may not follow those before it. */
  add({ path, type }: IndexEntry): void {
    if (path <= this.last) this.refuse(path, 'twice, or out of order');
    this.last = path;
    for (let top = this.open.at(-1); top !== undefined; top = this.open.at(-1)) {
      if (!path.startsWith(top)) this.open.pop();
      else if (path[top.length] === '/') this.refuse(path, 'below what is no directory');
      else break;
    }
    if (type !== 'directory') this.open.push(path);
  }

  private refuse(path: string, why: string): never {
    throw new HoldfastError('BACKUP_DAMAGED', `the index names ${displayPath(path)} ${why}`);
  }
}

function assertTiling(group: IndexGroup, offset: number | undefined): number {
  let at = offset ?? group.members[0]?.offset ?? 0;
  for (const member of group.members) {
    if (member.offset !== at) {
      throw new HoldfastError(
        'BACKUP_DAMAGED',
        `the members of the index leave a gap, or overlap, at byte ${at}`,
      );
    }
    at += member.bytes;
  }
  return at;
}

/** The piece that was read last, of each archive: one look-up comes back to it several times. */
const lastPieces = new WeakMap<Archive, { i: number; text: Promise<string> }>();

function lookUpPiece(archive: Archive, i: number): Promise<string> {
  const last = lastPieces.get(archive);
  if (last?.i === i) return last.text;
  const text = readPieceText(archive, i);
  lastPieces.set(archive, { i, text });
  return text;
}

/** The groups in which paths from `first` to `last` can stand; only the pieces of the index that name them are read. */
export async function* groupsBetween(
  archive: Archive,
  first: string,
  last: string,
): AsyncGenerator<IndexGroup> {
  const { pieces } = archive.table;
  for (let i = firstPieceFor(archive.table, first); i < pieces.length; i++) {
    if ((pieces[i]?.firstPath ?? '') > last) return;
    yield* parsePieceBetween(await lookUpPiece(archive, i), first, last);
  }
}

/** The last piece that begins at or before `path`. */
function firstPieceFor(table: IndexTable, path: string): number {
  let low = 0;
  let high = table.pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((table.pieces[middle]?.firstPath ?? '') <= path) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

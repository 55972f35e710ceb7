// Writing entries below a directory that this run has made and nobody else can enter: the work of a worker.
import fs from 'node:fs';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry, IndexGroup, Member } from '../../format/archive-index.ts';
import type { Codec } from '../../format/codec.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { free } from '../threads/reclaim.ts';
import { checkedMember, damageOf, decodeGroup, decodePiece, type StoredRange } from './decode.ts';
import { reasonOf } from '../file-problems.ts';
import { keepFile, type Keeping } from './metadata.ts';
import { UnkeptList, type Ownership, type Unkept } from './ownership.ts';

const CREATE_FLAGS =
  fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW;
const HOLE_BYTES = 4096;
const ZEROS = Buffer.alloc(HOLE_BYTES);

/** How what is restored is written. */
export interface WriteOptions {
  readonly ownership: Ownership;
}

export interface GroupsToExtract {
  readonly range: StoredRange;
  readonly groups: readonly IndexGroup[];
  /** For each group, where each of its entries goes below the root; undefined for entries that are not wanted. */
  readonly destinations: readonly (readonly (string | undefined)[])[];
  /** An absolute byte string that ends in `/`. */
  readonly root: string;
  readonly codec: Codec;
  readonly options: WriteOptions;
}

/** Writes the wanted files of some groups; directories exist already, and links are made afterwards by the caller. */
export function extractGroups(job: GroupsToExtract): { problems: Problem[]; unkept: Unkept } {
  const problems: Problem[] = [];
  const unkept = new UnkeptList();
  const { ownership } = job.options;
  job.groups.forEach((group, g) => {
    let i = 0;
    try {
      decodeGroup(job.range, group, job.codec, (entry, content) => {
        const to = job.destinations[g]?.[i++];
        if (to === undefined || entry.type !== 'file') return;
        try {
          writeFile(job.root + to, entry, content, { ownership, unkept });
        } catch (error) {
          problems.push(unwritten(entry.path, error));
        }
      });
    } catch (error) {
      // Directories and links come from the index: only files are lost.
      const wanted = group.entries.filter(
        ({ type }, n) => type === 'file' && job.destinations[g]?.[n] !== undefined,
      );
      problems.push(...damageOf({ ...group, entries: wanted }, error));
    }
  });
  free(job.range.bytes);
  return { problems, unkept: unkept.value() };
}

/**
 * The problem that an entry could not be written; the others are.
 *
 * @throws `NO_SPACE` when none of the others could be either
 */
export function unwritten(path: string, error: unknown): Problem {
  const { code } = error as NodeJS.ErrnoException;
  // What is no error of the file system is a bug, and stays one.
  if (code === undefined) throw error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint =
      'Free some space, or restore to another disk; what was written so far is incomplete.';
    const shown = displayPath(path);
    throw new HoldfastError('NO_SPACE', `there is no room for ${shown}`, { hint, cause: error });
  }
  const detail =
    code === 'EEXIST' ? 'another entry has this name where it is restored' : reasonOf(error);
  return { path: displayPath(path), code: 'unwritten', detail };
}

function writeFile(path: string, entry: IndexEntry, content: Buffer, how: Keeping): void {
  const fd = fs.openSync(fsPath(path), CREATE_FLAGS, 0o600);
  try {
    writeContent(fd, content, 0, entry.holes);
    finishFile(fd, entry, how);
  } finally {
    fs.closeSync(fd);
  }
}

/** Opens a split file for its pieces; the caller finishes and closes it. */
export function createSplitFile(path: string): number {
  return fs.openSync(fsPath(path), CREATE_FLAGS, 0o600);
}

/** Sets what the index says of a file on an open one: length, owner, mode and time. */
export function finishFile(fd: number, entry: IndexEntry, how: Keeping): void {
  if (entry.holes) fs.ftruncateSync(fd, entry.size);
  keepFile(fd, entry, how);
}

/** How many bytes were written: zeros of a file with holes are not. */
function writeContent(fd: number, content: Uint8Array, position: number, holes: boolean): number {
  if (!holes) {
    writeFully(fd, content, position);
    return content.length;
  }
  let written = 0;
  for (let at = 0; at < content.length; at += HOLE_BYTES) {
    const block = content.subarray(at, at + HOLE_BYTES);
    if (isZero(block)) continue;
    writeFully(fd, block, position + at);
    written += block.length;
  }
  return written;
}

function isZero(block: Uint8Array): boolean {
  return ZEROS.compare(block, 0, block.length, 0, block.length) === 0;
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** One piece of a split file, for a descriptor that the caller opened. */
export interface PieceToExtract {
  readonly range: StoredRange;
  readonly group: IndexGroup;
  readonly piece: number;
  readonly position: number;
  readonly fd: number;
  readonly codec: Codec;
}

export function extractPiece(job: PieceToExtract): { problems: Problem[] } {
  try {
    if (!isPieceOfHole(job)) writePiece(job);
    return { problems: [] };
  } catch (error) {
    if (error instanceof HoldfastError) return { problems: damageOf(job.group, error) };
    return { problems: [unwritten(job.group.entries[0]?.path ?? '', error)] };
  } finally {
    free(job.range.bytes);
  }
}

/** The stored digest of a piece that was found to hold nothing but zeros: the pieces of a hole are equal, byte for byte. */
let zeros: Pick<Member, 'sha256' | 'rawBytes'> | undefined;

/** Bytes with the digest of others decode to the same, and zeros of a file with holes are not written. `BACKUP_DAMAGED` as for others. */
function isPieceOfHole({ range, group: { entries, members }, piece }: PieceToExtract): boolean {
  const member = members[piece];
  if (entries[0]?.holes !== true || member === undefined || zeros === undefined) return false;
  if (member.sha256 !== zeros.sha256 || member.rawBytes !== zeros.rawBytes) return false;
  checkedMember(range, member);
  return true;
}

function writePiece({ range, group, piece, codec, fd, position }: PieceToExtract): void {
  const content = decodePiece(range, group, piece, codec);
  const contentBytes = content.length;
  const holes = group.entries[0]?.holes === true;
  const written = writeContent(fd, content, position, holes);
  free(content);
  const member = group.members[piece];
  // With a header or padding around it, a piece says something of its place.
  if (holes && written === 0 && contentBytes === member?.rawBytes) zeros = member;
}

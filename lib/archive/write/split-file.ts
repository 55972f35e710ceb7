// A file that is too large for one member: pieces are read and encoded in workers, the digest of the whole is made here, in order.
// What lies in no file is fetched into the slots before.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { Problem } from '../../errors.ts';
import type { Encoding } from '../../format/codec.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { encodeHeader, paddingBytes } from '../../format/tar.ts';
import type { Content } from './content.ts';
import { problemOf } from '../file-problems.ts';
import { type EncodedMember, type EncodedPiece, type PieceToEncode } from './encode.ts';
import { MAX_FILE_BYTES, SPLIT_BYTES, type SourceEntry } from './plan.ts';
import type { Pool } from '../threads/pool.ts';
import { Slots } from '../threads/slots.ts';
import { statLine } from './stats.ts';

const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const slots = new Slots(SPLIT_BYTES);

/** A piece under way and the slot that will hold its content. */
interface PieceUnderWay {
  readonly slot: SharedArrayBuffer;
  readonly done: Promise<EncodedPiece>;
}

export interface SplitFile {
  readonly entry: SourceEntry;
  readonly pieces: number;
  pieceBytes(i: number): number;
  /** Starts piece `i`; one that would encode to what `candidateKey` names is not encoded. */
  encode(i: number, candidateKey: string | undefined): PieceUnderWay;
  /** Waits for piece `i`; to be called in order, since the digest of the file goes with it. */
  finishPiece(i: number, piece: PieceUnderWay): Promise<EncodedMember>;
  /** After the last piece: closes the file and says whether it held still. */
  finish(): { sha256: string; stat: string; problems: Problem[] };
  close(): void;
}

/** Where pieces come from. */
interface PieceReader {
  /** What a worker reads; undefined when `fill` does. */
  readonly fd: number | undefined;
  /** Fills a piece of the content that begins at `position`, with zeros where it cannot be had any more; says how much could. */
  fill(into: Uint8Array, position: number): Promise<number>;
  /** After the last piece: closes it and says what is not as it was found. */
  finish(shrunk: boolean): Problem[];
  close(): void;
}

interface SplitOptions {
  readonly pool: Pool;
  readonly encoding: Encoding;
}

/** Opens a file that is to be split; problems when it is not there, or no longer the file that was found. */
export async function openSplitFile(
  entry: SourceEntry,
  options: SplitOptions,
): Promise<SplitFile | { problems: readonly Problem[] }> {
  if (entry.size > MAX_FILE_BYTES) {
    const detail = `it has ${entry.size} bytes; an archive takes files of up to ${MAX_FILE_BYTES}`;
    return { problems: [{ path: displayPath(entry.path), code: 'skipped', detail }] };
  }
  if (entry.content !== undefined) return openContent(entry, entry.content, options);
  let fd: number;
  try {
    fd = fs.openSync(fsPath(entry.readPath ?? ''), FLAGS);
  } catch (error) {
    return { problems: [problemOf(entry.path, error)] };
  }
  if (!fs.fstatSync(fd).isFile()) {
    fs.closeSync(fd);
    return { problems: [changed(entry, 'it is no longer a regular file')] };
  }
  return splitFile(entry, fileReader(entry, fd), options);
}

async function openContent(
  entry: SourceEntry,
  content: Content,
  options: SplitOptions,
): Promise<SplitFile | { problems: readonly Problem[] }> {
  const opened = await content.open();
  if (!('now' in opened)) return opened;
  const reader: PieceReader = {
    fd: undefined,
    fill: (into, position) => opened.read(into, position),
    finish: (shrunk) => {
      const problems = opened.finish();
      const silent = shrunk && problems.length === 0;
      return silent ? [changed(entry, SHRANK)] : [...problems];
    },
    close: () => undefined,
  };
  return splitFile({ ...entry, ...opened.now, content: undefined }, reader, options);
}

const SHRANK = 'shrank while it was read; what was missing is zeros';

function fileReader(entry: SourceEntry, fd: number): PieceReader {
  return {
    fd,
    fill: (into) => Promise.resolve(into.length),
    finish: (shrunk) => {
      const now = statLine(fs.fstatSync(fd, { bigint: true }));
      fs.closeSync(fd);
      if (shrunk) return [changed(entry, SHRANK)];
      return now === entry.stat ? [] : [changed(entry, 'changed while it was read')];
    },
    close: () => fs.closeSync(fd),
  };
}

function changed(entry: SourceEntry, detail: string): Problem {
  return { path: displayPath(entry.path), code: 'changed', detail };
}

function splitFile(entry: SourceEntry, reader: PieceReader, options: SplitOptions): SplitFile {
  const { pool, encoding } = options;
  // What shrank between listing and reading may fill no piece at all; its header needs one.
  const pieces = Math.max(1, Math.ceil(entry.size / SPLIT_BYTES));
  const hash = createHash('sha256');
  let shrunk = false;
  const pieceBytes = (i: number) => Math.min(SPLIT_BYTES, entry.size - i * SPLIT_BYTES);
  const run = async (piece: PieceToEncode): Promise<EncodedPiece> => {
    if (reader.fd !== undefined) return pool.run('encodePiece', { piece, encoding }, piece.bytes);
    const gotBytes = await reader.fill(new Uint8Array(piece.slot, 0, piece.bytes), piece.position);
    const { member } = await pool.run('encodePiece', { piece, encoding }, piece.bytes);
    return { member, gotBytes };
  };
  return {
    entry,
    pieces,
    pieceBytes,
    encode: (i, candidateKey) => {
      const slot = slots.take();
      const done = run({
        fd: reader.fd,
        position: i * SPLIT_BYTES,
        bytes: pieceBytes(i),
        header: i === 0 ? encodeHeader(entry) : undefined,
        paddingBytes: i === pieces - 1 ? paddingBytes(entry.size) : 0,
        slot,
        candidateKey,
      });
      // Awaited in `finishPiece`; until then a rejection must not count as unhandled.
      done.catch(() => undefined);
      return { slot, done };
    },
    finishPiece: async (i, { slot, done }) => {
      const { member, gotBytes } = await done;
      hash.update(new Uint8Array(slot, 0, pieceBytes(i)));
      slots.give(slot);
      if (gotBytes < pieceBytes(i)) shrunk = true;
      return member;
    },
    finish: () => {
      const problems = reader.finish(shrunk);
      // A stat that no later file can have, so that the next run reads it again.
      return { sha256: hash.digest('hex'), stat: problems.length > 0 ? '' : entry.stat, problems };
    },
    close: () => reader.close(),
  };
}

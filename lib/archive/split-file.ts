// A file that is too large for one member: pieces are read and encoded in workers, the digest of the whole is made here, in order.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { Problem } from '../errors.ts';
import type { Encoding } from '../format/codec.ts';
import { displayPath, fsPath } from '../format/paths.ts';
import { encodeHeader, paddingBytes } from '../format/tar.ts';
import { problemOf, type EncodedMember, type EncodedPiece } from './encode.ts';
import { MAX_FILE_BYTES, SPLIT_BYTES, type SourceEntry } from './plan.ts';
import type { Pool } from './pool.ts';
import { Slots } from './slots.ts';
import { statLine } from './stat-line.ts';

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

/** Opens a file that is to be split; a problem when it is not there, or no longer the file that was found. */
export function openSplitFile(
  entry: SourceEntry,
  options: { pool: Pool; encoding: Encoding },
): SplitFile | { problem: Problem } {
  if (entry.size > MAX_FILE_BYTES) {
    const detail = `it has ${entry.size} bytes; an archive takes files of up to ${MAX_FILE_BYTES}`;
    return { problem: { path: displayPath(entry.path), code: 'skipped', detail } };
  }
  let fd: number;
  try {
    fd = fs.openSync(fsPath(entry.readPath ?? ''), FLAGS);
  } catch (error) {
    return { problem: problemOf(entry.path, error) };
  }
  if (!fs.fstatSync(fd).isFile()) {
    fs.closeSync(fd);
    return { problem: changed(entry, 'it is no longer a regular file') };
  }
  return splitFile(entry, fd, options);
}

function changed(entry: SourceEntry, detail: string): Problem {
  return { path: displayPath(entry.path), code: 'changed', detail };
}

function splitFile(
  entry: SourceEntry,
  fd: number,
  { pool, encoding }: { pool: Pool; encoding: Encoding },
): SplitFile {
  const pieces = Math.ceil(entry.size / SPLIT_BYTES);
  const hash = createHash('sha256');
  let shrunk = false;
  const pieceBytes = (i: number) => Math.min(SPLIT_BYTES, entry.size - i * SPLIT_BYTES);
  return {
    entry,
    pieces,
    pieceBytes,
    encode: (i, candidateKey) => {
      const slot = slots.take();
      const piece = {
        fd,
        position: i * SPLIT_BYTES,
        bytes: pieceBytes(i),
        header: i === 0 ? encodeHeader(entry) : undefined,
        paddingBytes: i === pieces - 1 ? paddingBytes(entry.size) : 0,
        slot,
        candidateKey,
      };
      const done = pool.run('encodePiece', { piece, encoding }, piece.bytes);
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
      const now = statLine(fs.fstatSync(fd, { bigint: true }));
      fs.closeSync(fd);
      const problems: Problem[] = [];
      if (shrunk)
        problems.push(changed(entry, 'shrank while it was read; what was missing is zeros'));
      else if (now !== entry.stat) problems.push(changed(entry, 'changed while it was read'));
      // A stat that no later file can have, so that the next run reads it again.
      return { sha256: hash.digest('hex'), stat: problems.length > 0 ? '' : entry.stat, problems };
    },
    close: () => fs.closeSync(fd),
  };
}

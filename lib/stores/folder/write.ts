// Moves bytes into an open file: one write under way while the next bytes are made, in pieces that suit a disk.
import type { FileHandle } from 'node:fs/promises';
import { HoldfastError } from '../../errors.ts';
import { throwIfCancelled } from '../body.ts';
import { guarded } from './errors.ts';
import type { OpenFile } from './handles.ts';

const WRITE_BYTES = 1024 * 1024;
// What one writev takes at most (IOV_MAX).
const WRITE_CHUNKS = 1024;
// Made durable on the way, so that the disk works while the bytes are made and the last sync has little left to do.
const SYNC_BYTES = 64 * 1024 * 1024;
const COPY_BYTES = 4 * 1024 * 1024;

/** Where bytes go: a file that is being written, and the key that it will have. */
export interface Draft {
  readonly key: string;
  readonly handle: FileHandle;
}

/** Writes `chunks` at the end of `draft` and resolves to their bytes. Holds at most two pieces of a MiB, or two chunks. */
export async function writeChunks(
  draft: Draft,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  const writer = pipelinedWriter(draft);
  let bytes = 0;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  try {
    for await (const chunk of chunks) {
      if (chunk.byteLength === 0) continue;
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      bytes += chunk.byteLength;
      if (batchBytes < WRITE_BYTES && batch.length < WRITE_CHUNKS) continue;
      await writer.write(batch);
      batch = [];
      batchBytes = 0;
    }
    if (batch.length > 0) await writer.write(batch);
  } finally {
    await writer.idle();
  }
  writer.throwIfFailed();
  return bytes;
}

/**
 * Copies `bytes` of `source` to the end of `target` and resolves to them. The data are read and written, not cloned: a file
 * system that shares blocks between copies would lose both to one bad sector. `BACKUP_DAMAGED` when `source` ends early.
 */
export async function copyFile(
  source: OpenFile,
  target: Draft,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { bytes } = source;
  const writer = pipelinedWriter(target);
  // Two buffers are enough: `write` waits for the write before it, which held the other one.
  let [piece, other] = [copyBuffer(bytes), copyBuffer(bytes)];
  let position = 0;
  try {
    while (position < bytes) {
      throwIfCancelled(signal);
      const part = piece.subarray(0, bytes - position);
      await readFully(source, part, position);
      await writer.write([part]);
      position += part.byteLength;
      [piece, other] = [other, piece];
    }
  } finally {
    await writer.idle();
  }
  writer.throwIfFailed();
  return position;
}

function copyBuffer(bytes: number): Uint8Array {
  return Buffer.allocUnsafeSlow(Math.min(bytes, COPY_BYTES));
}

/** Fills `piece` from `position` of `source`; `BACKUP_DAMAGED` when the file ends before. */
export async function readFully(
  { key, handle }: OpenFile,
  piece: Uint8Array,
  position: number,
): Promise<void> {
  let filled = 0;
  while (filled < piece.byteLength) {
    const { bytesRead } = await guarded(
      `reading "${key}"`,
      handle.read(piece, filled, piece.byteLength - filled, position + filled),
    );
    if (bytesRead === 0) {
      const end = position + piece.byteLength;
      throw tooShort(key, { bytes: position + filled, end });
    }
    filled += bytesRead;
  }
}

/** The finding that `key` has only `bytes`, and was asked for up to `end`. */
export function tooShort(
  key: string,
  { bytes, end }: { bytes: number; end: number },
): HoldfastError {
  return new HoldfastError(
    'BACKUP_DAMAGED',
    `"${key}" ends at ${bytes} bytes and was to be read up to ${end}`,
    { hint: 'It was cut after it was stored; `holdfast verify` names what is damaged.' },
  );
}

interface Writer {
  /** Resolves when the write before this one is done; throws what that one failed with. */
  write(batch: readonly Uint8Array[]): Promise<void>;
  /** Resolves when nothing is under way; never throws. */
  idle(): Promise<void>;
  throwIfFailed(): void;
}

function pipelinedWriter({ key, handle }: Draft): Writer {
  const what = `writing "${key}"`;
  let failure: unknown;
  let writing: Promise<void> = Promise.resolve();
  let syncing: Promise<void> | undefined;
  let unsyncedBytes = 0;

  // Kept instead of thrown, as nobody may be waiting at the moment when it fails.
  const keep = (error: unknown) => {
    failure ??= error;
  };
  const throwIfFailed = () => {
    if (failure !== undefined) throw failure as Error;
  };
  const syncNow = () => {
    unsyncedBytes = 0;
    syncing = guarded(what, handle.datasync())
      .catch(keep)
      .then(() => {
        syncing = undefined;
      });
  };
  return {
    async write(batch) {
      await writing;
      throwIfFailed();
      if (unsyncedBytes >= SYNC_BYTES && syncing === undefined) syncNow();
      writing = guarded(what, writeFully(handle, batch)).then((bytes) => {
        unsyncedBytes += bytes;
      }, keep);
    },
    async idle() {
      await writing;
      await syncing;
    },
    throwIfFailed,
  };
}

/** A write may take less than it was given (a full disk, a limit); the next one tells why. */
async function writeFully(handle: FileHandle, batch: readonly Uint8Array[]): Promise<number> {
  let rest = [...batch];
  let bytes = 0;
  while (rest.length > 0) {
    let { bytesWritten } = await handle.writev(rest);
    bytes += bytesWritten;
    let whole = 0;
    for (const chunk of rest) {
      if (bytesWritten < chunk.byteLength) break;
      bytesWritten -= chunk.byteLength;
      whole += 1;
    }
    rest = rest.slice(whole);
    const [first] = rest;
    if (first !== undefined && bytesWritten > 0) rest[0] = first.subarray(bytesWritten);
  }
  return bytes;
}

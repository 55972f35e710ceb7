// An archive that was found alone, outside any store: opened by its own end, checked against itself, and against its manifest when
// that lies beside it. One part of several stands for all of them, which lie beside it too.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../errors.ts';
import {
  isPart,
  locateTable,
  openArchive,
  type ByteReader,
} from '../../archive/read/archive-reader.ts';
import { MANIFEST_FORMAT, parseManifest, type Manifest } from '../../format/manifest.ts';
import { decodeSigned, MAX_SIGNED_BYTES, type TrustedKey } from '../../format/signed.ts';
import type { OpenBackup } from '../source.ts';

export interface FoundArchive extends AsyncDisposable {
  readonly backup: OpenBackup;
  /** Who made it: `trusted` when a trusted key signed the manifest beside it; else why that is not known. */
  readonly authenticity: 'trusted' | { readonly unknown: string };
}

/**
 * Opens the archive at `file`. `FORMAT_UNSUPPORTED` when it is not one of ours, or cut off, or one part of several without their
 * manifest; `BACKUP_DAMAGED` when its index is.
 */
export async function openArchiveFile(
  file: string,
  trusted: readonly TrustedKey[],
): Promise<FoundArchive> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const reader = readerOf(handle, size, file);
    const { codec, place } = await locateTable(reader);
    const beside = await manifestBeside(file, trusted);
    if (await isPart({ reader, place, codec })) return partsBeside(file, handle, beside);
    const { table } = await openArchive(reader, place, codec);
    const alone = manifestAlone(file, { codec, bytes: size, table: place, entries: table.entries });
    return {
      // Whatever it was made of, all that lies here is its files.
      backup: {
        manifest: { ...(beside?.manifest ?? alone), kind: alone.kind },
        open: () => reader,
      },
      authenticity:
        beside === undefined ? { unknown: 'no manifest lies beside it' } : authenticityOf(beside),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All parts of the archive that `file` is a part of. */
function partsBeside(
  file: string,
  handle: fs.FileHandle,
  beside: Beside | undefined,
): FoundArchive {
  if (beside === undefined) {
    throw new HoldfastError('FORMAT_UNSUPPORTED', `${file} is one part of an archive of several`, {
      hint: 'Put the manifest.json of its backup and the other parts beside it. `tar -xzf` extracts what this part holds, unchecked.',
    });
  }
  const handles: fs.FileHandle[] = [handle];
  return {
    backup: {
      manifest: { ...beside.manifest, kind: 'files' },
      open: ({ key, bytes }) => {
        const part = path.join(path.dirname(file), path.basename(key));
        let reader: Promise<ByteReader> | undefined;
        const opened = async () => {
          const own = await open(part);
          handles.push(own);
          return readerOf(own, (await own.stat()).size, part);
        };
        return { bytes, read: async (...range) => (await (reader ??= opened())).read(...range) };
      },
    },
    authenticity: authenticityOf(beside),
    [Symbol.asyncDispose]: async () => {
      for (const one of handles) await one.close();
    },
  };
}

async function open(file: string): Promise<fs.FileHandle> {
  try {
    return await fs.open(file, 'r');
  } catch (cause) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the archive ${file} cannot be opened`, { cause });
  }
}

function readerOf(handle: fs.FileHandle, size: number, file: string): ByteReader {
  return {
    bytes: size,
    read: async (offset, length) => {
      if (offset < 0 || offset + length > size) {
        throw new HoldfastError(
          'BACKUP_DAMAGED',
          `${file} has ${size} bytes and ends before byte ${offset + length}`,
        );
      }
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0)
          throw new HoldfastError('BACKUP_DAMAGED', `${file} was cut off while it was read`);
        done += bytesRead;
      }
      return bytes;
    },
  };
}

interface Beside {
  readonly manifest: Manifest;
  readonly distrust: string | undefined;
}

/** The manifest in the same folder, when it is of this very archive. */
async function manifestBeside(
  file: string,
  trusted: readonly TrustedKey[],
): Promise<Beside | undefined> {
  const bytes = await readIfSmall(path.join(path.dirname(file), 'manifest.json'));
  if (bytes === undefined) return undefined;
  try {
    const { key } = (JSON.parse(Buffer.from(bytes).toString()) as [{ key?: unknown }])[0];
    if (typeof key !== 'string') return undefined;
    const { payload, distrust } = decodeSigned(bytes, key, trusted);
    const manifest = parseManifest(payload, key);
    const mine = manifest.artifacts.some(
      (one) => one.role === 'archive' && path.basename(one.key) === path.basename(file),
    );
    return mine ? { manifest, distrust } : undefined;
  } catch (error) {
    // Whatever it is, it is not this archive's manifest; the archive is then checked against itself.
    if (
      error instanceof HoldfastError ||
      error instanceof SyntaxError ||
      error instanceof TypeError
    )
      return undefined;
    throw error;
  }
}

function authenticityOf({ distrust }: Beside): FoundArchive['authenticity'] {
  return distrust === undefined ? 'trusted' : { unknown: distrust };
}

async function readIfSmall(file: string): Promise<Uint8Array | undefined> {
  try {
    const { size } = await fs.stat(file);
    return size <= MAX_SIGNED_BYTES ? await fs.readFile(file) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What an archive tells of itself, in the form of a manifest that nobody signed. */
function manifestAlone(
  file: string,
  archive: {
    codec: 'gzip' | 'zstd';
    bytes: number;
    table: NonNullable<Manifest['artifacts'][number]['table']>;
    entries: number;
  },
): Manifest {
  const epoch = new Date(0).toISOString();
  const { codec, bytes, table, entries } = archive;
  return {
    format: MANIFEST_FORMAT,
    requires: [],
    key: file,
    system: '',
    source: path.basename(file),
    kind: 'files',
    id: 'archive',
    trigger: { kind: 'manual', at: epoch },
    begin: epoch,
    end: epoch,
    fullAt: epoch,
    status: 'complete',
    problems: [],
    problemCount: 0,
    artifacts: [
      {
        role: 'archive',
        key: file,
        codec,
        bytes,
        sha256: '0'.repeat(64),
        crc32: '0'.repeat(8),
        table,
      },
    ],
    totals: { entries, files: 0, contentBytes: 0, readBytes: 0, reusedBytes: 0 },
    options: {},
    tools: {},
  };
}

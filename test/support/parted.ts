// Backs up folders into archives of several parts, in memory: cut as a test wants it, written as any archive is.
import type { ByteReader } from '../../lib/archive/read/archive-reader.ts';
import { ArchiveWriter, type ArchiveSummary } from '../../lib/archive/write/archive-writer.ts';
import { Digester, partBytes } from '../../lib/archive/write/output.ts';
import type { SourceEntry } from '../../lib/archive/write/plan.ts';
import { ScanWriter } from '../../lib/archive/write/scan.ts';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { signerOf, type Engine } from '../../lib/engine/engine.ts';
import { HoldfastError } from '../../lib/errors.ts';
import type { Encoding } from '../../lib/format/codec.ts';
import { artifactKey } from '../../lib/format/layout.ts';
import {
  PART_CLASSES,
  type Artifact,
  type Manifest,
  type PartClass,
} from '../../lib/format/manifest.ts';
import { toUtf8 } from '../../lib/format/paths.ts';
import { encodeSigned } from '../../lib/format/signed.ts';
import { wholeTree } from '../../lib/sources/tree/opened-archive.ts';
import type { OpenBackup } from '../../lib/sources/source.ts';
import { ownNamesOfPart } from '../../lib/format/own-paths.ts';
import { forge, type Forged } from './forge.ts';
import { backUp, MemoryReader } from './archives.ts';
import { machineTime } from './machine-time.ts';

export interface PartedBackup extends OpenBackup {
  /** What is stored, by key; a test may damage it, exchange it or take it away. */
  readonly stored: Map<string, Buffer<ArrayBuffer>>;
}

export interface Cutting {
  /** Files of this size are a class of their own. @default 1 MiB */
  readonly largeBytes?: number;
  /** A part of files begins at every so many entries of its class. @default 5 */
  readonly entries?: number;
  readonly encoding?: Encoding;
}

/** One part before it is written. */
interface Cut {
  readonly class: PartClass;
  readonly entries: readonly SourceEntry[];
}

/** Backs up all of `folder`; the manifest is that of an archive of one part, but for its artifacts. */
export async function backUpInParts(folder: string, cutting: Cutting = {}): Promise<PartedBackup> {
  const { encoding = { codec: 'gzip', level: 1 } } = cutting;
  const cuts = cutUp([...wholeTree(folder, () => undefined)], cutting);
  const { manifest } = await backUp(folder, {
    compression: encoding.codec === 'gzip' ? 'default' : 'zstd',
  });
  const stored = new Map<string, Buffer<ArrayBuffer>>();
  const artifacts: Artifact[] = [];
  const sharedDigests = new Map<string, string>();
  await using pool = new Pool({ workers: 0 });
  for (const [i, cut] of cuts.entries()) {
    const { bytes, table } = await write(cut, { encoding, pool, sharedDigests });
    const digester = new Digester();
    digester.update(bytes);
    const random = `r-${String(i + 1).padStart(3, '0')}`;
    const extension = encoding.codec === 'gzip' ? 'tar.gz' : 'tar.zst';
    const key = artifactKey(manifest, { role: 'archive', random, extension });
    stored.set(key, bytes);
    const path = cut.entries[0]?.path ?? '';
    const text = toUtf8(path);
    const firstPath =
      text === undefined
        ? { firstPathBase64: Buffer.from(path, 'latin1').toString('base64') }
        : { firstPath: text };
    artifacts.push({
      ...{ role: 'archive', key, codec: encoding.codec, table },
      ...digester.digest(),
      part: { class: cut.class, ...firstPath },
    });
  }
  return {
    manifest: { ...manifest, requires: ['parts'], artifacts },
    stored,
    open: readersOf(stored),
  };
}

/** Opens what is stored by its key. */
export function readersOf(stored: ReadonlyMap<string, Buffer<ArrayBuffer>>): OpenBackup['open'] {
  return ({ key }) => readerOf(stored, key);
}

/** A reader of what is stored under `key` when it is opened. */
function readerOf(stored: ReadonlyMap<string, Buffer<ArrayBuffer>>, key: string): ByteReader {
  const bytes = stored.get(key);
  if (bytes !== undefined) return new MemoryReader(bytes);
  const read = () => Promise.reject(new HoldfastError('BACKUP_NOT_FOUND', `${key} is gone`));
  return { bytes: 0, read };
}

/** The same backup with another manifest. */
export function withManifest(backup: PartedBackup, changes: Partial<Manifest>): PartedBackup {
  return { ...backup, manifest: { ...backup.manifest, ...changes } };
}

/** Puts a backup of several parts into the store of `engine`, signed as if it had made it. */
export async function putParted(engine: Engine, { manifest, stored }: PartedBackup): Promise<void> {
  for (const [key, bytes] of stored) await engine.store.put(key, bytes);
  const named: Manifest = { ...manifest, system: engine.system ?? '' };
  await engine.store.put(manifest.key, await encodeSigned(named, signerOf(engine)));
}

/** A part by its class and its entries. */
export type ForgedPart = readonly [PartClass, ...Forged[]];

/** Parts that are consistent in themselves and are not those of one archive, by what is wrong with them. */
export const PARTS_THAT_CLASH: [string, ForgedPart[]][] = [
  [
    'a path in two parts',
    [
      ['large', { path: 'a', content: 'x' }],
      ['small', { path: 'a', content: 'y' }],
    ],
  ],
  [
    'paths of one class that overlap',
    [
      ['small', { path: 'a' }, { path: 'm' }],
      ['small', { path: 'b' }, { path: 'n' }],
    ],
  ],
  [
    'a file, and another below it in a later part',
    [
      ['large', { path: 'a' }],
      ['small', { path: 'a/b' }],
    ],
  ],
  [
    'a file below a link of another part',
    [
      ['large', { path: 'a/b' }],
      ['small', { path: 'a', type: 'symlink', linkTarget: '..' }],
    ],
  ],
  [
    'a file where another part has a folder',
    [
      ['small', { path: 'a' }, { path: 'b' }],
      ['directories', { path: 'a/b/' }],
    ],
  ],
  [
    'a hard link to a later part',
    [
      ['small', { path: 'a', type: 'hardlink', linkTarget: 'z', content: 'z' }],
      ['small', { path: 'z', content: 'z' }],
    ],
  ],
  [
    'a hard link among large files',
    [
      [
        'large',
        { path: 'a', content: 'a' },
        { path: 'b', type: 'hardlink', linkTarget: 'a', content: 'a' },
      ],
      ['small', { path: 'c' }],
    ],
  ],
  [
    'a folder among large files',
    [
      ['large', { path: 'a' }, { path: 'b/' }],
      ['small', { path: 'c' }],
    ],
  ],
  [
    'a file among folders',
    [
      ['small', { path: 'a' }],
      ['directories', { path: 'b' }],
    ],
  ],
];

/** A backup of parts that say of themselves whatever a test wants, each consistent in itself. */
export async function forgeParts(
  like: PartedBackup,
  parts: readonly ForgedPart[],
): Promise<PartedBackup> {
  const stored = new Map<string, Buffer<ArrayBuffer>>();
  const artifacts: Artifact[] = [];
  let entries = 0;
  for (const [i, [own, ...held]] of parts.entries()) {
    const { bytes, place } = await forge([{ entries: held }], ownNamesOfPart);
    const random = `f-${String(i + 1).padStart(3, '0')}`;
    const key = artifactKey(like.manifest, { role: 'archive', random, extension: 'tar.gz' });
    stored.set(key, bytes);
    const digester = new Digester();
    digester.update(bytes);
    const part = { class: own, firstPath: held[0]?.path ?? '' };
    artifacts.push({
      ...{ role: 'archive', key, codec: 'gzip', table: place, part },
      ...digester.digest(),
    });
    entries += held.length;
  }
  const totals = { ...like.manifest.totals, entries };
  const manifest = { ...like.manifest, requires: ['parts'], artifacts, totals };
  return { manifest, stored, open: readersOf(stored) };
}

function cutUp(all: readonly SourceEntry[], { largeBytes = 1 << 20, entries = 5 }: Cutting): Cut[] {
  const next = new Map(all.map(({ path }, i) => [path, all[i + 1]?.path ?? '']));
  const classOf = ({ type, size, path }: SourceEntry): PartClass => {
    if (type !== 'directory') return size >= largeBytes ? 'large' : 'small';
    return next.get(path)?.startsWith(path) === true ? 'directories' : 'small';
  };
  return PART_CLASSES.flatMap((name) => {
    const own = all.filter((entry) => classOf(entry) === name);
    const each = name === 'directories' ? Math.max(1, own.length) : entries;
    const count = Math.ceil(own.length / each);
    return Array.from({ length: count }, (_, i) => ({
      class: name,
      entries: own.slice(i * each, (i + 1) * each),
    }));
  });
}

async function write(
  { entries }: Cut,
  how: { encoding: Encoding; pool: Pool; sharedDigests: Map<string, string> },
): Promise<{ bytes: Buffer<ArrayBuffer>; table: NonNullable<Artifact['table']> }> {
  const { encoding, pool, sharedDigests } = how;
  const writer = new ArchiveWriter({
    ...{ entries, encoding, pool, part: { sharedDigests, begin: machineTime() } },
    scan: new ScanWriter(pool, machineTime()),
    predecessor: undefined,
    signal: undefined,
    onProgress: undefined,
  });
  let summary: ArchiveSummary | undefined;
  const written = async function* () {
    summary = yield* writer.write();
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of partBytes(written(), undefined)) chunks.push(Buffer.from(chunk));
  if (summary?.place === undefined) throw new Error('no part was made');
  return { bytes: Buffer.concat(chunks), table: summary.place };
}

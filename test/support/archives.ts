// Backs up folders into memory through the real source, so that tests can look at every byte, and damage it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Parting } from '../../lib/archive/write/part-plan.ts';
import { Pool } from '../../lib/archive/threads/pool.ts';
import type { ArchiveFindings } from '../../lib/archive/read/prove-archive.ts';
import { proveArchive } from '../../lib/archive/read/prove-archive.ts';
import {
  openArchive,
  type Archive,
  type ByteReader,
} from '../../lib/archive/read/archive-reader.ts';
import type { Parts } from '../../lib/archive/read/parts-reader.ts';
import { restoreArchive, type RestoreSummary } from '../../lib/archive/read/restore-archive.ts';
import { ASIDE, BY_NUMBER } from '../../lib/archive/read/ownership.ts';
import { HoldfastError, type Problem } from '../../lib/errors.ts';
import type { Extent } from '../../lib/format/codec.ts';
import {
  artifactOf,
  MANIFEST_FORMAT,
  type Artifact,
  type Manifest,
} from '../../lib/format/manifest.ts';
import { backupId } from '../../lib/format/ids.ts';
import { artifactKey, manifestKey } from '../../lib/format/layout.ts';
import { partName, PARTS_FEATURE } from '../../lib/format/parts.ts';
import { fromUtf8 } from '../../lib/format/paths.ts';
import { filesSource, type FilesOptions } from '../../lib/sources/files/source.ts';
import type { OpenBackup, Source } from '../../lib/sources/source.ts';
import { machineTime } from './machine-time.ts';

/** A folder that is gone when the test has ended, whatever modes its content has. */
export class Scratch implements Disposable {
  readonly path: string;

  constructor() {
    this.path = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-archive-')));
  }

  /** The absolute path of `name` in it. */
  at(name: string): string {
    return path.join(this.path, name);
  }

  [Symbol.dispose](): void {
    // Whoever is not root removes nothing from a folder that is read-only.
    execFileSync('chmod', ['-R', 'u+rwX', this.path]);
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}

/** Writes files below `root`; a name that ends in `/` becomes an empty folder. */
export function plant(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  fs.mkdirSync(root, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const to = `${root}/${name}`;
    fs.mkdirSync(name.endsWith('/') ? to : path.dirname(to), { recursive: true });
    if (!name.endsWith('/')) fs.writeFileSync(to, content);
  }
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.alloc(bytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state;
  }
  return out;
}

/** Bytes that compress, the same for the same seed. */
export function prose(bytes: number, seed = 1): Buffer {
  const words = ['backup', 'restore', 'proof', 'store', 'entry', 'member', 'index'];
  let text = '';
  for (let i = 0; text.length < bytes; i++)
    text += `${words[(i * 7 + seed * i * i) % 7] ?? ''} ${i} `;
  return Buffer.from(text.slice(0, bytes));
}

/** What was made of a folder: the bytes of its artifacts, and a manifest that names them. */
export interface MadeBackup extends OpenBackup {
  readonly manifest: Manifest;
  readonly archive: Buffer<ArrayBuffer>;
  readonly scan: Buffer<ArrayBuffer>;
  /** Everything by its key; a test may damage it. */
  readonly stored: ReadonlyMap<string, Buffer<ArrayBuffer>>;
  /** What was stored as a clone, as the predecessor names it. */
  readonly takenOver: readonly Artifact[];
  /** True when the archive was stored as a clone of the predecessor's. */
  readonly cloned: boolean;
  readonly problems: readonly Problem[];
  readonly full: boolean;
}

export interface RunSetup {
  readonly workers?: number;
  readonly signal?: AbortSignal | undefined;
  readonly predecessor?: OpenBackup | undefined;
  readonly fullRun?: boolean;
  /** When the run begins; a minute from now unless given, so that files just written count as settled in the next run. */
  readonly begin?: Date;
  readonly onProgress?: ((entries: number) => void) | undefined;
}

export interface BackupSetup extends RunSetup, Partial<FilesOptions> {
  readonly leaveOut?: readonly string[];
  readonly parting?: Parting;
}

let runs = 0;

/** Backs up `folder` with `files`' options. */
export async function backUp(folder: string, setup: BackupSetup = {}): Promise<MadeBackup> {
  const { leaveOut = [], parting, ...options } = setup;
  const source = filesSource(
    {
      name: 'site',
      path: folder,
      include: [],
      exclude: [],
      gitignore: false,
      secrets: 'include',
      oneFileSystem: false,
      tolerate: [],
      allowEmpty: true,
      times: 'recorded',
      compression: 'default',
      ...options,
    },
    { leaveOut, git: { environment: process.env }, ...(parting && { parting }) },
  );
  return readBackup(source, setup);
}

/** Backs up any source. */
export async function readBackup(source: Source, setup: RunSetup = {}): Promise<MadeBackup> {
  const { workers = 0, predecessor, fullRun = false, onProgress, signal } = setup;
  const { begin = new Date(machineTime().getTime() + 60_000) } = setup;
  const trigger = { kind: 'manual', at: new Date(Date.UTC(2026, 0, 1) + 1000 * runs++) } as const;
  const id = backupId(trigger);
  const stored = new Map<string, Buffer<ArrayBuffer>>();
  const takenOver: Artifact[] = [];
  const keyOf = (role: Artifact['role'], extension: string, random = 'r') =>
    artifactKey({ source: 'site', id }, { role, random, extension });
  const keep = async (key: string, body: AsyncIterable<Uint8Array>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    stored.set(key, Buffer.concat(chunks));
    return key;
  };
  const copy = async (key: string, from: Artifact) => {
    takenOver.push(from);
    const bytes = await predecessor?.open(from).read(0, from.bytes);
    stored.set(key, Buffer.from(bytes ?? []));
    return key;
  };
  await using pool = new Pool({ workers });
  const read = await source.read({
    pool,
    signal,
    onProgress: ({ entries }) => onProgress?.(entries),
    predecessor,
    full: fullRun,
    begin,
    scratch: os.tmpdir(),
    sink: {
      put: (role, extension, body) => keep(keyOf(role, extension), body),
      clone: (role, extension, from) => copy(keyOf(role, extension), from),
      parts: () => ({
        put: (number, extension, body) =>
          keep(keyOf('archive', extension, partName('r', number)), body),
        clone: (number, extension, from) =>
          copy(keyOf('archive', extension, partName('r', number)), from),
      }),
    },
  });
  const manifest: Manifest = {
    format: MANIFEST_FORMAT,
    requires:
      read.artifacts.filter(({ role }) => role === 'archive').length > 1 ? [PARTS_FEATURE] : [],
    key: manifestKey('site', id),
    system: 'example',
    source: 'site',
    kind: source.kind.kind,
    id,
    trigger: { kind: trigger.kind, at: trigger.at.toISOString() },
    begin: begin.toISOString(),
    end: begin.toISOString(),
    fullAt:
      read.full || predecessor === undefined ? begin.toISOString() : predecessor.manifest.fullAt,
    status: read.problems.every(({ tolerated }) => tolerated) ? 'complete' : 'partial',
    problems: [...read.problems],
    problemCount: read.problems.length,
    artifacts: [...read.artifacts],
    totals: read.totals,
    options: read.options,
    ...(read.git !== undefined && { git: read.git }),
    tools: {},
  };
  const bytesOf = (artifact: Artifact) => stored.get(artifact.key) ?? Buffer.alloc(0);
  return {
    manifest,
    archive: bytesOf(artifactOf(manifest, 'archive')),
    scan: bytesOf(artifactOf(manifest, 'scan')),
    stored,
    takenOver,
    cloned: takenOver.length > 0,
    problems: read.problems,
    full: read.full,
    open: (artifact) => new MemoryReader(bytesOf(artifact)),
  };
}

/** Reads from memory as a store does, and notes what was asked for. */
export class MemoryReader implements ByteReader {
  readonly bytes: number;
  readonly ranges: { offset: number; length: number }[] = [];
  private readonly content: Uint8Array;

  constructor(content: Uint8Array) {
    this.content = content;
    this.bytes = content.length;
  }

  get readBytes(): number {
    return this.ranges.reduce((sum, { length }) => sum + length, 0);
  }

  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.ranges.push({ offset, length });
    if (offset + length > this.bytes) {
      const error = new HoldfastError('BACKUP_DAMAGED', `there are only ${this.bytes} bytes`);
      return Promise.reject(error);
    }
    return Promise.resolve(new Uint8Array(this.content.subarray(offset, offset + length)));
  }
}

export function placeOf(backup: MadeBackup): Extent {
  const { table } = artifactOf(backup.manifest, 'archive');
  if (table === undefined) throw new Error('a manifest without the place of the index');
  return table;
}

/** Opens the archive of a backup, or `bytes` in its place. */
export async function openMade(
  backup: MadeBackup,
  bytes?: Uint8Array,
): Promise<Archive & { reader: MemoryReader }> {
  const reader = new MemoryReader(bytes ?? backup.archive);
  const archive = await openArchive(
    reader,
    placeOf(backup),
    artifactOf(backup.manifest, 'archive').codec,
  );
  return { ...archive, reader };
}

/** An archive that is the only one of its backup. */
export function onePart(archive: Archive | (() => Promise<Archive>)): Parts {
  const open = typeof archive === 'function' ? archive : () => Promise.resolve(archive);
  return [{ class: undefined, firstPath: '', open }];
}

/** Proves the archive of a backup, or `bytes` in its place. */
export async function prove(
  backup: MadeBackup,
  level: 'digest' | 'content',
  { bytes, workers = 0 }: { bytes?: Uint8Array; workers?: number } = {},
): Promise<ArchiveFindings> {
  await using pool = new Pool({ workers });
  const { codec } = artifactOf(backup.manifest, 'archive');
  const reader = new MemoryReader(bytes ?? backup.archive);
  return await proveArchive({
    parts: onePart(() => openArchive(reader, placeOf(backup), codec)),
    entries: undefined,
    level,
    pool,
    signal: undefined,
    onProgress: undefined,
  });
}

/** Restores an opened archive into `into`, which is made. */
export async function restoreInto(
  archive: Archive,
  into: string,
  {
    paths = [],
    owners = false,
    workers = 0,
  }: { paths?: readonly string[]; owners?: boolean; workers?: number } = {},
): Promise<RestoreSummary> {
  fs.mkdirSync(into);
  await using pool = new Pool({ workers });
  return await restoreArchive(onePart(archive), {
    root: `${fromUtf8(into)}/`,
    paths: paths.map(fromUtf8),
    write: { ownership: owners ? BY_NUMBER : ASIDE },
    pool,
    signal: undefined,
    onProgress: undefined,
  });
}

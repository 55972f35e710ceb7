// The index of a dump: an artifact of its own that says where members and objects stand, so that the dump itself is pg_dump's text
// and nothing else.
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { Digester } from '../../../archive/write/output.ts';
import type { Pool } from '../../../archive/threads/pool.ts';
import { HoldfastError } from '../../../errors.ts';
import type { Extent } from '../../../format/codec.ts';
import { artifactOf, type Artifact, type Manifest } from '../../../format/manifest.ts';
import type { ArtifactSink, OpenBackup } from '../../source.ts';
import type { DumpObject } from './scanner.ts';

/** Where everything in a dump stands. */
export interface DumpIndex {
  /** In order, without a gap; none of a dump in the directory format, whose text pg_restore writes. */
  readonly members: readonly Extent[];
  /** In order, without a gap: the stretches of the decoded text. */
  readonly objects: readonly DumpObject[];
  readonly rawBytes: number;
}

/** A line for each object and member: no database has so many. */
const MAX_INDEX_BYTES = 256 << 20;
/** How an index is encoded, whatever the dump is. */
const ENCODING = { codec: 'gzip', level: 6 } as const;
/** No member of a dump is larger. */
const MAX_MEMBER_BYTES = 16 << 20;

/** Stores the index of a dump. */
export async function storeIndex(
  sink: ArtifactSink,
  pool: Pool,
  index: DumpIndex,
): Promise<Artifact> {
  const { members, objects, rawBytes } = index;
  const lines = [
    { dump: 1, members: members.length, objects: objects.length, rawBytes },
    ...members.map((member) => ({ member })),
    ...objects.map((object) => ({ object })),
  ];
  const text = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return storeText(sink, pool, { role: 'index', extension: 'ndjson.gz', text });
}

/** Stores a small text as one gzip member. */
export async function storeText(
  sink: ArtifactSink,
  pool: Pool,
  { role, extension, text }: { role: Artifact['role']; extension: string; text: Buffer },
): Promise<Artifact> {
  const job = { bytes: new Uint8Array(text), encoding: ENCODING };
  const member = await pool.run('encodeText', job, text.length);
  const digester = new Digester();
  const bytes = member.bytes ?? new Uint8Array(0);
  digester.update(bytes);
  const key = await sink.put(role, extension, once(bytes));
  return { role, key, codec: 'gzip', ...digester.digest() };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** True for a dump in pg_dump's directory format, which is kept as an archive of that directory. */
export function isDirectory({ artifacts }: Pick<Manifest, 'artifacts'>): boolean {
  return artifacts.some(({ role }) => role === 'archive');
}

const opened = new WeakMap<OpenBackup, Promise<DumpIndex>>();

/** The index of a backup, checked. `BACKUP_DAMAGED` when it is not what was signed, or its parts do not fit together. */
export function openIndex(backup: OpenBackup): Promise<DumpIndex> {
  const known = opened.get(backup);
  if (known !== undefined) return known;
  const index = readIndex(backup);
  opened.set(backup, index);
  return index;
}

/** The text of a small artifact; `BACKUP_DAMAGED` unless its digest is the manifest's. */
export async function readText(backup: OpenBackup, artifact: Artifact): Promise<Buffer> {
  if (artifact.bytes > MAX_INDEX_BYTES) {
    throw damaged(`${artifact.key} claims ${artifact.bytes} bytes`);
  }
  const stored = await backup.open(artifact).read(0, artifact.bytes);
  if (createHash('sha256').update(stored).digest('hex') !== artifact.sha256) {
    throw damaged(`${artifact.key} does not have its recorded digest`);
  }
  try {
    return zlib.gunzipSync(stored, { maxOutputLength: 4 * MAX_INDEX_BYTES });
  } catch (cause) {
    throw damaged(`${artifact.key} does not decode`, cause);
  }
}

async function readIndex(backup: OpenBackup): Promise<DumpIndex> {
  const artifact = artifactOf(backup.manifest, 'index');
  const text = (await readText(backup, artifact)).toString('utf8');
  const [head, ...lines] = text.trimEnd().split('\n').map(parseLine);
  if (head?.['dump'] !== 1) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `${artifact.key} is no index of a dump that is known here`,
      { hint: 'Use the version of Holdfast that wrote this backup, or a newer one.' },
    );
  }
  const members = lines.flatMap(({ member }) => (member === undefined ? [] : [extentOf(member)]));
  const objects = lines.flatMap(({ object }) => (object === undefined ? [] : [objectOf(object)]));
  const rawBytes = tile(objects);
  if (isDirectory(backup.manifest)) return { members: [], objects, rawBytes };
  const stored = tile(members);
  const decoded = members.reduce((sum, member) => sum + member.rawBytes, 0);
  if (stored !== artifactOf(backup.manifest, 'dump').bytes || decoded !== rawBytes) {
    throw damaged('the index names other bytes than the dump has');
  }
  return { members, objects, rawBytes };
}

type Line = Readonly<Record<string, unknown>>;

function parseLine(text: string): Line {
  try {
    const line = JSON.parse(text) as unknown;
    if (typeof line === 'object' && line !== null) return line as Line;
  } catch (cause) {
    throw damaged('a line of the index is not JSON', cause);
  }
  throw damaged('a line of the index is not an object');
}

/** Where the last of them ends, when each begins where the one before ends. */
function tile(parts: readonly { offset: number; bytes: number }[]): number {
  let at = 0;
  for (const { offset, bytes } of parts) {
    if (offset !== at) throw damaged(`the index leaves a gap, or overlaps, at byte ${at}`);
    at += bytes;
  }
  return at;
}

function extentOf(value: unknown): Extent {
  const { offset, bytes, rawBytes, sha256 } = value as Line;
  if (!isCount(offset) || !isCount(bytes) || !isCount(rawBytes) || !isDigest(sha256)) {
    throw damaged('a member in the index is malformed');
  }
  if (rawBytes > MAX_MEMBER_BYTES || bytes > 2 * MAX_MEMBER_BYTES) {
    throw damaged(`a member claims ${rawBytes} bytes, allowed are ${MAX_MEMBER_BYTES}`);
  }
  return { offset, bytes, rawBytes, sha256 };
}

function objectOf(value: unknown): DumpObject {
  const { name, type, schema, owner, offset, bytes, sha256, rows } = value as Line;
  const text = [name, type, schema, owner];
  if (
    !text.every((one): one is string => typeof one === 'string') ||
    !isCount(offset) ||
    !isCount(bytes) ||
    !isDigest(sha256) ||
    !(rows === undefined || isCount(rows))
  ) {
    throw damaged('an object in the index is malformed');
  }
  const [aName = '', aType = '', aSchema = '', anOwner = ''] = text;
  const words = { name: aName, type: aType, schema: aSchema, owner: anOwner };
  return { ...words, offset, bytes, sha256, rows };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function damaged(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', message, { cause });
}

/** What people call an object: `TABLE DATA public.users`. */
export function titleOf({ type, schema, name }: Pick<DumpObject, 'type' | 'schema' | 'name'>) {
  if (type === 'BEGIN') return 'the beginning of the dump';
  if (type === 'END') return 'the end of the dump';
  return `${type} ${schema === '-' ? '' : `${schema}.`}${name}`;
}

/** By what tables are known in facts. */
export function tableName({ schema, name }: Pick<DumpObject, 'schema' | 'name'>): string {
  return `${schema}.${name}`;
}

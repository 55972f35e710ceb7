// The text of a stored dump: each member checked before a byte of it is given out, in order, with bounded memory.
import type { Pool } from '../../../archive/threads/pool.ts';
import { free } from '../../../archive/threads/reclaim.ts';
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Extent } from '../../../format/codec.ts';
import { artifactOf } from '../../../format/manifest.ts';
import type { OpenBackup } from '../../source.ts';
import { openIndex, titleOf, type DumpIndex } from './objects.ts';

/** Members that are read and decoded while earlier ones are used. */
const AHEAD = 6;

/** A stretch of a dump's text, from its first byte to before its last. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Gives stretches of the text of a dump, wherever it is kept. */
export type StoredText = (range: Stretch) => AsyncIterable<Buffer>;

export interface ReadDump {
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  /** Everything unless given. */
  readonly range?: Stretch | undefined;
}

/** The text of a dump, or a stretch of it. `BACKUP_DAMAGED` before anything of a damaged member; `CANCELLED`. */
export async function* dumpText(backup: OpenBackup, input: ReadDump): AsyncGenerator<Buffer> {
  const index = await openIndex(backup);
  const { from = 0, to = index.rawBytes } = input.range ?? {};
  const ahead: { start: number; text: Promise<Uint8Array> }[] = [];
  let raw = 0;
  for (const member of index.members) {
    const start = raw;
    raw += member.rawBytes;
    if (raw <= from || start >= to) continue;
    throwIfCancelled(input.signal);
    const text = memberText(backup, member, input.pool);
    // Awaited in order; until then a rejection must not count as unhandled.
    text.catch(() => undefined);
    ahead.push({ start, text });
    if (ahead.length > AHEAD) yield* cut(ahead.shift(), from, to);
  }
  for (const one of ahead) {
    throwIfCancelled(input.signal);
    yield* cut(one, from, to);
  }
}

async function* cut(
  part: { start: number; text: Promise<Uint8Array> } | undefined,
  from: number,
  to: number,
): AsyncGenerator<Buffer> {
  if (part === undefined) return;
  const text = await part.text;
  const wanted = text.subarray(Math.max(0, from - part.start), Math.max(0, to - part.start));
  if (wanted.length > 0) yield Buffer.from(wanted.buffer, wanted.byteOffset, wanted.length);
}

async function memberText(backup: OpenBackup, member: Extent, pool: Pool): Promise<Uint8Array> {
  const artifact = artifactOf(backup.manifest, 'dump');
  const bytes = await backup.open(artifact).read(member.offset, member.bytes);
  const job = { range: { offset: member.offset, bytes }, member, codec: artifact.codec };
  return (await pool.run('decodeText', job, member.rawBytes, [bytes.buffer])).bytes;
}

/** What is wrong with the members of a dump: each named by the objects in it. Every member is looked at. */
export async function proveMembers(
  backup: OpenBackup,
  index: DumpIndex,
  { pool, signal, onBytes }: ReadDump & { onBytes: (bytes: number) => void },
): Promise<Problem[]> {
  const artifact = artifactOf(backup.manifest, 'dump');
  const problems: Problem[] = [];
  const busy = new Set<Promise<void>>();
  let raw = 0;
  for (const member of index.members) {
    throwIfCancelled(signal);
    const stretch = { from: raw, to: raw + member.rawBytes };
    raw = stretch.to;
    const work = backup
      .open(artifact)
      .read(member.offset, member.bytes)
      .then((bytes) => {
        const job = { range: { offset: member.offset, bytes }, members: [member] };
        return pool.run('checkBytes', job, member.bytes, [bytes.buffer]);
      })
      .then(
        (checked) => {
          free(checked.bytes);
          onBytes(member.bytes);
        },
        (error: unknown) => void problems.push(...damageIn(index, stretch, error)),
      )
      .finally(() => busy.delete(work));
    busy.add(work);
    if (busy.size > AHEAD) await Promise.race(busy);
  }
  await Promise.all(busy);
  return problems;
}

const NAMED_OBJECTS = 20;

/** The objects that stand in a damaged stretch. */
export function damageIn(
  { objects }: DumpIndex,
  { from, to }: { from: number; to: number },
  error: unknown,
): Problem[] {
  const damage =
    error instanceof HoldfastError &&
    (error.code === 'BACKUP_DAMAGED' || error.code === 'BACKUP_NOT_FOUND');
  if (!damage) throw error;
  const detail = error.message;
  const hit = objects.filter((one) => one.offset < to && one.offset + one.bytes > from);
  const named = hit
    .slice(0, NAMED_OBJECTS)
    .map((object) => ({ path: titleOf(object), code: 'damaged', detail }));
  if (hit.length <= NAMED_OBJECTS) return named;
  const more = `${hit.length - NAMED_OBJECTS} more objects stand in the same bytes`;
  return [...named, { path: '', code: 'damaged', detail: more }];
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new HoldfastError('CANCELLED', 'the work was interrupted', { cause: signal.reason });
}

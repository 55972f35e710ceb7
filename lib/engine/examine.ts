// Looks at a store before anything depends on it: does it take bytes, give them back and delete them, and what does it hold.
import { HoldfastError } from '../errors.ts';
import { parseBackupId } from '../format/ids.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';
import { listStored, newestRun, type StoredBackup } from './catalog/backups.ts';
import type { Engine } from './engine.ts';
import { assertOurs } from './catalog/marker.ts';
import { readRecords } from './catalog/records.ts';
import { standingApart, type Apart } from './catalog/shared-bytes.ts';

const PROBE_BYTES = 64 << 10;

/** The newest backup of a source, by its keys alone. */
export interface NewestStored {
  readonly source: string;
  readonly id: string;
  /** The bytes of all its objects. */
  readonly storedBytes: number;
}

/** What was found; none of it needs a key. */
export interface StoreExamination {
  /** False when nothing was written, as nobody said which system's store it is. */
  readonly tried: boolean;
  readonly newest: readonly NewestStored[];
  /** `source/id` of those that claim to be made later than now. */
  readonly fromFuture: readonly string[];
  /** How far this clock is ahead of the store's; negative when it is behind, 0 when nothing was tried. */
  readonly clockAheadMs: number;
  /** What backups shared once, and no longer share. */
  readonly apart: Apart;
}

/**
 * Looks at what a store holds and, with a configuration, tries it with an object that it releases again.
 *
 * `STORE_CONFLICT` when the store is another system's: then nothing was written. `STORE_UNAVAILABLE` when it gives back other
 * bytes than it took, and whatever a store throws.
 */
export async function examineStore(engine: Engine): Promise<StoreExamination> {
  const tried = engine.system !== undefined;
  if (tried) await assertOurs(engine);
  const newest = new Map<string, NewestStored>();
  const fromFuture: string[] = [];
  const latest = engine.now().getTime() + CLOCK_TOLERANCE_MS;
  const stored = (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
  for (const [source, own] of Map.groupBy(stored, (one) => one.source)) {
    const last = await newestRun(engine, own);
    if (last !== undefined) newest.set(source, { source, id: last.id, storedBytes: bytesOf(last) });
  }
  for (const { source, id } of stored) {
    if ((parseBackupId(id)?.at.getTime() ?? 0) > latest) fromFuture.push(`${source}/${id}`);
  }
  if (tried) await tryRoundTrip(engine);
  // The store's clock is that of what is written last, so it is asked for only where something may be.
  const clockAheadMs = tried ? engine.now().getTime() - (await engine.store.now()).getTime() : 0;
  const apart = await apartIn(engine, stored);
  return { tried, newest: [...newest.values()], fromFuture, clockAheadMs, apart };
}

/** By what trusted records say; nothing in a store whose objects share nothing. */
async function apartIn(engine: Engine, stored: readonly StoredBackup[]): Promise<Apart> {
  const sum = { files: 0, bytes: 0 };
  if (engine.store.link === undefined) return sum;
  for (const [source, own] of Map.groupBy(stored, (one) => one.source)) {
    const records = await readRecords(engine, 'verify', source, {
      subjects: new Set(own.map(({ id }) => id)),
      onProblem: () => undefined,
    });
    const { files, bytes } = standingApart(
      own,
      records.filter(({ distrust }) => distrust === undefined),
    );
    sum.files += files;
    sum.bytes += bytes;
  }
  return sum;
}

function bytesOf({ manifest, artifacts }: StoredBackup): number {
  return artifacts.reduce((sum, { bytes }) => sum + bytes, manifest?.bytes ?? 0);
}

async function tryRoundTrip(engine: Engine): Promise<void> {
  const { store } = engine;
  const key = `probe-${engine.random()}`;
  const bytes = Buffer.alloc(PROBE_BYTES, engine.random());
  await store.put(key, bytes);
  try {
    if (bytes.equals(await store.read(key, 0, PROBE_BYTES))) return;
    throw new HoldfastError(
      'STORE_UNAVAILABLE',
      `${store.url} gave back other bytes than it took`,
      {
        hint: 'Check the disk and its connection before anything else depends on them.',
      },
    );
  } finally {
    await store.release(key);
  }
}

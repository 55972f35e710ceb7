// The marker of a store: which system it holds. Another system's store is never written to.
import { HoldfastError } from '../errors.ts';
import { MARKER_KEY } from '../format/layout.ts';
import { MANIFEST_FORMAT } from '../format/manifest.ts';
import type { Engine } from './engine.ts';

/** More than any marker has. */
const MAX_MARKER_BYTES = 4096;

/** Marks a store that has no marker as this system's. `STORE_CONFLICT` when it holds another system. */
export async function claimStore(engine: Engine): Promise<void> {
  if (await holdsOurs(engine)) return;
  try {
    await engine.store.put(MARKER_KEY, markerOf(engine));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
    // Another run was first, and may be another system's.
    await holdsOurs(engine);
  }
}

/** Throws `STORE_CONFLICT` when the store holds another system; one without a marker is anybody's. */
export async function assertOurs(engine: Engine): Promise<void> {
  await holdsOurs(engine);
}

async function holdsOurs(engine: Engine): Promise<boolean> {
  const object = await engine.store.head(MARKER_KEY);
  if (object === undefined) return false;
  const bytes = Math.min(object.bytes, MAX_MARKER_BYTES);
  const stored = Buffer.from(await engine.store.read(MARKER_KEY, 0, bytes));
  if (stored.equals(markerOf(engine))) return true;
  const shown = JSON.stringify(stored.toString().trim().slice(0, 200));
  throw new HoldfastError(
    'STORE_CONFLICT',
    `the store ${engine.store.url} holds another system: its ${MARKER_KEY} says ${shown}`,
    {
      hint: `This configuration is of "${engine.system ?? ''}". A store holds one system: choose another \`store\`.`,
    },
  );
}

function markerOf({ system }: Engine): Buffer {
  return Buffer.from(`${JSON.stringify({ format: MANIFEST_FORMAT, system })}\n`);
}

// The marker of a store: which system it holds, and which store it is. Another system's store is never written to.
import { HoldfastError } from '../../errors.ts';
import { BACKUPS_PREFIX, MARKER_KEY, STORE_ID_KEY } from '../../format/layout.ts';
import { MANIFEST_FORMAT } from '../../format/manifest.ts';
import type { Store } from '../../stores/store.ts';
import type { Engine } from '../engine.ts';

/** More than any marker has. */
const MAX_MARKER_BYTES = 4096;
const STORE_ID = /^[0-9a-f]{32}$/;

/** What a marker says. */
export interface Marker {
  readonly system: string;
  /** Which store this is; undefined where none was written: by older versions, and by functions. */
  readonly id: string | undefined;
}

/** Marks a store that has no marker as this system's. `STORE_CONFLICT` when it holds another system. */
export async function claimStore(engine: Engine): Promise<void> {
  if (await holdsOurs(engine)) return;
  await markStore(engine.store, { system: engine.system ?? '', id: undefined });
  // Another run may have been first, and may be another system's.
  await holdsOurs(engine);
}

/** Throws `STORE_CONFLICT` when the store holds another system; one without a marker is anybody's. */
export async function assertOurs(engine: Engine): Promise<void> {
  await holdsOurs(engine);
}

/** Writes `marker` where there is none. The first one stays. */
export async function markStore(store: Store, { system, id }: Marker): Promise<void> {
  await putUnlessThere(store, MARKER_KEY, { format: MANIFEST_FORMAT, system, ...(id && { id }) });
}

/** The marker; undefined where there is none, `STORE_CONFLICT` when it cannot be read. */
export async function readMarker(store: Store): Promise<Marker | undefined> {
  const text = await textOf(store, MARKER_KEY);
  if (text === undefined) return undefined;
  const marker = parseMarker(text);
  if (marker !== undefined) return marker;
  throw new HoldfastError(
    'STORE_CONFLICT',
    `the store ${store.url} has a ${MARKER_KEY} that cannot be read: ${shown(text)}`,
    { hint: 'See what has written it. A store of Holdfast begins {"format":1,"system":"…' },
  );
}

/** The id of a store with that marker, wherever it is written; undefined where it is nowhere. */
export async function storeIdOf(store: Store, marker: Marker): Promise<string | undefined> {
  if (marker.id !== undefined) return marker.id;
  const text = await textOf(store, STORE_ID_KEY);
  if (text === undefined) return undefined;
  const { id } = objectIn(text) ?? {};
  if (typeof id === 'string' && STORE_ID.test(id)) return id;
  throw new HoldfastError(
    'STORE_CONFLICT',
    `the store ${store.url} has a ${STORE_ID_KEY} that holds no id: ${shown(text)}`,
    { hint: 'See what has written it; Holdfast writes it once, and never again.' },
  );
}

/** Gives a store whose marker has no id one under a key of its own; the id that it has then. */
export async function nameStore(store: Store, marker: Marker, id: string): Promise<string> {
  await putUnlessThere(store, STORE_ID_KEY, { id });
  return (await storeIdOf(store, marker)) ?? id;
}

/** Whether there are backups: a store that has lost its marker is still one to restore from. */
export async function holdsBackups(store: Store): Promise<boolean> {
  for await (const { key } of store.list(BACKUPS_PREFIX)) {
    if (key.endsWith('/manifest.json')) return true;
  }
  return false;
}

async function holdsOurs(engine: Engine): Promise<boolean> {
  const text = await textOf(engine.store, MARKER_KEY);
  if (text === undefined) return false;
  if (parseMarker(text)?.system === engine.system) return true;
  throw new HoldfastError(
    'STORE_CONFLICT',
    `the store ${engine.store.url} holds another system: its ${MARKER_KEY} says ${shown(text)}`,
    {
      hint: `This configuration is of "${engine.system ?? ''}". A store holds one system: choose another \`store\`.`,
    },
  );
}

/** What the text of a marker says; undefined when it is not a marker. */
export function parseMarker(text: string): Marker | undefined {
  const { format, system, id } = objectIn(text) ?? {};
  if (format !== MANIFEST_FORMAT || typeof system !== 'string') return undefined;
  if (id === undefined) return { system, id };
  return typeof id === 'string' && STORE_ID.test(id) ? { system, id } : undefined;
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    // By its name: an error of another realm is of another class.
    if ((error as Error).name === 'SyntaxError') return undefined;
    throw error;
  }
}

async function textOf(store: Store, key: string): Promise<string | undefined> {
  const object = await store.head(key);
  if (object === undefined) return undefined;
  return Buffer.from(await store.read(key, 0, Math.min(object.bytes, MAX_MARKER_BYTES))).toString();
}

async function putUnlessThere(store: Store, key: string, value: object): Promise<void> {
  try {
    await store.put(key, Buffer.from(`${JSON.stringify(value)}\n`));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
  }
}

function shown(text: string): string {
  return JSON.stringify(text.trim().slice(0, 200));
}

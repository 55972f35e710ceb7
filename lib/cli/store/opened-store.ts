// Opens the store of a command. A store is made by `init`, by `--create-store`, and by a stack: nothing else makes one.
import { randomBytes } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { distance } from '../../config/nearest.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import { readKnownStores, storeRecordFile } from '../../config/load/store-record.ts';
import { holdsBackups, markStore, readMarker, type Marker } from '../../engine/catalog/marker.ts';
import { leaveReadme } from '../../engine/catalog/readme.ts';
import { HoldfastError } from '../../errors.ts';
import { MARKER_KEY } from '../../format/layout.ts';
import type { Store } from '../../stores/store.ts';
import { openStoreAt } from '../../wiring/stores.ts';
import { aboutStore } from './about.ts';
import type { Neighbour } from './kinds/kind.ts';

/**
 * `found`: there must be a store, or at least backups. `marked`: it must have its marker, because something is to be written.
 * `created`: it is made where there is none. `unneeded`: whatever is done works without one.
 */
export type StoreNeed = 'found' | 'marked' | 'created' | 'unneeded';

export interface OpenedStore {
  readonly store: Store;
  /** Undefined in a store of a stack that nobody has claimed yet, and where backups lie without one. */
  readonly marker: Marker | undefined;
  /** True when it was made just now. */
  readonly created: boolean;
  /** What is odd about it. */
  readonly remark: string | undefined;
}

export interface StoreWish {
  readonly place: string;
  readonly config: Config | undefined;
  readonly need: StoreNeed;
}

/**
 * The store at `place`. `STORE_NOT_FOUND` when there is none: then nothing was made, and the hint names a store nearby that may be
 * meant. `STORE_CONFLICT` when the marker of a store that has to be written to cannot be read.
 */
export async function openNeededStore(wish: StoreWish): Promise<OpenedStore> {
  const { place, config, need } = wish;
  const store = await openStoreAt(place, { anchor: MARKER_KEY });
  const opened = { store, marker: undefined, created: false, remark: undefined };
  if (need === 'unneeded') return opened;
  const marker = await markerFor(store, need);
  if (typeof marker === 'object') return { ...opened, marker };
  if (marker === undefined && config !== undefined && isOfStack(config)) return opened;
  if (need === 'created' && config !== undefined) {
    return { ...opened, marker: await createStore(place, config.system), created: true };
  }
  const backups = await holdsBackups(store);
  if (need !== 'found' || !backups) throw await absent(wish, backups);
  const remark = marker ?? `${place} holds backups, and its ${MARKER_KEY} is gone`;
  // What is done here may leave a record.
  return { ...opened, store: await openStoreAt(place), remark };
}

/** 32 random hex digits. */
export function newStoreId(): string {
  return randomBytes(16).toString('hex');
}

/** Makes a store for `system` at `place`, or leaves the one that is there; its marker. */
export async function createStore(place: string, system: string): Promise<Marker> {
  const store = await openStoreAt(place);
  const made = { system, id: newStoreId() };
  await markStore(store, made);
  await leaveReadme(store);
  return (await readMarker(store)) ?? made;
}

/** The marker, or in words why there is none that can be read; undefined where there is none. */
async function markerFor(store: Store, need: StoreNeed): Promise<Marker | string | undefined> {
  try {
    return await readMarker(store);
  } catch (error) {
    const spoilt = error instanceof HoldfastError && error.code === 'STORE_CONFLICT';
    if (!spoilt || need !== 'found') throw error;
    return error.message;
  }
}

async function absent(
  { place, config, need }: StoreWish,
  backups: boolean,
): Promise<HoldfastError> {
  const again = 'holdfast backup --create-store';
  if (backups) {
    return new HoldfastError(
      'STORE_NOT_FOUND',
      `${place} holds backups, and its ${MARKER_KEY} is gone: nothing is written there`,
      { hint: `If this is the right store, run \`${again}\` once to mark it again.` },
    );
  }
  const about = aboutStore(place);
  const neighbour = bestOf(await about.nearby(), place, config?.system);
  const since = await writtenSince(place, config);
  const hints = [
    ...(since === undefined
      ? []
      : [`Backups of this system have gone there since ${since.slice(0, 10)}.`]),
    ...(neighbour === undefined
      ? []
      : [`${neighbour.place} is a store, of the system "${neighbour.system}": is that one meant?`]),
    about.remedy(namedBy(config)),
    ...(config === undefined || need === 'created'
      ? []
      : [`To begin a new store there: \`${again}\`, once.`]),
  ];
  return new HoldfastError(
    'STORE_NOT_FOUND',
    `there is no store in ${place}: ${await about.whatIsThere()}`,
    { hint: hints.join(' ') },
  );
}

/** The one that looks most like what was meant: of the same system first, then the least mistyped. */
function bestOf(
  found: readonly Neighbour[],
  place: string,
  system: string | undefined,
): Neighbour | undefined {
  const costOf = (one: Neighbour) =>
    (one.system === system ? 0 : 10_000) + distance(one.place, place);
  return found.toSorted((a, b) => costOf(a) - costOf(b))[0];
}

/** Since when this machine has written to the store that is not there now. */
async function writtenSince(
  place: string,
  config: Config | undefined,
): Promise<string | undefined> {
  const file = config && storeRecordFile(config);
  if (file === undefined) return undefined;
  return (await readKnownStores(file)).findLast((one) => one.place === place)?.since;
}

function namedBy(config: Config | undefined): string {
  if (config === undefined || config.storeFrom === 'flag') return '--store';
  return config.storeFrom === 'variable' ? 'HOLDFAST_STORE' : `\`store\` in ${config.file}`;
}

// Is this the store that was written to before? Its marker and the file beside the signing key must agree.
import { createHash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import {
  comparable,
  readKnownStores,
  recognise,
  storeRecordFile,
  withStore,
  writeKnownStores,
  type KnownStore,
  type StoreAtHand,
} from '../../config/load/store-record.ts';
import { nameStore, storeIdOf, type Marker } from '../../engine/catalog/marker.ts';
import { HoldfastError } from '../../errors.ts';
import { s3PlaceOf } from '../../names/store-place.ts';
import type { Store } from '../../stores/store.ts';
import type { StoreNeed } from './opened-store.ts';

export interface Identifying {
  readonly store: Store;
  readonly marker: Marker | undefined;
  readonly config: Config | undefined;
  readonly need: StoreNeed;
  readonly newId: () => string;
  readonly now: Date;
}

/**
 * Why this may be another store than the one that was written to from here; undefined when it is that one, or nothing is known.
 * Writers are refused then, with `STORE_CONFLICT`; at the first write, the store is remembered.
 */
export async function storeDoubt(input: Identifying): Promise<string | undefined> {
  const { store, marker, config, need } = input;
  // Another system's store is refused by whatever writes to it.
  if (config === undefined || need === 'unneeded') return undefined;
  if (marker !== undefined && marker.system !== config.system) return undefined;
  const file = storeRecordFile(config);
  if (file === undefined) return undefined;
  const id = await idOf(input, config);
  if (id === undefined) return undefined;
  const { url: place } = store;
  const hand = { id, place, config: config.file, aside: config.storeFrom !== 'file' };
  const known = await readKnownStores(file);
  const found = recognise(known, hand);
  // The stack says where its store is: someone deployed it there on purpose.
  const isMeant = need === 'created' || isOfStack(config);
  if (found === 'another' && !isMeant) {
    const doubt = doubtText(comparable(known, hand), hand);
    if (need !== 'marked') return doubt;
    throw new HoldfastError('STORE_CONFLICT', doubt, {
      hint: 'See whether the right disk is mounted and `store` is as it was. If this store is meant from now on: `holdfast backup --create-store`, once.',
    });
  }
  if (need !== 'found' && found !== 'known')
    await writeKnownStores(file, config.system, withStore(known, hand, input.now));
  return undefined;
}

/** The id of the store; one that has none gets one when it is written to. */
async function idOf({ store, marker, need, newId }: Identifying, config: Config) {
  if (isOfStack(config)) return idOfBucket(config.store);
  if (marker === undefined) return undefined;
  const id = await storeIdOf(store, marker);
  if (id !== undefined || need === 'found') return id;
  try {
    return await nameStore(store, marker, newId());
  } catch (error) {
    // A writer may be allowed to put backups alone.
    if (error instanceof HoldfastError && error.code === 'STORE_DENIED') return undefined;
    throw error;
  }
}

/** The name of a bucket is one in all the world while it exists; that it is of the right account, `account` in the URL has checked. */
function idOfBucket(url: string): string {
  const place = s3PlaceOf(url);
  const parts = [place?.endpoint ?? '', place?.account ?? '', place?.bucket ?? '', place?.prefix];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

function doubtText(known: readonly KnownStore[], { place }: StoreAtHand): string {
  const last = known.at(-1);
  const since = last?.since.slice(0, 10) ?? '';
  return last?.place === place
    ? `${place} is another store than the one that was written to there since ${since}: that one was emptied, replaced, or is not mounted`
    : `${place} is another store than the one that this system has written to since ${since}, in ${last?.place ?? ''}`;
}

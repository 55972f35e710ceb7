// Opens stores for the command line. A secret that a store needs comes in here: `keys.ts` has it by a reference, and no URL holds one.
import { openStore } from '../stores/open.ts';
import type { OpenStoreOptions } from '../stores/open.ts';
import type { Store } from '../stores/store.ts';
import { randomName } from './machine.ts';

/** The store at `place`: the path of a folder, or a URL. As {@link openStore}. */
export function openStoreAt(
  place: string,
  options: Pick<OpenStoreOptions, 'anchor'> = {},
): Promise<Store> {
  return openStore(place, { ...options, random: randomName });
}

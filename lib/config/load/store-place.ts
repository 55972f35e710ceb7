// Where the store of a configuration is: relative paths made absolute, and whether a stack has made it. Pure.
import { storePlaceOf } from '../../names/store-place.ts';
import type { Config } from '../config.ts';
import { absolutePath } from '../places.ts';
import type { Bases } from '../places.ts';

/** The absolute path of a folder, also of one named by a `file://` URL; anything else stays as it is. */
export function placeOfStore(store: string, bases: Bases): string {
  const place = storePlaceOf(store);
  return place?.kind === 'folder' ? absolutePath(place.path, bases) : store;
}

/** True for the store that a stack has made: functions prove and prune what is in it, and the first writer claims it. */
export function isOfStack({ aws, storeFrom }: Pick<Config, 'aws' | 'storeFrom'>): boolean {
  return aws !== undefined && storeFrom === 'file';
}

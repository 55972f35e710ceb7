// Opens the store that a path or a URL names. A new store is a folder here, and a line.
import { parseStorePlace } from '../names/store-place.ts';
import { openLocalStore } from './folder/store.ts';
import type { LocalStoreOptions } from './folder/store.ts';
import type { Store } from './store.ts';

export type OpenStoreOptions = LocalStoreOptions;

/** The store at `text`. `USAGE` for what names none, and whatever {@link openLocalStore} and `openS3Store` throw. */
export async function openStore(text: string, options: OpenStoreOptions): Promise<Store> {
  const place = parseStorePlace(text);
  switch (place.kind) {
    case 'folder':
      return openLocalStore(place.path, options);
    case 's3': {
      // The SDK takes longer to load than a folder to be listed: only who needs it waits for it.
      const { openS3Store } = await import('./s3/store.ts');
      return openS3Store(place, options);
    }
  }
}

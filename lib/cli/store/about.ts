// What the command line knows of the store at a place. A new kind of store is a file in `kinds/`, and a line.
import { parseStorePlace } from '../../names/store-place.ts';
import { aboutFolder } from './kinds/folder.ts';
import type { AboutStore } from './kinds/kind.ts';
import { aboutS3 } from './kinds/s3.ts';

/** What is known of the store that `text` names. `USAGE` for what names none. */
export function aboutStore(text: string): AboutStore {
  const place = parseStorePlace(text);
  switch (place.kind) {
    case 'folder':
      return aboutFolder(place.path);
    case 's3':
      return aboutS3(place);
  }
}

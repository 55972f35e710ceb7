// Stores at prefixes of a bucket near one that holds none.
import { parseMarker } from '../../../engine/catalog/marker.ts';
import { HoldfastError } from '../../../errors.ts';
import { MARKER_KEY } from '../../../format/layout.ts';
import { formatS3Url } from '../../../names/s3-place.ts';
import type { S3Place } from '../../../names/s3-place.ts';
import { openStoreAt } from '../../../wiring/stores.ts';
import type { Neighbour } from './kind.ts';

/** How many keys are listed, and how many prefixes looked at. */
const MOST_KEYS = 2000;
const MOST_PREFIXES = 32;

/** Stores at the prefixes above, and at others beside this one as far as the listing's beginning shows them. */
export async function nearbyPrefixes(place: S3Place): Promise<Neighbour[]> {
  const parts = place.prefix.split('/').filter((part) => part !== '');
  const above = parts.slice(0, -1).map((part) => `${part}/`);
  const at = (prefix: string) => formatS3Url({ ...place, prefix });
  try {
    const store = await openStoreAt(at(above.join('')));
    const candidates = new Set(above.map((_, i) => at(above.slice(0, i + 1).join(''))));
    candidates.add(at(''));
    let seen = 0;
    for await (const { key } of store.list('')) {
      const [, inside] = /^(.+?)\/(?:backups\/.*|holdfast\.json)$/.exec(key) ?? [];
      if (inside !== undefined) candidates.add(at(`${above.join('')}${inside}/`));
      if ((seen += 1) >= MOST_KEYS) break;
    }
    candidates.delete(at(place.prefix));
    return await marked([...candidates].slice(0, MOST_PREFIXES));
  } catch (error) {
    if (error instanceof HoldfastError) return [];
    throw error;
  }
}

async function marked(urls: readonly string[]): Promise<Neighbour[]> {
  const found: Neighbour[] = [];
  for (const url of urls) {
    const store = await openStoreAt(url);
    const object = await store.head(MARKER_KEY);
    if (object === undefined || object.bytes > 4096) continue;
    const marker = parseMarker(
      Buffer.from(await store.read(MARKER_KEY, 0, object.bytes)).toString(),
    );
    if (marker !== undefined) found.push({ place: url, system: marker.system });
  }
  return found;
}

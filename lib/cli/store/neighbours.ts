// Which store was meant: where there is none in the place that was named, one nearby may look like it.
import type { Dirent } from 'node:fs';
import { opendir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { distance } from '../../config/nearest.ts';
import { s3PlaceOf } from '../../config/load/store-place.ts';
import { parseMarker } from '../../engine/catalog/marker.ts';
import { HoldfastError } from '../../errors.ts';
import { MARKER_KEY } from '../../format/layout.ts';
import { formatS3Url } from '../../names/s3-place.ts';
import { openStore } from '../../stores/open.ts';

export interface Neighbour {
  readonly place: string;
  /** What its marker says. */
  readonly system: string;
}

/** How many folders above the place are searched, and how much in each. */
const LEVELS = 4;
const MOST_ENTRIES = 300;
const MOST_KEYS = 2000;

/** The store that looks most like the one at `place`, which holds none; undefined when there is none nearby. Looks at a few hundred names at most. */
export async function nearbyStore(
  place: string,
  system: string | undefined,
): Promise<Neighbour | undefined> {
  const found = s3PlaceOf(place) === undefined ? await folders(place) : await prefixes(place);
  return bestOf(found, place, system);
}

/** Of the same system first, then the least mistyped. */
export function bestOf(
  found: readonly Neighbour[],
  place: string,
  system: string | undefined,
): Neighbour | undefined {
  const costOf = (one: Neighbour) =>
    (one.system === system ? 0 : 10_000) + distance(one.place, place);
  return found.toSorted((a, b) => costOf(a) - costOf(b))[0];
}

/**
 * Stores in the folders above, in the folder itself, and wherever one part of the path reads otherwise: `/mnt/backup/shop` for
 * `/mnt/backups/shop`, `/media/Backup1/shop` for `/media/Backup/shop`.
 */
async function folders(place: string): Promise<Neighbour[]> {
  const candidates = new Set<string>();
  for (const name of await foldersIn(place)) candidates.add(path.join(place, name));
  let [at, tail] = [place, ''];
  for (let level = 0; level < LEVELS && at !== path.dirname(at); level += 1) {
    const above = path.dirname(at);
    for (const name of await foldersIn(above)) candidates.add(path.join(above, name, tail));
    candidates.add(above);
    [at, tail] = [above, path.join(path.basename(at), tail)];
  }
  candidates.delete(place);
  const found: Neighbour[] = [];
  for (const one of candidates) {
    const marker = await markerIn(one);
    if (marker !== undefined) found.push({ place: one, system: marker.system });
  }
  return found;
}

async function foldersIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    let seen = 0;
    for await (const entry of (await opendir(folder)) as AsyncIterable<Dirent>) {
      if (entry.isDirectory()) names.push(entry.name);
      if ((seen += 1) >= MOST_ENTRIES) break;
    }
  } catch (error) {
    // What cannot be looked at has no say in a suggestion.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  return names;
}

async function markerIn(folder: string): Promise<{ system: string } | undefined> {
  try {
    return parseMarker(await readFile(path.join(folder, MARKER_KEY), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}

/** Stores at the prefixes above, and at others beside this one as far as the listing's beginning shows them. */
async function prefixes(url: string): Promise<Neighbour[]> {
  const place = s3PlaceOf(url);
  if (place === undefined) return [];
  const parts = place.prefix.split('/').filter((part) => part !== '');
  const above = parts.slice(0, -1).map((part) => `${part}/`);
  const at = (prefix: string) => formatS3Url({ ...place, prefix });
  try {
    const store = await openStore(at(above.join('')), { random: () => '' });
    const candidates = new Set(above.map((_, i) => at(above.slice(0, i + 1).join(''))));
    candidates.add(at(''));
    let seen = 0;
    for await (const { key } of store.list('')) {
      const [, inside] = /^(.+?)\/(?:backups\/.*|holdfast\.json)$/.exec(key) ?? [];
      if (inside !== undefined) candidates.add(at(`${above.join('')}${inside}/`));
      if ((seen += 1) >= MOST_KEYS) break;
    }
    candidates.delete(at(place.prefix));
    return await marked([...candidates].slice(0, LEVELS * 8));
  } catch (error) {
    if (error instanceof HoldfastError) return [];
    throw error;
  }
}

async function marked(urls: readonly string[]): Promise<Neighbour[]> {
  const found: Neighbour[] = [];
  for (const url of urls) {
    const store = await openStore(url, { random: () => '' });
    const object = await store.head(MARKER_KEY);
    if (object === undefined || object.bytes > 4096) continue;
    const marker = parseMarker(
      Buffer.from(await store.read(MARKER_KEY, 0, object.bytes)).toString(),
    );
    if (marker !== undefined) found.push({ place: url, system: marker.system });
  }
  return found;
}

// Stores in folders near one that holds none.
import type { Dirent } from 'node:fs';
import { opendir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseMarker } from '../../../engine/catalog/marker.ts';
import { MARKER_KEY } from '../../../format/layout.ts';
import type { Neighbour } from './kind.ts';

/** How many folders above the place are searched, and how much in each. */
const LEVELS = 4;
const MOST_ENTRIES = 300;

/**
 * Stores in the folders above, in the folder itself, and wherever one part of the path reads otherwise: `/mnt/backup/shop` for
 * `/mnt/backups/shop`, `/media/Backup1/shop` for `/media/Backup/shop`.
 */
export async function nearbyFolders(place: string): Promise<Neighbour[]> {
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

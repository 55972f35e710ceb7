// Where `init` puts the backups: a bucket that the stack makes, the place that the user named, or the usual one.
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import path from 'node:path';
import { documentRootOf } from '../../config/init/document-root.ts';
import { placeOfStore } from '../../config/load/store-place.ts';
import { readMarker } from '../../engine/catalog/marker.ts';
import { HoldfastError } from '../../errors.ts';
import { formatStorePlace, parseStorePlace } from '../../names/store-place.ts';
import { openStoreAt } from '../../wiring/stores.ts';
import type { InitInput } from './input.ts';
import { textOf } from './read.ts';

/** The bucket that `--aws` names. `USAGE` for one that cannot be, and without a region. */
export function storeOnAws({ aws, store, env, random }: InitInput, system: string): string {
  const region = aws?.region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION']);
  if (store !== undefined) {
    throw new HoldfastError('USAGE', '--aws and --store both say where backups go', {
      hint: 'Give one of them.',
    });
  }
  if (region === undefined || region === '') {
    throw new HoldfastError('USAGE', '--aws needs to know the region', {
      hint: 'Pass --region REGION, such as eu-central-1, or set AWS_REGION.',
    });
  }
  // Names of buckets are unique in the world, and somebody may have taken the obvious one.
  const bucket = aws?.bucket ?? `${system.slice(0, 40)}-backups-${random().slice(0, 6)}`;
  return normalized(`s3://${bucket}?region=${encodeURIComponent(region)}`);
}

/** A folder that has something else in it is nobody's store unless the user says so. */
export async function storeHere(
  { store, cwd, home }: InitInput,
  { folder, system }: { folder: string; system: string },
): Promise<string> {
  if (store !== undefined) return normalized(placeOfStore(store, { folder: cwd, home }));
  const usual = await usualPlace(path.join(folder, 'backups'), { home, system });
  const isFree = (await realpath(usual).catch(() => undefined)) === undefined;
  if (isFree || (await textOf(path.join(usual, 'holdfast.json'))) !== undefined) return usual;
  throw new HoldfastError('USAGE', `${usual}, where backups would go, holds something else`, {
    hint: 'Choose another folder with --store FOLDER, on another disk if there is one.',
  });
}

/** A place as the store itself is going to write it. `USAGE` when there can be none. */
function normalized(place: string): string {
  return formatStorePlace(parseStorePlace(place));
}

/** Whether there is a store of the system; false where there is none. `STORE_CONFLICT` when it holds another one. */
export async function isStoreOf(place: string, system: string): Promise<boolean> {
  const marker = await readMarker(await openStoreAt(place));
  if (marker === undefined) return false;
  if (marker.system === system) return true;
  throw new HoldfastError(
    'STORE_CONFLICT',
    `${place} is the store of another system, "${marker.system}"; this one would be "${system}"`,
    { hint: 'A store holds one system: choose another place with --store.' },
  );
}

/** Where backups go unless the user says so: in the site, or outside of it where a web server would hand them out. */
async function usualPlace(
  inside: string,
  { home, system }: { home: string; system: string },
): Promise<string> {
  const root = await documentRootOf(inside);
  if (root === undefined || (await textOf(path.join(inside, 'holdfast.json'))) !== undefined)
    return inside;
  for (const place of [path.dirname(root), home]) {
    const outside = path.join(place, `backups-${system}`);
    if (place !== '' && (await documentRootOf(outside)) === undefined && (await mayWrite(place)))
      return outside;
  }
  return inside;
}

async function mayWrite(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** A warning for a store that a web server would hand out; none for others. */
export async function servedRemark(store: string): Promise<string[]> {
  const place = parseStorePlace(store);
  const root = place.kind === 'folder' ? await documentRootOf(place.path) : undefined;
  if (root === undefined) return [];
  return [
    `${store} lies in ${root}, which looks like a folder that a web server serves: anybody could download the backups. Choose another folder with --store`,
  ];
}

// Opens the store that a URL names.
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../errors.ts';
import { parseS3Url } from '../names/s3-place.ts';
import { openLocalStore } from './folder/store.ts';
import type { LocalStoreOptions } from './folder/store.ts';
import type { Store } from './store.ts';

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

export type OpenStoreOptions = LocalStoreOptions;

/** What opens the URLs of each scheme; a path without a scheme is a folder. A new store is a folder here and a line of this table. */
const STORES: Readonly<Record<string, (url: string, options: OpenStoreOptions) => Promise<Store>>> =
  {
    file: (url, options) => openLocalStore(pathOfUrl(url), options),
    // The SDK takes longer to load than a folder to be listed: only who needs it waits for it.
    s3: async (url, { random }) =>
      (await import('./s3/store.ts')).openS3Store(parseS3Url(url), { random }),
  };

/**
 * The store at `url`: the path of a folder, a `file://` URL, or an `s3://` URL. `USAGE` for anything else, and whatever
 * {@link openLocalStore} and `openS3Store` throw.
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return openLocalStore(folderOf(url), options);
  const open = Object.hasOwn(STORES, scheme) ? STORES[scheme] : undefined;
  if (open !== undefined) return open(url, options);
  throw new HoldfastError(
    'USAGE',
    `"${scheme}://" is no store that this version opens; it opens folders, as a path or file:// URL, and s3:// URLs`,
    {
      hint: 'Give the path of a folder, such as ../backups or /mnt/backups/site, or s3://bucket/prefix.',
    },
  );
}

function folderOf(url: string): string {
  if (url === '' || url.includes('\0')) throw notAFolder(url);
  return url;
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw notAFolder(url, error);
  }
}

function notAFolder(url: string, cause?: unknown): HoldfastError {
  return new HoldfastError('USAGE', `${JSON.stringify(url)} names no folder on this machine`, {
    hint: 'Give the path of a folder, or a URL such as file:///mnt/backups/site.',
    cause,
  });
}

// Opens the store that a URL names.
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../errors.ts';
import { isS3Url, parseS3Url } from '../names/s3-place.ts';
import { openLocalStore } from './folder/store.ts';
import type { LocalStoreOptions } from './folder/store.ts';
import type { Store } from './store.ts';

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

export type OpenStoreOptions = LocalStoreOptions;

/**
 * The store at `url`: the path of a folder, a `file://` URL, or an `s3://` URL. `USAGE` for anything else, and whatever
 * {@link openLocalStore} and `openS3Store` throw.
 */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  if (isS3Url(url)) {
    const place = parseS3Url(url);
    // The SDK takes longer to load than a folder to be listed: only who needs it waits for it.
    const { openS3Store } = await import('./s3/store.ts');
    return openS3Store(place, { random: options.random });
  }
  return openLocalStore(folderOf(url), options);
}

function folderOf(url: string): string {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'file') return pathOfUrl(url);
  if (scheme !== undefined) {
    throw new HoldfastError(
      'USAGE',
      `"${scheme}://" is no store that this version opens; it opens folders, as a path or file:// URL, and s3:// URLs`,
      {
        hint: 'Give the path of a folder, such as ../backups or /mnt/backups/site, or s3://bucket/prefix.',
      },
    );
  }
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

// Where a store is, as the configuration and the command line write it: a folder, or a URL of S3. Pure.
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../errors.ts';
import { isS3Url, parseS3Url } from '../../names/s3-place.ts';
import type { S3Place } from '../../names/s3-place.ts';
import type { Config } from '../config.ts';
import { absolutePath } from '../places.ts';
import type { Bases } from '../places.ts';

/** The absolute path of a folder, also of one named by a `file://` URL; any other URL stays as it is. */
export function placeOfStore(store: string, bases: Bases): string {
  if (/^file:\/\//i.test(store)) return folderOfUrl(store) ?? store;
  return isUrl(store) ? store : absolutePath(store, bases);
}

function folderOfUrl(url: string): string | undefined {
  try {
    return fileURLToPath(url);
  } catch (error) {
    // One that names no folder of this machine is refused when it is opened.
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_') === true) return undefined;
    throw error;
  }
}

/** True for the store that a stack has made: functions prove and prune what is in it, and the first writer claims it. */
export function isOfStack({
  aws,
  store,
  storeFrom,
}: Pick<Config, 'aws' | 'store' | 'storeFrom'>): boolean {
  return aws !== undefined && storeFrom === 'file' && isUrl(store);
}

/** True for what begins as a URL does. */
export function isUrl(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text);
}

/** The place of a store on S3; undefined for a folder, and for a URL that names no such place. */
export function s3PlaceOf(store: string): S3Place | undefined {
  return isS3Url(store) && refusalOf(store) === undefined ? parseS3Url(store) : undefined;
}

/** Why `store` is no URL of a store on S3; undefined when it is one. */
export function refusalOf(store: string): string | undefined {
  try {
    parseS3Url(store);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}

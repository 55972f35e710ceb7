// Where a store is, as the configuration and the command line write it: a folder, or a URL of S3. Pure.
import { HoldfastError } from '../errors.ts';
import { isS3Url, parseS3Url } from '../names/s3-place.ts';
import type { S3Place } from '../names/s3-place.ts';
import { absolutePath } from './places.ts';
import type { Bases } from './places.ts';

/** The absolute path of a folder; what is a URL stays as it is. */
export function placeOfStore(store: string, bases: Bases): string {
  return isUrl(store) ? store : absolutePath(store, bases);
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

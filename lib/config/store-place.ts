// Where a store is, as the configuration and the command line write it: a folder, or a URL of S3. Pure.
import { absolutePath } from './places.ts';
import type { Bases } from './places.ts';

/** True for a store on S3. */
export function isOnS3(store: string): boolean {
  return /^s3:\/\//i.test(store);
}

/** The absolute path of a folder; what is a URL stays as it is. */
export function placeOfStore(store: string, bases: Bases): string {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(store) ? store : absolutePath(store, bases);
}

/** The region that the URL of a store on S3 names. */
export function regionOfStore(store: string): string | undefined {
  if (!isOnS3(store) || !URL.canParse(store)) return undefined;
  return new URL(store).searchParams.get('region') ?? undefined;
}

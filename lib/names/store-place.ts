// Where a store is, and how people write that: a folder, or a URL. Pure, and without what opens stores.
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../errors.ts';
import { formatS3Url, parseS3Url, S3_URL_FORM } from './s3-place.ts';
import type { S3Place } from './s3-place.ts';

/** A folder of this machine; relative as long as nothing has made it absolute. */
interface FolderPlace {
  readonly kind: 'folder';
  readonly path: string;
}

/** Where a store is. A new kind of store is one more of these, and the compiler finds all that has to know of it. */
export type StorePlace = FolderPlace | ({ readonly kind: 's3' } & S3Place);

interface UrlForm {
  readonly form: string;
  /** `USAGE` for a URL that names no such place, or holds a secret; the message repeats none. */
  readonly parse: (url: string) => StorePlace;
}

/** How stores that are no folders are written: by the scheme of their URLs, which is their kind. */
const URLS: Readonly<Record<Exclude<StorePlace['kind'], 'folder'>, UrlForm>> = {
  s3: {
    form: S3_URL_FORM,
    parse: (url) => ({ kind: 's3', ...parseS3Url(url) }),
  },
};

/** What may be written where no folder is meant. */
export const STORE_URL_FORMS = Object.values(URLS)
  .map(({ form }) => form)
  .join(', or ');
/** What may be written as a store. */
export const STORE_FORMS = `a folder, or ${STORE_URL_FORMS}`;

/** The place that `text` names: the path of a folder, a `file://` URL, or a URL of another store. `USAGE` for anything else. */
export function parseStorePlace(text: string): StorePlace {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: 'folder', path: folderOf(text) };
  if (scheme === 'file') return { kind: 'folder', path: folderOfUrl(text) };
  if (isKnown(scheme)) return URLS[scheme].parse(text);
  throw new HoldfastError('USAGE', `"${scheme}://" is no store that this version opens`, {
    hint: `Give the path of a folder, such as ../backups or /mnt/backups/site, or ${STORE_URL_FORMS}.`,
  });
}

/** As {@link parseStorePlace}; undefined for what names no store. */
export function storePlaceOf(text: string): StorePlace | undefined {
  try {
    return parseStorePlace(text);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** The place of a store on S3; undefined for any other, and for what names none. */
export function s3PlaceOf(text: string): S3Place | undefined {
  const place = storePlaceOf(text);
  return place?.kind === 's3' ? place : undefined;
}

/** The shortest text from which {@link parseStorePlace} makes the same place. */
export function formatStorePlace(place: StorePlace): string {
  switch (place.kind) {
    case 'folder':
      return place.path;
    case 's3':
      return formatS3Url(place);
  }
}

function isKnown(scheme: string): scheme is keyof typeof URLS {
  return Object.hasOwn(URLS, scheme);
}

function folderOf(path: string): string {
  if (path === '' || path.includes('\0')) throw notAFolder(path);
  return path;
}

function folderOfUrl(url: string): string {
  try {
    return folderOf(fileURLToPath(url));
  } catch (error) {
    throw notAFolder(url, error);
  }
}

function notAFolder(text: string, cause?: unknown): HoldfastError {
  return new HoldfastError('USAGE', `${JSON.stringify(text)} names no folder on this machine`, {
    hint: 'Give the path of a folder, or a URL such as file:///mnt/backups/site.',
    cause,
  });
}

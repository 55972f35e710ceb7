// What a key may look like, in every store: nothing that any file system, URL or shell reads in another way.
import { HoldfastError } from '../errors.ts';

const PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;
// An S3 key has at most 1,024 bytes, and the prefix of the store is a part of it.
const KEY_CHARACTERS = 800;

/** Whether `name` can be one part of a key, between two slashes. */
export function isKeyPart(name: string): boolean {
  return PART.test(name);
}

/** Whether `key` is one that a store takes. */
export function isKey(key: string): boolean {
  return key.length <= KEY_CHARACTERS && key.split('/').every(isKeyPart);
}

/** Throws `PATH_UNSAFE` unless `key` is one that a store takes. */
export function assertKey(key: string): void {
  if (!isKey(key)) throw refusal('key', key);
}

/** Throws `PATH_UNSAFE` unless some key could start with `prefix`; the empty prefix is that of all. */
export function assertPrefix(prefix: string): void {
  // What a prefix leaves open at its end, one more letter completes.
  if (!isKey(`${prefix}a`) && !isKey(prefix)) throw refusal('prefix', prefix);
}

function refusal(what: string, value: string): HoldfastError {
  const shown = JSON.stringify(value.slice(0, 100));
  return new HoldfastError(
    'PATH_UNSAFE',
    `${what} ${shown} of a store holds something else than letters, digits and "._-" between slashes`,
    {
      hint: 'Parts must not be empty or begin with a dot; a part has at most 255 characters and a key 800.',
    },
  );
}

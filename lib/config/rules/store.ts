// What must hold for the store: that there can be one in its place, and that nothing in it is backed up or signs.
import { relative } from 'node:path';

import { HoldfastError } from '../../errors.ts';
import { parseStorePlace, STORE_FORMS } from '../../names/store-place.ts';
import { absolutePath, isWithin, parseKeyReference } from '../places.ts';
import type { Bases } from '../places.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import type { Path } from '../load/yaml.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { leavesOut } from './sources.ts';

/** Finds what names no store. */
export function storeFindings(store: string): ConfigFinding[] {
  try {
    parseStorePlace(store);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return [{ path: ['store'], message: error.message, allowed: STORE_FORMS }];
  }
}

/** Finds sources that would back up the store itself. `store` is the absolute path of a folder, or a URL. */
export function placeFindings(shape: ConfigShape, store: string, bases: Bases): ConfigFinding[] {
  return Object.entries(shape.sources).flatMap(([name, source]) => {
    if (source.kind !== 'files' || !isWithin(absolutePath(source.path, bases), store)) return [];
    const message = `${quote(source.path)} lies in the store`;
    return [
      {
        path: ['sources', name, 'path'],
        also: [['store']],
        message,
        allowed: 'a folder outside of the store',
      },
    ];
  });
}

/** Finds a signing key that would be stored or backed up, so that who reads a backup could forge the next. */
export function keyPlaceFindings(shape: ConfigShape, store: string, bases: Bases): ConfigFinding[] {
  const key = shape.signing && parseKeyReference(shape.signing.key, bases);
  if (key?.scheme !== 'file') return [];
  const path: Path = ['signing', 'key'];
  if (isWithin(key.name, store))
    return [
      {
        path,
        also: [['store']],
        message: 'the key lies in the store',
        allowed: 'a file outside of the store',
      },
    ];
  return Object.entries(shape.sources).flatMap(([name, source]) => {
    if (source.kind !== 'files') return [];
    const folder = absolutePath(source.path, bases);
    if (!isWithin(key.name, folder)) return [];
    const inside = relative(folder, key.name);
    if (source.exclude.some((pattern) => leavesOut(pattern, inside))) return [];
    const also: Path[] = ['path', 'exclude'].map((option) => ['sources', name, option]);
    const message = `the key lies in the source ${quote(name)}`;
    return [
      {
        path,
        also,
        message,
        allowed: `a file outside of every source, or one that "exclude" names (${quote(inside)})`,
      },
    ];
  });
}

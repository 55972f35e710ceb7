// What must hold across the configuration: keys, places, and values that should be references.
import { relative } from 'node:path';

import { isS3Url } from '../../names/s3-place.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { absolutePath, isWithin, parseKeyReference } from '../places.ts';
import type { Bases } from '../places.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { secretIn } from './secrets.ts';
import { leavesOut } from './sources.ts';
import { isUrl, refusalOf } from '../load/store-place.ts';
import { normalizePublicKey } from '../load/trust.ts';
import type { Path } from '../load/yaml.ts';

function repeated(values: readonly (string | undefined)[]): number[] {
  return values.flatMap((value, index) =>
    value !== undefined && values.indexOf(value) < index ? [index] : [],
  );
}

/** Finds trusted keys that are none or stand twice, and a signing key whose signatures nobody would trust. */
export function trustFindings(shape: ConfigShape): ConfigFinding[] {
  const keys = shape.trust.map((key) => normalizePublicKey(key.publicKey));
  const names = shape.trust.map(({ name }) => name);
  const findings: ConfigFinding[] = keys.flatMap((key, index) => {
    if (key !== undefined) return [];
    const allowed = 'an ECDSA P-256 public key: SPKI as base64 on one line, or a PEM block';
    return [
      {
        path: ['trust', index, 'publicKey'],
        message: 'the value cannot be read as such a key',
        allowed,
      },
    ];
  });
  for (const index of repeated(names))
    findings.push({
      path: ['trust', index, 'name'],
      message: `${quote(names[index] ?? '')} stands here for the second time`,
      allowed: 'each name once',
    });
  for (const index of repeated(keys))
    findings.push({
      path: ['trust', index, 'publicKey'],
      message: 'the key stands here for the second time',
      allowed: 'each key once, with all its prefixes',
    });
  if (shape.signing !== undefined && shape.trust.length === 0)
    findings.push({
      path: ['signing'],
      also: [['trust']],
      message: 'a key signs, but "trust" names none, so no backup would ever count',
      allowed: 'the public half of the key under "trust"',
    });
  return findings;
}

/** Finds a store that is neither a folder nor on S3. */
export function storeFindings(store: string): ConfigFinding[] {
  if (!isUrl(store)) return [];
  const allowed = 'a folder, or s3://BUCKET/PREFIX?region=REGION';
  if (isS3Url(store)) {
    const refusal = refusalOf(store);
    return refusal === undefined ? [] : [{ path: ['store'], message: refusal, allowed }];
  }
  const message =
    secretIn(store) === undefined ? `got ${quote(store)}, a URL` : 'got a URL with a password';
  return [{ path: ['store'], message, allowed }];
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

/** Finds values that must not stand in a file: secrets, text that is no Unicode, and a name that objects do not hold. */
export function valueFindings(data: unknown, path: Path = []): ConfigFinding[] {
  if (typeof data === 'string') {
    const secret = secretIn(data);
    if (secret !== undefined)
      return [
        {
          path,
          message: `the value looks like ${secret}`,
          allowed: 'no secret in this file: keep it elsewhere and refer to it',
        },
      ];
    return data.isWellFormed()
      ? []
      : [
          {
            path,
            message: 'the value is not valid Unicode',
            allowed: 'text without lone surrogates',
          },
        ];
  }
  if (Array.isArray(data))
    return data.flatMap((value, index) => valueFindings(value, [...path, index]));
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => {
    const at = [...path, key];
    // A record of the schema skips this key without a word, and a source of that name would silently not be backed up.
    if (key === '__proto__')
      return [{ path: at, atKey: true, message: 'the name "__proto__" cannot be used' }];
    return valueFindings(value, at);
  });
}

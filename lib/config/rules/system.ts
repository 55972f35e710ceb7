// What must hold across the configuration: keys, and values that should be references.
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { secretIn } from './secrets.ts';
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

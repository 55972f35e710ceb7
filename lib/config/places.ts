// Paths and references as the configuration writes them, made absolute. Pure: the folders are passed in.
import { resolve, sep } from 'node:path';

import { HoldfastError } from '../errors.ts';

/** The names that are looked for, in this order, in the working folder and each one above it. */
export const CONFIG_NAMES = ['holdfast.yaml', 'holdfast.yml', 'holdfast.json'] as const;

/** Where relative paths and `~` lead. */
export interface Bases {
  /** The folder of the configuration file. */
  readonly folder: string;
  /** Empty where the user has none. */
  readonly home: string;
}

/** Where a secret is. Never the secret. */
export interface SecretReference {
  readonly scheme: 'env' | 'file' | 'ssm' | 'secret';
  /** The variable, the absolute path, the parameter or the secret's name. */
  readonly name: string;
}

/** A key of AWS KMS that signs and never leaves it: an alias or an ARN. */
export interface KmsKeyReference {
  readonly scheme: 'kms';
  readonly name: string;
}

/** The absolute form of a path that may be relative or begin with `~`. `CONFIG_INVALID` for `~` where the user has no home. */
export function absolutePath(text: string, { folder, home }: Bases): string {
  if (text !== '~' && !text.startsWith('~/')) return resolve(folder, text);
  if (home !== '') return resolve(home, text.slice(2));
  throw new HoldfastError(
    'CONFIG_INVALID',
    `${text} begins in the home folder, and this user has none: HOME is not set, and the system does not know the user`,
    { hint: 'Set HOME, or write an absolute path.' },
  );
}

/** The parts of a reference that the schema has accepted; a `file:` path is made absolute. */
export function parseReference(text: string, bases: Bases): SecretReference | undefined {
  const [, scheme, name = ''] = /^(env|file|ssm|secret):(.+)$/s.exec(text) ?? [];
  if (scheme === 'file') return { scheme, name: absolutePath(name, bases) };
  return scheme === 'env' || scheme === 'ssm' || scheme === 'secret' ? { scheme, name } : undefined;
}

/** As {@link parseReference}, for a key that signs: it may also be one of KMS. */
export function parseKeyReference(
  text: string,
  bases: Bases,
): SecretReference | KmsKeyReference | undefined {
  if (text.startsWith('kms:')) return { scheme: 'kms', name: text.slice('kms:'.length) };
  return parseReference(text, bases);
}

/** True for what {@link showReference} shows. */
export function isReference(value: object): value is SecretReference | KmsKeyReference {
  return 'scheme' in value && 'name' in value;
}

/** `file:/home/me/.config/holdfast/site.key` */
export function showReference({ scheme, name }: SecretReference | KmsKeyReference): string {
  return `${scheme}:${name}`;
}

/** True when `path` is `folder` or lies in it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

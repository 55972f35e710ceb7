// The keys of a session: what signs here, and whose signatures count. Services of AWS are asked only where the configuration needs them.
import { createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import process from 'node:process';
import type { Config } from '../config/config.ts';
import { isAbsent } from '../config/error-code.ts';
import { showReference, type SecretReference } from '../config/places.ts';
import { resolveReference } from '../config/load/references.ts';
import { unnamedStackKeys } from '../config/load/stack-keys.ts';
import { HoldfastError } from '../errors.ts';
import { s3PlaceOf } from '../names/store-place.ts';
import type { OpenContext } from './openers.ts';
import { localSigner, trustedKey, type Signer, type TrustedKey } from '../format/signed.ts';
import { BACKUPS_PREFIX, INCIDENTS_PREFIX, RECORDS_PREFIX } from '../format/layout.ts';

/** What signs here; undefined when no key is configured. `CONFIG_INVALID` or `STORE_DENIED` when it cannot be used. */
export async function signerFor(
  config: Config | undefined,
  signing: 'required' | 'optional' | 'none',
): Promise<{ signer: Signer | undefined; unsigned: string | undefined }> {
  if (config === undefined) {
    return { signer: undefined, unsigned: 'there is no configuration that names a key' };
  }
  if (signing === 'none') return { signer: undefined, unsigned: undefined };
  try {
    return { signer: await signerFrom(config), unsigned: undefined };
  } catch (error) {
    if (signing === 'required' || !(error instanceof HoldfastError)) throw error;
    return { signer: undefined, unsigned: error.message };
  }
}

/** As {@link signerFor}, but a key that cannot be used always throws. */
export async function signerFrom(config: Config): Promise<Signer | undefined> {
  const { signingKey } = config;
  if (signingKey === undefined) return undefined;
  if (signingKey.scheme === 'kms') {
    const { openKmsSigner } = await import('./stack-keys.ts');
    return openKmsSigner(signingKey.name, regionOf(config));
  }
  if (signingKey.scheme === 'file') await assertThere(signingKey);
  const pem = await secretAt(signingKey, regionOf(config));
  try {
    return localSigner(createPrivateKey(pem));
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('CONFIG_INVALID', 'signing.key does not lead to a private key', {
      hint: 'It must be a PEM file with an ECDSA P-256 key, as `holdfast init` makes it.',
      cause,
    });
  }
}

/** Throws `CONFIG_INVALID`, with the two ways out, where the file of a key is gone. */
async function assertThere(key: SecretReference): Promise<void> {
  try {
    await stat(key.name);
  } catch (cause) {
    // What else is wrong with it, reading it says.
    if (!isAbsent(cause)) return;
    throw new HoldfastError('CONFIG_INVALID', `${showReference(key)} does not exist`, {
      hint: 'Copy the key there from where you keep it. If it is lost, `holdfast init --new-key` makes a new one and adds it to `trust`; what the lost key signed still counts.',
      cause,
    });
  }
}

/** Where services of AWS are asked: in the region of the stack, or else of the store; undefined for that of the environment. */
export function regionOf(config: Config): string | undefined {
  return config.aws?.region ?? s3PlaceOf(config.store)?.region;
}

/** The secret that a reference names, wherever it is kept. `CONFIG_INVALID`, `STORE_DENIED` or `STORE_UNAVAILABLE` when it cannot be had. */
export async function secretAt(
  reference: SecretReference,
  region: string | undefined,
): Promise<string> {
  if (reference.scheme === 'file' || reference.scheme === 'env')
    return resolveReference(reference, process.env);
  const { resolveAwsReference } = await import('../aws/references.ts');
  return resolveAwsReference(reference, region === undefined ? {} : { region });
}

/** What the sources of a configuration are opened with on the command line. */
export function contextOf(config: Config): OpenContext {
  const region = regionOf(config);
  return { region, secret: (reference) => secretAt(reference, region) };
}

/** Keys whose signatures count, and why some that should count are not known. */
export interface Trust {
  readonly trusted: readonly TrustedKey[];
  readonly unknown: readonly { readonly name: string; readonly error: HoldfastError }[];
}

/** The keys of the configuration, those of the command line, and those of the functions, which KMS is asked for unless `trust` names them. */
export async function trustFor(
  config: Config | undefined,
  publicKeys: readonly string[],
): Promise<Trust> {
  const named = await namedKeys(config, publicKeys);
  const wanted = config === undefined ? [] : unnamedStackKeys(config);
  if (config?.aws === undefined || wanted.length === 0) return { trusted: named, unknown: [] };
  const { fetchStackKeys } = await import('./stack-keys.ts');
  const { keys, refused } = await fetchStackKeys(wanted, config.aws.region);
  return { trusted: [...named, ...keys], unknown: refused };
}

/** The keys of the configuration, and those of the command line. Asks no service. */
export async function namedKeys(
  config: Config | undefined,
  publicKeys: readonly string[],
): Promise<TrustedKey[]> {
  const keys: TrustedKey[] = (config?.trust ?? []).map(({ name, publicKey, prefixes, events }) => ({
    ...trustedKey(name, publicKey, prefixes),
    events,
  }));
  for (const file of publicKeys) {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new HoldfastError('USAGE', `the public key ${file} cannot be read`, { cause });
    });
    keys.push(trustedKey('--public-key', text, [BACKUPS_PREFIX, RECORDS_PREFIX, INCIDENTS_PREFIX]));
  }
  return keys;
}

// From the command line and the environment to an engine: configuration, store, keys, clock and chance enter here.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import process from 'node:process';
import { Pool } from '../archive/pool.ts';
import type { Config } from '../config/config.ts';
import { loadConfig, findConfig, type LoadOptions } from '../config/load.ts';
import { resolveReference } from '../config/references.ts';
import { placeOfStore } from '../config/store-place.ts';
import type { Engine } from '../engine/engine.ts';
import { HoldfastError } from '../errors.ts';
import { localSigner, trustedKey, type Signer, type TrustedKey } from '../format/signed.ts';
import type { Progress } from '../sources/source.ts';
import { openStore } from '../stores/open.ts';
import { VERSION } from '../version.ts';
import { KINDS } from './sources.ts';

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly store?: string;
  readonly publicKey?: string;
  readonly trustAnyone?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** What a command works with; disposed when it ends. */
export interface Session extends AsyncDisposable {
  readonly engine: Engine;
  /** Undefined when a store was opened without a configuration. */
  readonly config: Config | undefined;
  /** Why nothing is signed, where it could have been. */
  readonly unsigned: string | undefined;
}

interface SessionInput {
  readonly options: CommonOptions;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * `required` by default. `optional` for what can be done without leaving evidence: who has lost the key must still be able to
   * restore. `none` for what signs nothing.
   */
  readonly signing?: 'required' | 'optional' | 'none';
}

/**
 * Opens what the options name.
 *
 * With `--store` and without any configuration the store is opened for reading alone: what it holds is trusted by `--public-key`.
 */
export async function openSession({
  options,
  signal,
  onProgress,
  signing = 'required',
}: SessionInput): Promise<Session> {
  const config = await configOf(options);
  const { cwd: folder, home } = placesOf(options);
  const store = config?.store ?? (options.store && placeOfStore(options.store, { folder, home }));
  if (store === undefined) throw new Error('neither a configuration nor a store');
  const { signer, unsigned } = await signerFor(config, signing);
  const pool = new Pool();
  const engine: Engine = {
    system: config?.system,
    store: await openStore(store, { random: randomName }),
    kinds: KINDS,
    signer,
    trusted: await trustedFrom(config, options),
    trustAnyone: options.trustAnyone === true,
    who: `${userName()}@${os.hostname()}`,
    pool,
    signal,
    onProgress,
    scratch: os.tmpdir(),
    versions: {
      holdfast: VERSION,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
    },
    now: () => new Date(),
    random: randomName,
  };
  return { engine, config, unsigned, [Symbol.asyncDispose]: () => pool.close() };
}

export function randomName(): string {
  return randomBytes(8).toString('hex');
}

/** Where a configuration is looked for, and what overrides it. */
export function placesOf(options: CommonOptions): LoadOptions {
  return {
    cwd: process.cwd(),
    home: os.homedir(),
    env: process.env,
    now: new Date(),
    ...(options.config !== undefined && { configPath: options.config }),
    ...(options.store !== undefined && { store: options.store }),
  };
}

/** The configuration, or undefined when a store was named and there is none. */
export async function configOf(options: CommonOptions): Promise<Config | undefined> {
  const where = placesOf(options);
  const emergency = options.store !== undefined && options.config === undefined;
  if (emergency && (await isAbsent(where))) return undefined;
  return loadConfig(where);
}

async function isAbsent(where: LoadOptions): Promise<boolean> {
  try {
    await findConfig(where);
    return false;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CONFIG_INVALID') return true;
    throw error;
  }
}

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

/** A user without an entry among the system's users, as in a container, has a number only. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch (error) {
    if (error instanceof Error) return String(process.getuid?.() ?? 'unknown');
    throw error;
  }
}

export async function signerFrom(config: Config): Promise<Signer | undefined> {
  if (config.signingKey === undefined) return undefined;
  if (config.signingKey.scheme === 'kms') {
    throw new HoldfastError('CONFIG_INVALID', 'a key of KMS signs inside AWS functions only');
  }
  const pem = await resolveReference(config.signingKey, process.env);
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

/** The keys whose signatures count: those of a configuration, and one of the command line. */
export async function trustedFrom(
  config: Config | undefined,
  { publicKey }: CommonOptions,
): Promise<TrustedKey[]> {
  const keys = (config?.trust ?? []).map((one) =>
    trustedKey(one.name, one.publicKey, one.prefixes),
  );
  if (publicKey === undefined) return keys;
  const text = await readFile(publicKey, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('USAGE', `the public key ${publicKey} cannot be read`, { cause });
  });
  return [...keys, trustedKey('--public-key', text, ['backups/', 'records/'])];
}

/** The configuration of a session; `CONFIG_INVALID` where a command cannot do without one. */
export function requireConfig({ config }: Session): Config {
  if (config !== undefined) return config;
  throw new HoldfastError('CONFIG_INVALID', 'this command needs a holdfast.yaml', {
    hint: 'Run it where the file is, or pass --config FILE. `holdfast init` writes one.',
  });
}

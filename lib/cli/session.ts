// From the command line and the environment to an engine: configuration, store, keys, clock and chance enter here.
import os from 'node:os';
import process from 'node:process';
import { machineSender, type Sender } from '../alerts/sender.ts';
import { Pool } from '../archive/threads/pool.ts';
import type { Config } from '../config/config.ts';
import { loadConfig, findConfig, type LoadOptions } from '../config/load/load.ts';

import { homeFolder } from '../config/load/home.ts';
import { placeOfStore } from '../config/load/store-place.ts';
import type { Engine } from '../engine/engine.ts';
import { HoldfastError } from '../errors.ts';
import type { Progress } from '../sources/source.ts';
import { signerFor, trustFor, type Trust } from '../wiring/keys.ts';
import { ownParts } from '../wiring/machine.ts';
import { newStoreId, openNeededStore, type StoreNeed } from './store/opened-store.ts';
import { kindsFor } from './kinds.ts';
import { storeDoubt } from './store/store-identity.ts';
import { Terminal } from './output/terminal.ts';

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly store?: string;
  readonly publicKey?: readonly string[];
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
  /** Why the store may be another one than that which was written to before. */
  readonly doubt: string | undefined;
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
  /**
   * Whether the keys of the functions must be known. `wanted` by default, which warns: what they signed is shown as untrusted then.
   * `required` where that would lead to a wrong decision. `told` by who says it of each key by itself.
   */
  readonly stackKeys?: 'required' | 'wanted' | 'told';
  /** `found` by default. */
  readonly store?: StoreNeed;
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
  stackKeys = 'wanted',
  store: need = 'found',
}: SessionInput): Promise<Session> {
  const config = configOf(options);
  const { cwd: folder, home } = placesOf(options);
  const place = config?.store ?? (options.store && placeOfStore(options.store, { folder, home }));
  if (place === undefined) throw new Error('neither a configuration nor a store');
  const { signer, unsigned } = await signerFor(config, signing);
  const trust = await trustFor(config, options.publicKey ?? []);
  if (trust.unknown.length > 0 && stackKeys !== 'told') sayUnknown(trust, stackKeys, options);
  const opened = await openNeededStore({ place, config, need });
  if (opened.remark !== undefined) warn(options, opened.remark);
  if (opened.created) warn(options, `a new store was made in ${opened.store.url}`);
  const doubt = await storeDoubt({ ...opened, config, need, newId: newStoreId, now: new Date() });
  if (doubt !== undefined) warn(options, doubt);
  const pool = new Pool();
  const engine: Engine = {
    system: config?.system,
    store: opened.store,
    kinds: kindsFor(config),
    signer,
    trusted: trust.trusted,
    trustAnyone: options.trustAnyone === true,
    who: userAtHost(),
    pool,
    signal,
    onProgress,
    ...ownParts(),
  };
  return { engine, config, unsigned, doubt, [Symbol.asyncDispose]: () => pool.close() };
}

/** Says, or throws, that keys are not known whose signatures would count. */
function sayUnknown(
  { unknown }: Trust,
  stackKeys: 'required' | 'wanted',
  { json = false, quiet = false }: CommonOptions,
): void {
  const [first] = unknown;
  if (first === undefined) return;
  const names = unknown.map(({ name }) => name).join(', ');
  const message = `the public keys of ${names} are not known here: ${first.error.message}`;
  if (stackKeys === 'required') {
    throw new HoldfastError(first.error.code, message, {
      hint: 'Give this role kms:GetPublicKey on them, or name them under `trust`: `holdfast trust` prints that block.',
      cause: first.error,
    });
  }
  new Terminal({ json, quiet }).warn(`${message}; what they signed is not trusted`);
}

function warn({ json = false, quiet = false }: CommonOptions, text: string): void {
  new Terminal({ json, quiet }).warn(text);
}

/** Where a configuration is looked for, and what overrides it. */
export function placesOf(options: CommonOptions): LoadOptions {
  return {
    cwd: process.cwd(),
    home: homeFolder(),
    env: process.env,
    now: new Date(),
    ...(options.config !== undefined && { configPath: options.config }),
    ...(options.store !== undefined && { store: options.store }),
  };
}

/** The configuration, or undefined when a store was named and there is none. */
export function configOf(options: CommonOptions): Config | undefined {
  const where = placesOf(options);
  const emergency = options.store !== undefined && options.config === undefined;
  if (emergency && isAbsent(where)) return undefined;
  return loadConfig(where);
}

function isAbsent(where: LoadOptions): boolean {
  try {
    findConfig(where);
    return false;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CONFIG_INVALID') return true;
    throw error;
  }
}

/** Who acts here, for records and messages: `user@host`. */
export function userAtHost(): string {
  return `${userName()}@${os.hostname()}`;
}

/** What messages from here say of where they come from. */
export function senderHere({ file }: Pick<Config, 'file'>): Sender {
  return machineSender(userAtHost(), file);
}

/** The name of this user. A user without an entry among the system's users, as in a container, has a number only. */
export function userName(): string {
  try {
    return os.userInfo().username;
  } catch (error) {
    if (error instanceof Error) return String(process.getuid?.() ?? 'unknown');
    throw error;
  }
}

/** The configuration of a session; `CONFIG_INVALID` where a command cannot do without one. */
export function requireConfig({ config }: Session): Config {
  return required(config);
}

/** As {@link requireConfig}. */
export function required(config: Config | undefined): Config {
  if (config !== undefined) return config;
  throw new HoldfastError('CONFIG_INVALID', 'this command needs a holdfast.yaml', {
    hint: 'Run it where the file is, or pass --config FILE. `holdfast init` writes one.',
  });
}

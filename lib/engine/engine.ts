// What every verb works with: the store, the keys, and everything that comes from outside.
import type { Pool } from '../archive/threads/pool.ts';
import { HoldfastError } from '../errors.ts';
import type { Signer, TrustedKey } from '../format/signed.ts';
import type { Kinds, Progress, SourceKind, Work } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';

export interface Engine {
  /** The system's id; undefined when a store is opened without its configuration. */
  readonly system: string | undefined;
  readonly store: Store;
  readonly kinds: Kinds;
  /** Undefined where no private key is at hand: then nothing can be backed up, and acts leave no record. */
  readonly signer: Signer | undefined;
  readonly trusted: readonly TrustedKey[];
  /** True only when the user said so: what no trusted key vouches for is used all the same. */
  readonly trustAnyone: boolean;
  /** Who acts, for records: `user@host` or the name of a function. */
  readonly who: string;
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  /** For folders in which backups are tried out; absolute. */
  readonly scratch: string;
  /** For `tools` in manifests. */
  readonly versions: Readonly<Record<string, string>>;
  now(): Date;
  /** A new random part of a name, 16 characters of `[0-9a-f]`. */
  random(): string;
}

/** As much of an engine as a restore needs: no store, no keys. */
export type Workbench = Pick<
  Engine,
  'kinds' | 'pool' | 'signal' | 'onProgress' | 'random' | 'now' | 'scratch'
>;

export function workOf(engine: Pick<Engine, keyof Work>): Work {
  const { pool, signal, onProgress } = engine;
  return { pool, signal, onProgress };
}

/** The signer; `UNTRUSTED` where there is none. */
export function signerOf(engine: Engine): Signer {
  if (engine.signer !== undefined) return engine.signer;
  throw new HoldfastError('UNTRUSTED', 'there is no key to sign with', {
    hint: 'Set `signing.key` in holdfast.yaml; `holdfast init` makes a key.',
  });
}

/** Whether this engine's key may vouch for everything below `prefix`; otherwise what it wrote there would count for nothing. */
export function mayVouchFor(
  { signer, trusted }: Pick<Engine, 'signer' | 'trusted'>,
  prefix: string,
): boolean {
  return trusted.some(
    ({ keyId, prefixes }) =>
      keyId === signer?.keyId && prefixes.some((one) => prefix.startsWith(one)),
  );
}

/** What handles backups of that kind. `FORMAT_UNSUPPORTED` for one that this version does not know. */
export async function kindOf(engine: Pick<Engine, 'kinds'>, kind: string): Promise<SourceKind> {
  const load = engine.kinds.get(kind);
  if (load !== undefined) return load();
  throw new HoldfastError(
    'FORMAT_UNSUPPORTED',
    `this version does not know sources of kind "${kind}"`,
    {
      hint: `Known are ${[...engine.kinds.keys()].join(', ')}.`,
    },
  );
}

export function throwIfCancelled(engine: Engine): void {
  if (engine.signal?.aborted !== true) return;
  throw new HoldfastError('CANCELLED', 'the run was interrupted', { cause: engine.signal.reason });
}

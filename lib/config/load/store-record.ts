// Which stores this machine has written to, in a file beside the signing key: the store and this file must agree which one it is.
import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod/mini';

import { HoldfastError } from '../../errors.ts';
import type { Config } from '../config.ts';
import { errorCode, isAbsent } from '../error-code.ts';

const entry = z.strictObject({
  /** The id in the store's marker. */
  id: z.string(),
  /** The path of its folder, or its URL. */
  place: z.string(),
  /** The configuration that led there. */
  config: z.string(),
  /** True where --store or HOLDFAST_STORE named it, and not the configuration itself. */
  aside: z.optional(z.boolean()),
  since: z.string(),
});
const schema = z.strictObject({ system: z.string(), stores: z.array(entry) });

/** A store that was written to from here. */
export type KnownStore = z.infer<typeof entry>;

/** `<system>.store` beside a key that lies in a file; undefined where the key lies elsewhere, as in CI: there nothing is remembered. */
export function storeRecordFile({
  signingKey,
  system,
}: Pick<Config, 'signingKey' | 'system'>): string | undefined {
  return signingKey?.scheme === 'file' ? storeRecordBeside(signingKey.name, system) : undefined;
}

/** As {@link storeRecordFile}, for the key in `keyFile`. */
export function storeRecordBeside(keyFile: string, system: string): string {
  return join(dirname(keyFile), `${system}.store`);
}

/** The stores in the file, the oldest first; none where it does not exist. `CONFIG_INVALID` when it is something else. */
export async function readKnownStores(file: string): Promise<readonly KnownStore[]> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8'))).stores;
  } catch (cause) {
    if (isAbsent(cause)) return [];
    throw new HoldfastError(
      'CONFIG_INVALID',
      `${file} does not say which stores were written to from here`,
      {
        hint: 'Delete it if nobody knows what it is: the next backup writes a new one, and takes the store that it finds for the right one.',
        cause,
      },
    );
  }
}

/** Notes `stores`. False when the file cannot be written: then nothing is remembered, and no backup fails for that. */
export async function writeKnownStores(
  file: string,
  system: string,
  stores: readonly KnownStore[],
): Promise<boolean> {
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    const text = `${JSON.stringify({ system, stores }, undefined, 2)}\n`;
    await writeFile(draft, text, { flag: 'wx', mode: 0o600 });
    await rename(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  } finally {
    await rm(draft, { force: true });
  }
}

/** What a store is, that is about to be written to. */
export interface StoreAtHand {
  readonly id: string;
  readonly place: string;
  readonly config: string;
  readonly aside: boolean;
}

/**
 * Whether `store` is one that was written to from here. `first` where nothing is known yet of the stores of this configuration, or of
 * that place: then it is taken for the right one.
 */
export function recognise(
  known: readonly KnownStore[],
  store: StoreAtHand,
): 'known' | 'moved' | 'first' | 'another' {
  const same = known.find(({ id }) => id === store.id);
  if (same !== undefined) return same.place === store.place ? 'known' : 'moved';
  return comparable(known, store).length === 0 ? 'first' : 'another';
}

/** The stores of which `store` would have to be one. */
export function comparable(
  known: readonly KnownStore[],
  { place, config, aside }: StoreAtHand,
): readonly KnownStore[] {
  return known.filter((one) =>
    aside ? one.place === place : one.aside !== true && one.config === config,
  );
}

/** `known` with `store` as the one that is written to from `now` on. */
export function withStore(
  known: readonly KnownStore[],
  { aside, ...store }: StoreAtHand,
  now: Date,
): readonly KnownStore[] {
  const same = known.find(({ id }) => id === store.id);
  const since = same?.since ?? now.toISOString();
  const others = known.filter(({ id }) => id !== store.id);
  return [...others, { ...store, since, ...(aside && { aside }) }];
}

// A new key in the place of a lost one: what the lost one signed goes on counting, because its public half stays under `trust`.
import { lstat, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAbsent } from '../config/error-code.ts';
import type { Config } from '../config/config.ts';
import { keyNameOf, prefixesOfKey } from '../config/init/starter.ts';
import { withTrusted, type TrustedEntry } from '../config/init/trust-text.ts';
import { readOrMakeKey, writeKey, type KeyFiles } from '../config/load/key-files.ts';
import { configError, loadConfig } from '../config/load/load.ts';
import { isOfStack } from '../config/load/store-place.ts';
import { normalizePublicKey } from '../config/load/trust.ts';
import { showReference } from '../config/places.ts';
import { checkText } from '../config/rules/check.ts';
import { HoldfastError } from '../errors.ts';
import { replaceFile } from './replace-file.ts';
import { placesOf, type CommonOptions } from './session.ts';
import type { Terminal } from './output/terminal.ts';

/** What was lost, and what takes its place. */
export interface NewKey {
  readonly key: KeyFiles;
  /** The configuration, and its new text. */
  readonly file: string;
  readonly text: string;
  /** Where the public half of the lost key is kept; undefined where it was not beside it. */
  readonly former: string | undefined;
  /** True where functions have to learn of the new key. */
  readonly isInStack: boolean;
}

/** Where this runs. */
interface Here {
  readonly home: string;
  readonly host: string;
  readonly now: Date;
}

/** The file in which the key of `config` should be, and is not; undefined where it is there, or kept elsewhere. */
export async function lostKeyOf({ signingKey }: Config): Promise<string | undefined> {
  if (signingKey?.scheme !== 'file') return undefined;
  return (await isThere(signingKey.name)) ? undefined : signingKey.name;
}

/** As {@link lostKeyOf}, for the configuration in `file`; undefined, too, where that has faults. */
export async function lostKeyIn(
  file: string,
  { home, now }: Omit<Here, 'host'>,
): Promise<string | undefined> {
  const text = await readFile(file, 'utf8');
  const context = { file, shownAs: file, folder: path.dirname(file), home, now };
  const { config } = checkText(text, { ...context, override: undefined });
  return config === undefined ? undefined : lostKeyOf(config);
}

/**
 * A new key for `config`, and its text with the public half added to `trust`. Writes nothing.
 *
 * `USAGE` where the key is there, or is not kept in a file.
 */
async function planNewKey(config: Config, { home, host, now }: Here): Promise<NewKey> {
  const { signingKey, file, trust } = config;
  const lost = await lostKeyOf(config);
  if (lost === undefined) throw notLost(config);
  const key = await readOrMakeKey(lost);
  const text = await readFile(file, 'utf8');
  const changed = withTrusted(text, {
    name: freeName(
      keyNameOf(host),
      trust.map(({ name }) => name),
    ),
    publicKey: key.publicKey,
    prefixes: await prefixesFor(config, key.publicPath),
  });
  const folder = path.dirname(file);
  const context = { file, shownAs: file, folder, home, now, override: undefined };
  const { faults } = checkText(changed, context);
  if (faults.length > 0) throw configError(`${file} with a new key`, faults);
  const isPublic = await isThere(key.publicPath);
  return {
    key,
    file,
    text: changed,
    former: isPublic ? await freeFile(key.publicPath) : undefined,
    isInStack: config.aws !== undefined && signingKey !== undefined,
  };
}

/** Writes what was planned; what failed leaves everything as it was. */
async function writeNewKey({ key, file, text, former }: NewKey): Promise<void> {
  if (former !== undefined) await rename(key.publicPath, former);
  try {
    await writeKey(key);
    await replaceFile(file, text);
  } catch (error) {
    await rm(key.path, { force: true });
    await rm(key.publicPath, { force: true });
    if (former !== undefined) await rename(former, key.publicPath);
    throw error;
  }
}

/** Makes a new key in the place of the lost one that `options` lead to, and says so; with `dryRun` it only says so. */
export async function renewKey(
  terminal: Terminal,
  options: CommonOptions & { readonly dryRun?: boolean },
): Promise<NewKey> {
  const places = placesOf(options);
  const made = await planNewKey(loadConfig(places), { ...places, host: os.hostname() });
  if (options.dryRun !== true) await writeNewKey(made);
  sayNewKey(terminal, made, options.dryRun === true);
  return made;
}

/** Says what was made, and what follows from it. */
function sayNewKey(terminal: Terminal, made: NewKey, dryRun: boolean): void {
  const { key, file, former, isInStack } = made;
  const [create, add] = dryRun ? ['would create', 'would add'] : ['created', 'added'];
  terminal.done(`  ${create} ${key.path}: a new key that signs; its public half beside it`);
  terminal.done(`  ${add} its public half to \`trust\` in ${file}`);
  if (former !== undefined)
    terminal.done(
      `  ${dryRun ? 'would keep' : 'kept'} the public half of the lost key in ${former}`,
    );
  terminal.note('What the lost key signed still counts: its entry stays under `trust`.');
  terminal.note('Keep a copy of the new key away from this machine.');
  if (isInStack) terminal.warn('run `holdfast deploy`, so that the functions trust the new key');
}

/** The public half of a key whose private half is not there, as an entry of `trust`; undefined where both are there, or none. */
export async function formerOf(
  key: KeyFiles,
  { system, prefixes }: { system: string; prefixes: readonly string[] },
): Promise<(TrustedEntry & { readonly keptAs: string }) | undefined> {
  if (key.exists || !(await isThere(key.publicPath))) return undefined;
  const publicKey = normalizePublicKey(await readFile(key.publicPath, 'utf8'));
  if (publicKey === undefined) return undefined;
  const keptAs = await freeFile(key.publicPath);
  return { name: `${system.slice(0, 50)}-former`, publicKey, prefixes, keptAs };
}

function notLost({ signingKey, file }: Config): HoldfastError {
  if (signingKey?.scheme === 'file') {
    return new HoldfastError('USAGE', `the key ${signingKey.name} is there, so it is not lost`, {
      hint: 'Move it away first if it must not be used any more.',
    });
  }
  const where =
    signingKey === undefined ? 'names no key' : `has its key in ${showReference(signingKey)}`;
  return new HoldfastError('USAGE', `--new-key is for a key in a file, and ${file} ${where}`, {
    hint: 'Set `signing.key` to file:PATH, or put a new key there and its public half under `trust`.',
  });
}

/** What the lost key could vouch for, or else what a new one could. */
async function prefixesFor(config: Config, publicPath: string): Promise<readonly string[]> {
  const text = (await isThere(publicPath)) ? await readFile(publicPath, 'utf8') : '';
  const lost = normalizePublicKey(text);
  const entry = config.trust.find(({ publicKey }) => normalizePublicKey(publicKey) === lost);
  if (lost !== undefined && entry !== undefined) return entry.prefixes;
  const names = config.sources.filter(({ kind }) => kind === 'files').map(({ name }) => name);
  return prefixesOfKey(isOfStack(config), names);
}

function freeName(wanted: string, taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted.slice(0, 55)}-${count}`;
    if (!taken.includes(name)) return name;
  }
}

/** `shop.former.pub`, or the next that is free. */
async function freeFile(publicPath: string): Promise<string> {
  const base = publicPath.replace(/\.pub$/, '');
  for (let count = 1; ; count += 1) {
    const file = `${base}.former${count === 1 ? '' : `-${count}`}.pub`;
    if (!(await isThere(file))) return file;
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

// Finds and loads holdfast.yaml. Precedence, for the file as for the store: flag > variable > file > default.
// All of it is synchronous, because constructs of the CDK are made synchronously.
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { HoldfastError } from '../../errors.ts';
import { checkText } from '../rules/check.ts';
import type { Checked, StoreOverride } from '../rules/check.ts';
import type { Config } from '../config.ts';
import { errorCode, isAbsent } from '../error-code.ts';
import { formatFault } from '../rules/faults.ts';
import type { ConfigFault } from '../rules/faults.ts';
import { absolutePath, CONFIG_NAMES } from '../places.ts';

/** What loading depends on besides the file: everything is passed in. */
export interface LoadOptions {
  readonly cwd: string;
  readonly home: string;
  /** `HOLDFAST_CONFIG` and `HOLDFAST_STORE` are read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** `--config` */
  readonly configPath?: string | undefined;
  /**
   * What gave `configPath`, for the message when that is no file.
   * @default --config
   */
  readonly namedBy?: string;
  /** `--store` */
  readonly store?: string | undefined;
}

// A configuration is a page or two. What is larger is another file, given by mistake.
const MAX_BYTES = 1 << 20;

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw new HoldfastError('CONFIG_INVALID', `cannot look at ${path}`, { cause: error });
  }
}

/** The file that would be loaded: absolute. `CONFIG_INVALID` when there is none. */
export function findConfig(options: LoadOptions): string {
  const { cwd, home, env, configPath, namedBy = '--config' } = options;
  const named = configPath ?? (env['HOLDFAST_CONFIG'] || undefined);
  if (named !== undefined) {
    const path = absolutePath(named, { folder: cwd, home });
    if (isFile(path)) return path;
    const from = configPath === undefined ? 'HOLDFAST_CONFIG' : namedBy;
    throw new HoldfastError('CONFIG_INVALID', `${from} names ${path}, which is not a file`, {
      hint: 'Name an existing file, or leave it out to have holdfast.yaml looked for.',
    });
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    for (const name of CONFIG_NAMES) if (isFile(join(folder, name))) return join(folder, name);
    if (folder === dirname(folder)) break;
  }
  throw new HoldfastError('CONFIG_INVALID', `no ${CONFIG_NAMES.join(', ')} in ${cwd} or above it`, {
    hint: 'Run `holdfast init` to write one, or name it with --config.',
  });
}

function readText(file: string): string {
  const unreadable = (message: string, cause?: unknown) =>
    new HoldfastError('CONFIG_INVALID', `${file} ${message}`, {
      cause,
      hint: 'Check that this is the configuration that was meant.',
    });
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw unreadable(`has ${size} bytes, more than the ${MAX_BYTES} allowed`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw unreadable('is not UTF-8 text', error);
    throw unreadable(`cannot be read (${errorCode(error) ?? 'unknown error'})`, error);
  }
}

function storeOverride({ store, env, cwd }: LoadOptions): StoreOverride | undefined {
  const variable = env['HOLDFAST_STORE'] || undefined;
  if (store !== undefined) return { store, from: 'flag', folder: cwd };
  return variable === undefined ? undefined : { store: variable, from: 'variable', folder: cwd };
}

/**
 * Reads and checks the configuration, and returns either it or the list of all its faults.
 *
 * Throws `CONFIG_INVALID` only when there is no file, or none that can be read as text.
 */
export function readConfig(options: LoadOptions): Checked & { readonly file: string } {
  const file = findConfig(options);
  const near = relative(options.cwd, file);
  const checked = checkText(readText(file), {
    file,
    shownAs: near.startsWith('..') ? file : near,
    folder: dirname(file),
    home: options.home,
    now: options.now,
    override: storeOverride(options),
  });
  return { ...checked, file };
}

/** The error that says all of `faults`, one per line. */
export function configError(file: string, faults: readonly ConfigFault[]): HoldfastError {
  const lines = faults.map((fault) => `\n  ${formatFault(fault)}`);
  const count = faults.length === 1 ? 'a fault' : `${faults.length} faults`;
  return new HoldfastError('CONFIG_INVALID', `${file} has ${count}:${lines.join('')}`, {
    hint: 'Correct what is listed; docs/configuration.md describes every option.',
  });
}

/** The configuration, frozen. `CONFIG_INVALID` when there is none or it has faults; the message lists every one. */
export function loadConfig(options: LoadOptions): Config {
  const { config, faults, file } = readConfig(options);
  if (config === undefined) throw configError(file, faults);
  return config;
}

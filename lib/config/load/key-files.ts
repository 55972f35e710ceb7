// The key of a system on this machine: the private half in a file of its own that nobody else can read, the public half beside it.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { lstat, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

import { HoldfastError } from '../../errors.ts';
import { errorCode, isAbsent } from '../error-code.ts';
import { resolveReference } from './references.ts';
import { normalizePublicKey } from './trust.ts';

/** A key pair, and where its halves are or shall be. */
export interface KeyFiles {
  readonly path: string;
  readonly publicPath: string;
  readonly privatePem: string;
  readonly publicPem: string;
  /** SPKI DER in base64, as `trust` in the configuration takes it. */
  readonly publicKey: string;
  /** True when the private key lies there already. */
  readonly exists: boolean;
}

/** The folder for keys: `$XDG_CONFIG_HOME/holdfast`, or `~/.config/holdfast`. */
export function keyFolder(home: string, env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_CONFIG_HOME'] ?? '';
  // The XDG specification has relative paths ignored.
  return join(isAbsolute(base) ? base : join(home, '.config'), 'holdfast');
}

/** Where the public half of the key in `path` is: `shop.pub` beside `shop.key`. */
export function publicPathOf(path: string): string {
  return `${path.replace(/\.key$/, '')}.pub`;
}

/**
 * The key at `path`, or a new one for it that is not written yet.
 *
 * `STORE_DENIED` when others than its owner may use the file, `CONFIG_INVALID` when it holds no ECDSA P-256 key.
 */
export async function readOrMakeKey(path: string): Promise<KeyFiles> {
  const stored = await readStored(path);
  const privateKey = stored ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const publicPem = pemOf(createPublicKey(privateKey));
  const publicKey = normalizePublicKey(publicPem);
  if (publicKey === undefined) throw notAKey(path);
  const privatePem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const publicPath = publicPathOf(path);
  return { path, publicPath, privatePem, publicPem, publicKey, exists: stored !== undefined };
}

/**
 * Writes what is not there yet of a key: the private half with mode 0600, its folder with 0700. Nothing is ever overwritten;
 * `CONFIG_INVALID` when another public key lies beside it, `STORE_DENIED` when the folder cannot be written.
 */
export async function writeKey(key: KeyFiles): Promise<void> {
  try {
    await mkdir(dirname(key.path), { recursive: true, mode: 0o700 });
    // The private half first: a run that dies here is completed by the next one, which derives the other from it.
    if (!key.exists) await writeNew(key.path, key.privatePem, 0o600);
    await writeNew(key.publicPath, key.publicPem, 0o644);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError(
      'STORE_DENIED',
      `the key ${key.path} cannot be written (${errorCode(cause) ?? 'unknown error'})`,
      { hint: 'See who owns the folder, or set XDG_CONFIG_HOME to one of your own.', cause },
    );
  }
}

async function readStored(path: string): Promise<KeyObject | undefined> {
  try {
    await lstat(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const pem = await resolveReference({ scheme: 'file', name: path }, {});
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw notAKey(path, cause);
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    if ((await readFile(path, 'utf8')) === text) return;
    throw new HoldfastError('CONFIG_INVALID', `${path} holds another key already`, {
      hint: 'Move it away when it is of no use any more; backups that it vouches for need it.',
      cause: error,
    });
  }
}

function pemOf(key: KeyObject): string {
  return String(key.export({ type: 'spki', format: 'pem' }));
}

function notAKey(path: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `${path} holds no ECDSA P-256 private key`, {
    hint: 'Move it away, or give this system another name; nothing is ever overwritten.',
    cause,
  });
}

// Turns a reference into the secret that it names. The only place that reads one; nothing here puts it into a message.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

import { HoldfastError } from '../../errors.ts';
import { errorCode, isAbsent } from '../error-code.ts';
import { showReference } from '../places.ts';
import type { SecretReference } from '../places.ts';

// The longest key or password that anyone has; a device or a log named by mistake does not fill the memory.
const MAX_BYTES = 64 * 1024;
const GROUP_AND_OTHERS = 0o077;

function refused(
  reference: SecretReference,
  why: string,
  hint: string,
  cause?: unknown,
): HoldfastError {
  return new HoldfastError('CONFIG_INVALID', `${showReference(reference)} ${why}`, { hint, cause });
}

async function readSecretFile(reference: SecretReference): Promise<string> {
  // Without O_NONBLOCK, a FIFO under this name would hold the run for ever.
  const file = await open(reference.name, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { mode, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      throw refused(reference, 'is not a file', 'Name a file that holds the key.');
    if ((mode & GROUP_AND_OTHERS) !== 0) {
      const got = (mode & 0o777).toString(8);
      throw new HoldfastError(
        'STORE_DENIED',
        `${showReference(reference)} has mode ${got}: others may use it; allowed: 600 or 400`,
        {
          hint: `Run: chmod 600 '${reference.name}' (and make a new key if somebody else may have read it).`,
        },
      );
    }
    if (size > MAX_BYTES)
      throw refused(
        reference,
        `has ${size} bytes; allowed: at most ${MAX_BYTES}`,
        'Name the file that holds the key.',
      );
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** What belongs there, as far as its name tells. */
function valueOf(name: string): string {
  return /DATABASE|POSTGRES|^PG/i.test(name)
    ? 'the URL of the database, postgres://USER:PASSWORD@HOST:PORT/DATABASE'
    : 'the value itself';
}

async function fromFile(reference: SecretReference): Promise<string> {
  try {
    return await readSecretFile(reference);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code = errorCode(error) ?? 'unknown error';
    if (isAbsent(error))
      throw refused(
        reference,
        'does not exist',
        `Put the file there, or correct the reference. \`install -m 600 /dev/null '${reference.name}'\` makes an empty one that only you can read.`,
        error,
      );
    throw new HoldfastError(
      'STORE_DENIED',
      `${showReference(reference)} cannot be read (${code})`,
      {
        hint: 'Check who owns the file; it must be readable by the user who runs this.',
        cause: error,
      },
    );
  }
}

/**
 * The secret that `reference` names, without the newline at its end.
 *
 * Throws `CONFIG_INVALID` when it is absent, empty or of a kind that exists only in AWS, and `STORE_DENIED` when the file cannot be
 * read, or others than its owner may use it.
 */
export async function resolveReference(
  reference: SecretReference,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (reference.scheme === 'ssm' || reference.scheme === 'secret') {
    throw refused(
      reference,
      'is available inside AWS functions only; allowed here: env:NAME, file:PATH',
      'Use a file or a variable where Holdfast runs from the command line.',
    );
  }
  const found = reference.scheme === 'env' ? env[reference.name] : await fromFile(reference);
  if (found === undefined)
    throw refused(
      reference,
      'is not set',
      `Set ${reference.name} to ${valueOf(reference.name)}, or write it into a file with mode 600 and refer to that as file:PATH: by hand and in timers, that works alike.`,
    );
  const secret = found.replace(/\r?\n$/, '');
  if (secret.trim() === '')
    throw refused(reference, 'is empty', 'Put the value there, or correct the reference.');
  return secret;
}

// For commands that a timer starts again and again: with `--quiet`, the same trouble is said once an hour.
import { createHash } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { CommonOptions } from '../session.ts';
import { forgetTold, toldLately } from '../told-lately.ts';

/**
 * What `act` returns or throws. With `--quiet`, an error that comes within an hour of one that was said is its exit code alone, as cron
 * mails whatever is printed.
 */
export async function onceAnHour(
  command: string,
  options: CommonOptions,
  act: () => Promise<number>,
): Promise<number> {
  const where = path.resolve(options.config ?? process.env['HOLDFAST_CONFIG'] ?? '.');
  const digest = createHash('sha256').update(where).digest('hex').slice(0, 16);
  const key = `${command}-${digest}`;
  try {
    const exit = await act();
    await forgetTold(key);
    return exit;
  } catch (error) {
    const isKnown = error instanceof HoldfastError && !SAID_ALWAYS.includes(error.code);
    if (options.quiet !== true || !isKnown) throw error;
    if (await toldLately(key, new Date())) return ERRORS[error.code].exit;
    throw error;
  }
}

const SAID_ALWAYS: readonly string[] = ['USAGE', 'CANCELLED', 'LOCKED'];

// Waiting for what happens elsewhere.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What `look` finds, as soon as it finds anything; it is asked twice a second. Says what it waits for, and fails with that when the
 * time is over.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined>,
  limitSeconds = 90,
): Promise<T> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined) {
      process.stderr.write(`  ${seconds().toFixed(1)} s until ${what}\n`);
      return found;
    }
    if (seconds() > limitSeconds) {
      throw new Error(`waited ${limitSeconds} s in vain until ${what}`);
    }
    await sleep(500);
  }
}

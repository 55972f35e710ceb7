// A lock between processes of this machine: a folder that one of them makes.
import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from './machine-time.ts';

/** Does `act` while no other process does; a lock that outlived its process is taken after `limitMs`, in which any such act is done. */
export async function underLock(
  lock: string,
  limitMs: number,
  act: () => Promise<void>,
): Promise<void> {
  await mkdir(dirname(lock), { recursive: true });
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const held = await stat(lock).catch(() => undefined);
      if (held !== undefined && machineTime().getTime() - held.mtimeMs > limitMs) {
        await rm(lock, { recursive: true, force: true });
      }
      await sleep(500);
    }
  }
  try {
    await act();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

// A lock between processes of this machine, which ends with the process that holds it, however that ends.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './cache.ts';

/** Does `act` while no other process does that has the same `name`. */
export async function underLock<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
  let lock = await take(name);
  if (lock === undefined) say(`waiting: another process is at work in ${name}`);
  while (lock === undefined) {
    await sleep(500);
    lock = await take(name);
  }
  try {
    return await act();
  } finally {
    lock.close();
  }
}

/** A socket without a file, a name of the kernel's, which only one process at a time can listen on. */
async function take(name: string): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen({ path: `\0holdfast:${name}` });
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

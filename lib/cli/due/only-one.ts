// Keeps two processes of this machine from doing the same at once. Nothing is left behind, however the process ends.
import { createHash } from 'node:crypto';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { errorCode } from '../../config/error-code.ts';
import { HoldfastError } from '../../errors.ts';
import { withLocalLock } from '../../stores/folder/lock.ts';

/**
 * Runs `run` while no other process of this machine runs anything under `name`, and resolves to its result. `LOCKED` when one does.
 *
 * On Linux the kernel holds the name, as that of a socket, and releases it when the process ends: a file would stay after `kill -9`,
 * and in a container that starts again nobody could tell whether its owner is still alive.
 */
export async function onlyOne<T>(name: string, run: () => Promise<T>): Promise<T> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  if (process.platform !== 'linux') {
    const holder = { pid: process.pid, host: os.hostname(), begin: new Date() };
    return withLocalLock(os.tmpdir(), `holdfast-${digest}`, holder, run);
  }
  const server = await listen(`\0holdfast-${digest}`, name);
  try {
    return await run();
  } finally {
    server.close();
  }
}

async function listen(address: string, name: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy());
  // It must not keep the process alive.
  server.unref();
  const { promise, resolve, reject } = Promise.withResolvers<net.Server>();
  server.once('error', (cause) => {
    const isHeld = errorCode(cause) === 'EADDRINUSE';
    reject(isHeld ? underWay(name, cause) : cause);
  });
  server.listen(address, () => resolve(server));
  return promise;
}

function underWay(name: string, cause: Error): HoldfastError {
  return new HoldfastError('LOCKED', `another run is under way: ${path.basename(name)}`, {
    hint: 'Wait until it has ended; it does what is due.',
    cause,
  });
}

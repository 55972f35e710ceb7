// A pooler for tests, pgbouncer, before one of their servers: on a free port of this host, run by a user who is not root.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { need } from '../needs/need.ts';
import { plainUser, type PostgresServer } from './postgres.ts';

const program = need('pgbouncer');

export interface Pooler extends AsyncDisposable {
  /** Of a database of the server, through the pooler. */
  url(database: string): string;
}

/** Everybody who connects is the superuser there. */
export async function startPooler(
  server: PostgresServer,
  mode: 'session' | 'transaction' | 'statement',
): Promise<Pooler> {
  const folder = fs.mkdtempSync('/tmp/holdfast-pooler-');
  const port = await freePort();
  const settings = [
    ...['[databases]', `* = host=${server.folder} port=${server.port} user=postgres`],
    ...['[pgbouncer]', 'listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir ='],
    ...['auth_type = any', `pool_mode = ${mode}`, `logfile = ${path.join(folder, 'log')}`],
  ];
  const file = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(file, settings.join('\n'));
  const user = plainUser();
  if (user !== undefined) for (const one of [folder, file]) fs.chownSync(one, user.uid, user.gid);
  const child = spawn(program(), ['-q', file], { cwd: folder, stdio: 'ignore', ...user });
  for (let waited = 0; waited < 30_000 && !(await answers(port)); waited += 25) await sleep(25);
  return {
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    [Symbol.asyncDispose]: async () => {
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exit;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}

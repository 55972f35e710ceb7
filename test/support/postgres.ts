// A PostgreSQL server for tests: in a temporary directory, on a free port of this host and a socket, run by a user who is not root.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../../lib/sources/postgres/server/tools.ts';
import type { PostgresOptions } from '../../lib/sources/postgres/dump/read.ts';
import { need } from '../needs/need.ts';
import { CACHE } from './program.ts';

const SCHEMA = fileURLToPath(new URL('../fixtures/postgres/app.sql', import.meta.url));
/** What connections by TCP have to say; nothing that a test prints may hold it. */
export const PASSWORD = 'canary/p@ss word-7d1f';

/** The folder of the newest server programs of this machine. */
export const binaries = need('postgresql');

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** A user without the rights of root, as whom the server runs; undefined where the tests are not root. */
export function plainUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = fs
    .readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) };
}

let names = 0;

/** The machine that runs the tests; its `initdb` is that of {@link quickPrograms}. */
export const MACHINE: Machine = {
  environment: { PATH: process.env['PATH'] },
  get debianFolder() {
    return quickPrograms();
  },
  random: () => `${process.pid.toString(16)}${(names++).toString(16).padStart(8, '0')}`.slice(-16),
};

export interface PostgresServer extends AsyncDisposable {
  readonly folder: string;
  /** Where its programs are, for `binaries` of a source or a `PATH`. */
  readonly binaries: string;
  readonly port: number;
  /** By the socket, without a password. */
  url(database: string, user?: string): string;
  /** By TCP, with a password. */
  tcpUrl(database: string, user?: string, password?: string): string;
  /** Runs SQL as the superuser; what it printed. Fails when the SQL does. */
  sql(database: string, sql: string): string;
  /** A new database; with the schema of the fixture unless it is to be empty. */
  create(database: string, options?: { empty?: boolean }): void;
  /** Drops a database, if it is there, with its subscriptions, which would keep it. */
  drop(database: string): void;
  /** Runs one of Postgres' programs on a database; what it printed. */
  run(program: string, args: readonly string[], input?: string | Buffer): Buffer;
}

export interface PostgresServerOptions {
  /** The folder of its programs, such as that of `debian13()`. @default that of {@link binaries} */
  readonly programs?: string;
  /** Of the server, besides those that make tests quick. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startPostgres({
  programs = binaries(),
  settings = {},
}: PostgresServerOptions = {}): Promise<PostgresServer> {
  const folder = fs.mkdtempSync('/tmp/holdfast-postgres-');
  const user = plainUser();
  if (user !== undefined) fs.chownSync(folder, user.uid, user.gid);
  copyFolder(clusterOf(programs, user), path.join(folder, 'data'));
  const port = await freePort();
  const child = launch({ folder, port, programs, settings }, user);
  await answers(folder, child);
  return serverAt({ folder, port, programs }, child);
}

/**
 * A folder as Debian's `/usr/lib/postgresql`, with the programs of {@link binaries} but for one: an `initdb` that keeps what the real
 * one makes, and copies it when it is called again with the same options. The real one takes as long as many a test.
 */
function quickPrograms(): string {
  const programs = binaries();
  const clusters = path.join(CACHE, 'clusters');
  const made = path.join(CACHE, `programs-${digestOf(programs)}`);
  if (fs.existsSync(made)) return made;
  fs.mkdirSync(clusters, { recursive: true });
  // Servers run as several users; each takes only what it made itself.
  fs.chmodSync(clusters, 0o1777);
  const draft = `${made}.${process.pid}`;
  const folder = path.join(draft, path.basename(path.dirname(programs)), 'bin');
  fs.mkdirSync(folder, { recursive: true });
  for (const name of fs.readdirSync(programs)) {
    const real = path.join(programs, name);
    if (name !== 'initdb') fs.symlinkSync(real, path.join(folder, name));
    else fs.writeFileSync(path.join(folder, name), keepingInitdb(real, clusters), { mode: 0o755 });
  }
  renameOnce(draft, made);
  return made;
}

function keepingInitdb(real: string, clusters: string): string {
  return `#!/bin/sh
set -e
case "$1" in --pgdata=*) ;; *) exec '${real}' "$@" ;; esac
data=\${1#--pgdata=}
shift
made='${clusters}'/$(id -u)-$('${real}' --version | cksum | tr -d ' ')-$(printf '%s\\n' "$@" | cksum | tr -d ' ')
if [ ! -O "$made" ]; then
  '${real}' --pgdata="$data" "$@"
  cp -R "$data" "$made.$$"
  mv -T "$made.$$" "$made" || rm -rf "$made.$$"
else
  cp -R "$made" "$data"
fi
`;
}

function digestOf(...facts: readonly string[]): string {
  return createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 16);
}

/** Gives a finished draft its name, unless another test was quicker. */
function renameOnce(draft: string, made: string): void {
  try {
    fs.renameSync(draft, made);
  } catch {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/** The folder of a server that was never started, made once for all tests: making it takes as long as many a test. */
function clusterOf(programs: string, user: User | undefined): string {
  const version = spawnSync(path.join(programs, 'postgres'), ['--version']).stdout.toString();
  const owner = String(user?.uid ?? process.getuid?.());
  const made = path.join(CACHE, `cluster-${digestOf(programs, version, owner, PASSWORD)}`);
  if (fs.existsSync(made)) return made;
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync('/tmp/holdfast-postgres-');
  if (user !== undefined) fs.chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  fs.writeFileSync(path.join(folder, 'password'), PASSWORD, { mode: 0o644 });
  const initdb = spawnSync(
    path.join(programs, 'initdb'),
    [
      ...[`--pgdata=${data}`, '--username=postgres', '--no-sync', '--encoding=UTF8'],
      ...['--locale=C.UTF-8', '--auth-local=trust', '--auth-host=scram-sha-256'],
      `--pwfile=${path.join(folder, 'password')}`,
    ],
    { cwd: folder, ...user, encoding: 'utf8' },
  );
  if (initdb.status !== 0) throw new Error(`initdb: ${initdb.stderr}`);
  const draft = `${made}.${process.pid}`;
  copyFolder(data, draft);
  renameOnce(draft, made);
  fs.rmSync(folder, { recursive: true, force: true });
  return made;
}

function copyFolder(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp: ${stderr}`);
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly programs: string;
}

function launch(
  {
    folder,
    port,
    programs,
    settings: more,
  }: Place & Required<Pick<PostgresServerOptions, 'settings'>>,
  user: User | undefined,
): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    fsync: 'off',
    max_connections: '40',
    shared_buffers: '64MB',
    log_min_messages: 'fatal',
    // Else initdb takes over the zone of the machine, and the rows of the fixtures would be of other times.
    timezone: 'UTC',
    ...more,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = path.join(programs, 'postgres');
  const log = fs.openSync(path.join(folder, 'log'), 'a');
  const child = spawn(server, ['-D', path.join(folder, 'data'), '-k', folder, ...options], {
    cwd: folder,
    stdio: ['ignore', log, log],
    ...user,
  });
  fs.closeSync(log);
  return child;
}

async function answers(folder: string, child: ChildProcess): Promise<void> {
  const file = path.join(folder, 'data', 'postmaster.pid');
  for (let waited = 0; waited < 30_000; waited += 25) {
    if (child.exitCode !== null) break;
    if (fs.existsSync(file) && /^ready\s*$/m.test(fs.readFileSync(file, 'utf8'))) return;
    await sleep(25);
  }
  throw new Error(`the server did not start: ${fs.readFileSync(path.join(folder, 'log'), 'utf8')}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function serverAt({ folder, port, programs }: Place, child: ChildProcess): PostgresServer {
  const env = { PATH: process.env['PATH'] ?? '', PGHOST: folder, PGPORT: String(port) };
  const run = (program: string, args: readonly string[], input: string | Buffer = '') => {
    const ended = spawnSync(path.join(programs, program), args, {
      env: { ...env, PGUSER: 'postgres', LC_ALL: 'C' },
      input,
      maxBuffer: 1 << 30,
    });
    if (ended.status === 0) return ended.stdout;
    throw new Error(`${program}: ${ended.stderr.toString()}`);
  };
  const sql = (database: string, text: string) =>
    run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', database], text)
      .toString()
      .trimEnd();
  return {
    folder,
    binaries: programs,
    port,
    url: (database, user = 'postgres') =>
      `postgres:///${database}?host=${folder}&port=${port}&user=${user}`,
    tcpUrl: (database, user = 'postgres', password = PASSWORD) =>
      `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    sql,
    create: (database, { empty = false } = {}) => {
      sql('postgres', `CREATE DATABASE "${database}"`);
      if (!empty) sql(database, fs.readFileSync(SCHEMA, 'utf8'));
    },
    drop: (database) => {
      const subscriptions = sql(
        'postgres',
        `SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I;', subname) FROM pg_subscription
         WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = '${database}')`,
      );
      if (subscriptions !== '') sql(database, subscriptions);
      sql('postgres', `DROP DATABASE IF EXISTS "${database}"`);
    },
    run,
    [Symbol.asyncDispose]: async () => {
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGQUIT');
      await exit;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A source as configured with nothing but its connection. */
export function postgresOptions(
  url: string,
  changes: Partial<PostgresOptions> = {},
): PostgresOptions {
  return {
    name: 'db',
    url: () => Promise.resolve(url),
    urlFrom: 'env:DATABASE_URL',
    binaries: undefined,
    lockWaitTimeoutSeconds: 60,
    timestamps: [],
    maxDatabaseBytes: undefined,
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    format: 'plain',
    jobs: undefined,
    schemas: [],
    excludeSchemas: [],
    tables: [],
    excludeTables: [],
    ...changes,
  };
}

// A server of our own to try a dump on: in a private folder, reached by a socket in it alone, run by a user who may do nothing else,
// and gone when this process is gone, however it ends.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS } from '../../../durations.ts';
import { HoldfastError } from '../../../errors.ts';
import { confinement, owner, scratchParent } from './confinement.ts';
import type { Connection } from './connection.ts';
import { namingEnvironment } from './user-name.ts';
import type { Confinement } from './process.ts';
import { baseEnvironment, type Machine, type Server } from './tools.ts';

export const SCRATCH_PREFIX = 'holdfast-scratch-postgres-';
/** Superuser of a scratch server, unless it is to have the name of another server's. */
const SUPERUSER = 'holdfast_scratch';
const START_SECONDS = 120;
const STOP_SECONDS = 20;
/** What a process of the server may take, in KiB of address space: a dump that makes it grow ends it, and not the machine. */
const MAX_PROCESS_KIB = 16 << 20;
/** A folder that no server has used for so long was left by a machine that was switched off. */
const LEFTOVER_MS = DAY_MS;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  autovacuum: 'off',
  jit: 'off',
  max_connections: '20',
  shared_buffers: '128MB',
  maintenance_work_mem: '256MB',
  work_mem: '32MB',
  max_locks_per_transaction: '2048',
  logging_collector: 'off',
  log_min_messages: 'fatal',
  // Where there is no /dev/shm, files serve.
  dynamic_shared_memory_type: 'mmap',
};

/**
 * Makes the server and runs it until the pipe to this process closes, also when the process was killed; then removes the folder.
 * A shell starts what runs beside it without SIGINT and SIGQUIT: the server sets these up again by itself, and initdb ends by SIGTERM.
 */
const GUARD = `
folder=$0
programs=$1
superuser=$2
shift 2
ulimit -v ${MAX_PROCESS_KIB} 2>/dev/null
exec 3<&0
run() {
  "$@" >"$folder/log" 2>&1 </dev/null 3<&- &
  running=$!
  (read -r _ <&3; kill -TERM "$running"; kill -QUIT "$running") 2>/dev/null >/dev/null &
  guard=$!
  wait "$running"
  status=$?
  kill "$guard" 2>/dev/null
}
run "$programs/initdb" --pgdata="$folder/data" --username="$superuser" --auth=trust --encoding=UTF8 --locale=C --no-sync --no-instructions
[ "$status" = 0 ] && run "$programs/postgres" -D "$folder/data" -k "$folder" "$@"
tail -n 5 "$folder/log" >&2
rm -rf "$folder"
exit "$status"
`;

export interface ScratchInput {
  readonly machine: Machine;
  readonly tools: Server;
  /** Where it may have its folder; absolute. */
  readonly parent: string;
  /** The name of its superuser, where it is to be the one of another server. */
  readonly superuser?: string | undefined;
  /** Besides those that every scratch server has. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** A server that runs; disposed, it is gone with all that it held. */
export class ScratchServer implements AsyncDisposable {
  readonly folder: string;
  readonly confinement: Confinement;
  readonly superuser: string;
  private readonly guard: ChildProcess;

  private constructor({ folder, superuser }: Place, guard: ChildProcess, confined: Confinement) {
    this.folder = folder;
    this.superuser = superuser;
    this.guard = guard;
    this.confinement = confined;
  }

  /** Makes a server and waits until it answers. `COMMAND_FAILED` when it cannot be made, `NO_SPACE` when there is no room. */
  static async start(input: ScratchInput): Promise<ScratchServer> {
    const parent = scratchParent(input.parent);
    const folder = path.join(parent, `${SCRATCH_PREFIX}${input.machine.random()}`);
    makePrivate(folder);
    sweepLeftovers(parent, folder);
    const confined = confinement();
    try {
      const env = environment(folder, input.machine);
      const place = { folder, env, superuser: usable(input.superuser) };
      const guard = launch(place, input, confined);
      const server = new ScratchServer(place, guard, confined);
      try {
        await server.ready(input.signal);
      } catch (error) {
        await server[Symbol.asyncDispose]();
        throw error;
      }
      return server;
    } catch (error) {
      fs.rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** How to reach one of its databases, in sessions that have some settings. */
  connection(database: string, settings: Readonly<Record<string, string>> = {}): Connection {
    const { folder, superuser } = this;
    const options = Object.entries(settings).map(([name, value]) => `-c ${escaped(name, value)}`);
    const env = {
      ...{ PGHOST: folder, PGUSER: superuser, PGDATABASE: database },
      ...(options.length > 0 && { PGOPTIONS: options.join(' ') }),
    };
    const label = `the scratch server/${database}`;
    return { env, label, database, user: superuser, port: '5432', password: undefined };
  }

  /** Makes a folder in which the server may keep something, and gives its path. */
  makeFolder(name: string): string {
    const made = path.join(this.folder, name);
    makePrivate(made);
    return made;
  }

  private async ready(signal: AbortSignal | undefined): Promise<void> {
    const file = path.join(this.folder, 'data', 'postmaster.pid');
    const said: Buffer[] = [];
    this.guard.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
    for (let waited = 0; waited < START_SECONDS * 1000; waited += 25) {
      if (signal?.aborted === true)
        throw new HoldfastError('CANCELLED', 'the test was interrupted');
      if (this.guard.exitCode !== null || this.guard.signalCode !== null) break;
      if (/^ready\s*$/m.test(textOf(file) ?? '')) return;
      await sleep(25);
    }
    const words = Buffer.concat(said).toString('utf8').trim().split('\n').slice(-3).join('; ');
    const full = /No space left on device|Disk quota exceeded/i.test(words);
    throw new HoldfastError(
      full ? 'NO_SPACE' : 'COMMAND_FAILED',
      `the scratch server did not start: ${words}`,
      full ? { hint: `Make room in ${path.dirname(this.folder)}, or set TMPDIR.` } : {},
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { guard } = this;
    const gone = guard.exitCode !== null || guard.signalCode !== null;
    const exit = gone
      ? undefined
      : new Promise<void>((resolve) => guard.once('exit', () => resolve()));
    guard.stdin?.end();
    if (exit !== undefined) {
      await Promise.race([exit, sleep(STOP_SECONDS * 1000, undefined, { ref: false })]);
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A name that initdb takes. */
function usable(superuser: string | undefined): string {
  const taken = superuser !== undefined && /^(?!pg_)[^\0\n\r]{1,63}$/.test(superuser);
  return taken ? superuser : SUPERUSER;
}

/** In an option of a connection, blanks divide words. */
function escaped(name: string, value: string): string {
  return `${name}=${value}`.replaceAll(/[\\\s]/g, '\\$&');
}

function makePrivate(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new HoldfastError(
      full ? 'NO_SPACE' : 'COMMAND_FAILED',
      `a scratch folder cannot be made at ${folder}: ${code}`,
      { hint: 'Set TMPDIR to a folder with room, in which everybody may make a folder.', cause },
    );
  }
  const { uid, gid } = owner() ?? {};
  if (uid !== undefined && gid !== undefined) fs.chownSync(folder, uid, gid);
}

interface Place {
  readonly folder: string;
  readonly superuser: string;
  /** What its programs see of an environment. */
  readonly env: Readonly<Record<string, string>>;
}

function environment(folder: string, machine: Machine): Place['env'] {
  const { uid, gid } = owner() ?? { uid: process.getuid?.(), gid: process.getgid?.() };
  const naming =
    uid === undefined || gid === undefined ? {} : namingEnvironment(folder, { uid, gid }, machine);
  // Its home is its own folder, not that of the user who started it.
  return { ...baseEnvironment(machine), HOME: folder, ...naming };
}

function launch(
  { folder, env, superuser }: Place,
  { tools, settings }: ScratchInput,
  { prefix, user }: Confinement,
): ChildProcess {
  const all = Object.entries({ ...SETTINGS, ...settings });
  const options = all.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const guarded = [GUARD, folder, tools.serverFolder, superuser, ...options];
  const [program = 'sh', ...args] = [...prefix, 'sh', '-c', ...guarded];
  const guard = spawn(program, args, {
    cwd: folder,
    env: { ...env, LC_ALL: 'C', TMPDIR: folder },
    stdio: ['pipe', 'ignore', 'pipe'],
    ...user,
  });
  guard.stdin.on('error', () => undefined);
  guard.on('error', () => undefined);
  return guard;
}

/** Removes what a machine that was switched off has left. Its age is the difference to `fresh`, which was made just now: one clock. */
function sweepLeftovers(parent: string, fresh: string): void {
  const nowMs = fs.statSync(fresh).mtimeMs;
  for (const name of fs.readdirSync(parent)) {
    if (!name.startsWith(SCRATCH_PREFIX)) continue;
    const folder = path.join(parent, name);
    const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
    const mine = stats?.uid === (owner()?.uid ?? process.getuid?.());
    if (stats?.isDirectory() !== true || !mine || nowMs - stats.mtimeMs < LEFTOVER_MS) continue;
    if (!isServed(folder)) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Undefined for a file that is not there, or no longer: initdb has one of that name while it works. */
function textOf(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether a server still runs on the folder. */
function isServed(folder: string): boolean {
  const pid = Number(textOf(path.join(folder, 'data', 'postmaster.pid'))?.split('\n')[0]);
  return Number.isInteger(pid) && pid > 1 && fs.existsSync(`/proc/${pid}`);
}

// Which extensions the server programs of this machine have, and what a server needs to start with for some of them.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { outputOf } from './process.ts';
import { baseEnvironment, type Machine, type Server } from './tools.ts';

/** Names of the extensions that a server of this machine could create. */
export async function knownExtensions(
  machine: Machine,
  server: Server,
): Promise<ReadonlySet<string>> {
  const files = readdirSync(path.join(await sharedFolder(machine, server), 'extension'));
  const control = files.filter((name) => name.endsWith('.control'));
  return new Set(control.map((name) => name.slice(0, -'.control'.length)));
}

/** Extensions that are created only where the server has loaded their library, and what they are told besides. */
const PRELOADED: Readonly<Record<string, (database: string) => Readonly<Record<string, string>>>> =
  {
    pg_cron: (database) => ({ 'cron.database_name': database }),
    pgaudit: () => ({}),
    timescaledb: () => ({}),
  };

/** True when a server has to know of an extension before it starts. */
export function needsPreloading(extension: string): boolean {
  return Object.hasOwn(PRELOADED, extension);
}

/** Settings that a server needs to start with, so that some extensions can be created in a database of it. */
export function preloading(
  extensions: readonly string[],
  database: string,
): Record<string, string> {
  const libraries = extensions.filter(needsPreloading);
  if (libraries.length === 0) return {};
  const told = libraries.flatMap((name) => Object.entries(PRELOADED[name]?.(database) ?? {}));
  return {
    shared_preload_libraries: libraries.join(','),
    // What they would do by themselves, such as run the jobs of the database, is not done: nothing of theirs may start.
    max_worker_processes: '0',
    ...Object.fromEntries(told),
  };
}

async function sharedFolder(machine: Machine, { serverFolder }: Server): Promise<string> {
  const file = path.join(serverFolder, 'pg_config');
  // An embedded server brings none, and keeps what is shared beside its programs.
  if (!existsSync(file)) return path.join(serverFolder, '../share/postgresql');
  const output = await outputOf({
    file,
    args: ['--sharedir'],
    env: baseEnvironment(machine),
    signal: undefined,
    secrets: [],
    failure: 'COMMAND_FAILED',
    what: 'pg_config --sharedir',
  });
  return output.toString('utf8').trim();
}

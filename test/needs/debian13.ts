// The root file system of the database image without a container engine: Debian 13 by debootstrap, then the image's own install.sh.
// Made once on a machine, never changed, and used by any number of tests at once, each in a mount namespace of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SECURITY_FLOORS } from '../../lib/names/postgres-releases.ts';
import { DOCKERFILE } from '../support/dockerfile.ts';
import { nameFor, runProgram } from './cache.ts';

const INSTALL = join(import.meta.dirname, '../../lambda/database/install.sh');
const ENTER = join(import.meta.dirname, 'debian13-enter.sh');
// Not below the home of root: servers run as users who may not look in there.
const CACHE = '/var/cache/holdfast-tests';
const MAJOR = 17;
/** What the image has besides, and whoever runs something inside mounts: our code and Node. */
const MOUNTED = { code: 'var/task', node: 'usr/local/bin/node' } as const;
/** What the image gives to install.sh unless told otherwise. */
const ARGUMENTS = {
  PG_MAJOR: String(MAJOR),
  PG_FLOOR: `${MAJOR}.${SECURITY_FLOORS[MAJOR]}`,
  PG_EXTENSIONS: DOCKERFILE.args['PG_EXTENSIONS'] ?? '',
  LOCALES: DOCKERFILE.args['LOCALES'] ?? '',
};

const RECIPE = [
  ...[INSTALL, ENTER].map((file) => readFileSync(file, 'utf8')),
  JSON.stringify([ARGUMENTS, MOUNTED]),
];
const FOLDER = join(CACHE, nameFor('debian13', ...RECIPE));

/** The folder with `root`, the file system, and `bin`, the programs of PostgreSQL; undefined when it was not made yet. */
export function debian13Folder(): string | undefined {
  return existsSync(FOLDER) ? FOLDER : undefined;
}

/** Makes it, by root: two minutes. */
export async function makeDebian13(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const making = await mkdtemp(`${FOLDER}.making-`);
  try {
    await chmod(making, 0o755);
    const root = join(making, 'root');
    await bootstrap(root);
    await install(root);
    await writeScripts(root, join(making, 'bin'));
    // Whoever finds the folder finds all of it.
    await rename(making, FOLDER);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Where this machine gets Debian's packages, and their security fixes. */
function mirrors(): { packages: string; security: string } {
  const args = ['indextargets', '--format', '$(REPO_URI)'];
  const printed = execFileSync('apt-get', args, { encoding: 'utf8' });
  const known = printed.split('\n').map((one) => one.replace(/\/$/, ''));
  const packages = known.find((one) => one.endsWith('/debian'));
  if (packages === undefined) throw new Error('apt of this machine knows no mirror of Debian');
  return {
    packages,
    security: known.find((one) => one.endsWith('-security')) ?? `${packages}-security`,
  };
}

/** What the base image holds: the smallest Debian, and where its packages and their security fixes come from. */
async function bootstrap(root: string): Promise<void> {
  const { packages, security } = mirrors();
  await runProgram('debootstrap', ['--variant=minbase', 'trixie', root, packages]);
  const suites = [
    `deb ${packages} trixie main`,
    `deb ${packages} trixie-updates main`,
    `deb ${security} trixie-security main`,
  ];
  await writeFile(join(root, 'etc/apt/sources.list'), `${suites.join('\n')}\n`);
}

async function install(root: string): Promise<void> {
  await copyFile(INSTALL, join(root, 'tmp/install.sh'));
  const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  await runProgram('chroot', [root, 'sh', '/tmp/install.sh'], { env: { PATH, ...ARGUMENTS } });
  await rm(join(root, 'tmp/install.sh'));
  await mkdir(join(root, MOUNTED.code), { recursive: true });
  await writeFile(join(root, MOUNTED.node), '', { mode: 0o755 });
}

async function writeScripts(root: string, binaries: string): Promise<void> {
  await mkdir(binaries);
  await copyFile(ENTER, join(binaries, 'enter'));
  await chmod(join(binaries, 'enter'), 0o755);
  const inside = `/usr/lib/postgresql/${MAJOR}/bin`;
  for (const program of await readdir(join(root, inside))) {
    const script = `#!/bin/sh\nexec "\${0%/*}/enter" ${inside}/${program} "$@"\n`;
    await writeFile(join(binaries, program), script, { mode: 0o755 });
  }
}

// The root file system of the database image without a container engine: Debian 13 by debootstrap, then the image's own install.sh.
// Made once on a machine, never changed, and used by any number of tests at once, each in a mount namespace of its own.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DOCKERFILE } from './dockerfile.ts';
import { underLock } from './lock.ts';

const run = promisify(execFile);

const INSTALL = fileURLToPath(new URL('../../lambda/database/install.sh', import.meta.url));
const ENTER = fileURLToPath(new URL('debian13-enter.sh', import.meta.url));
// Not below the home of root: servers run as users who may not look in there.
const CACHE = '/var/cache/holdfast-tests';
const BUILD_LIMIT_MS = 15 * 60_000;
/** The major version in it. */
export const MAJOR = 17;
/** What the image has besides, and whoever runs something inside mounts: our code and Node. */
export const MOUNTED = { code: 'var/task', node: 'usr/local/bin/node' } as const;

export interface Debian13 {
  /** The root of the file system. Nothing may write to it. */
  readonly root: string;
  /** A folder with PostgreSQL's programs, each a script of this machine that runs the one inside: `/tmp` and the users are this machine's. */
  readonly binaries: string;
}

/** The file system, made first where it is not there yet: two minutes. Fails when not root, or without debootstrap. */
export async function debian13(): Promise<Debian13> {
  const files = [INSTALL, ENTER].map((file) => readFileSync(file, 'utf8'));
  const recipe = JSON.stringify([...files, argumentsOfInstall(), MOUNTED]);
  const digest = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const folder = join(CACHE, `debian13-${digest}`);
  if (!existsSync(folder)) {
    await underLock(`${folder}.lock`, BUILD_LIMIT_MS, () => build(folder));
  }
  return { root: join(folder, 'root'), binaries: join(folder, 'bin') };
}

async function build(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  if (process.getuid?.() !== 0) throw new Error('debootstrap has to be run as root');
  const making = await mkdtemp(`${folder}.making-`);
  try {
    await chmod(making, 0o755);
    const root = join(making, 'root');
    await bootstrap(root);
    await install(root);
    await writeScripts(root, join(making, 'bin'));
    // Whoever finds the folder finds all of it.
    await rename(making, folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Where this machine gets Debian's packages, and their security fixes. */
async function mirrors(): Promise<{ packages: string; security: string }> {
  const { stdout } = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const known = stdout.split('\n').map((one) => one.replace(/\/$/, ''));
  const packages = known.find((one) => one.endsWith('/debian'));
  if (packages === undefined) throw new Error('apt of this machine knows no mirror of Debian');
  return {
    packages,
    security: known.find((one) => one.endsWith('-security')) ?? `${packages}-security`,
  };
}

/** What the base image holds: the smallest Debian, and where its packages and their security fixes come from. */
async function bootstrap(root: string): Promise<void> {
  const { packages, security } = await mirrors();
  const args = ['--variant=minbase', 'trixie', root, packages];
  await run('debootstrap', args, { timeout: BUILD_LIMIT_MS, maxBuffer: 1 << 26 }).catch(
    (cause: unknown) => {
      throw new Error('debootstrap failed; these tests need it: apt-get install debootstrap', {
        cause,
      });
    },
  );
  const suites = [
    `deb ${packages} trixie main`,
    `deb ${packages} trixie-updates main`,
    `deb ${security} trixie-security main`,
  ];
  await writeFile(join(root, 'etc/apt/sources.list'), `${suites.join('\n')}\n`);
}

async function install(root: string): Promise<void> {
  await copyFile(INSTALL, join(root, 'tmp/install.sh'));
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...argumentsOfInstall(),
  };
  const options = { env, timeout: BUILD_LIMIT_MS, maxBuffer: 1 << 26 };
  await run('chroot', [root, 'sh', '/tmp/install.sh'], options);
  await rm(join(root, 'tmp/install.sh'));
  await mkdir(join(root, MOUNTED.code), { recursive: true });
  await writeFile(join(root, MOUNTED.node), '', { mode: 0o755 });
}

/** What the image gives to install.sh unless told otherwise. */
function argumentsOfInstall(): Record<string, string> {
  const { PG_EXTENSIONS = '', LOCALES = '' } = DOCKERFILE.args;
  return { PG_MAJOR: String(MAJOR), PG_EXTENSIONS, LOCALES };
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

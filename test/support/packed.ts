// The file that npm would publish, and folders outside the checkout in which it is installed.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { underLock } from '../needs/lock.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

/** What a team installs beside Holdfast to make stacks. */
export const FOR_STACKS = ['aws-cdk', 'aws-cdk-lib', 'constructs'] as const;

/** Without what `npm test` adds for its own package; where npm gets packages from, and keeps them, stays. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const ofTheTests = /^(INIT_CWD|npm_(package_|lifecycle_|config_local_prefix|command).*)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTheTests.test(name)));
}

/** Runs npm in `folder`; an error with all that it said when it fails. */
export async function npm(folder: string, ...args: readonly string[]): Promise<void> {
  await run('npm', args, { cwd: folder, env: plainEnvironment(), maxBuffer: 1 << 26 });
}

/** Builds and packs as npm does before it publishes, and returns the file in `folder`. */
export async function pack(folder: string): Promise<string> {
  // Two tests that build would remove each other's dist.
  await underLock(`pack ${ROOT}`, () => npm(ROOT, 'pack', '--pack-destination', folder));
  const [packed] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  if (packed === undefined) throw new Error(`npm pack left nothing in ${folder}`);
  return join(folder, packed);
}

/**
 * Puts the packed file into `folder`/node_modules, and links of `others` to those that the checkout has: what npm would install, without
 * fetching it.
 */
export async function install(
  packed: string,
  folder: string,
  others: readonly string[],
): Promise<void> {
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'holdfast');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  mkdirSync(own);
  await run('tar', ['-xzf', packed, '--strip-components=1', '-C', own]);
  symlinkSync('../holdfast/dist/holdfast.js', join(modules, '.bin/holdfast'));
  link(folder, others);
}

/** Puts links to packages that the checkout has into `folder`/node_modules. */
export function link(folder: string, packages: readonly string[]): void {
  const modules = join(folder, 'node_modules');
  for (const name of packages) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
}

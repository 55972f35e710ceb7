// The command line in a process of its own, with a home of its own: what a user types, and what comes back.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { CACHE, PROGRAM } from './program.ts';

// Root may read everything, unless these capabilities are taken from it.
const PLAIN_USER =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search,-fowner']
    : [];

export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a `home` and a `site` in it, removed by `remove`. */
export interface Place {
  readonly root: string;
  readonly home: string;
  readonly site: string;
  /** Runs `holdfast` with these arguments in the site, or in `cwd`. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** The document that `holdfast … --json` prints. */
  json(args: readonly string[], options?: RunOptions): Promise<Record<string, unknown>>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Without the right of root to read and write what its mode forbids. */
  readonly unprivileged?: boolean;
  /** Nobody reads the standard output: the pipe is closed. */
  readonly unread?: boolean;
}

export async function makePlace(): Promise<Place> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-cli-')));
  const [home, site] = [join(root, 'home'), join(root, 'site')];
  await mkdir(home);
  await mkdir(site);
  const run = (args: readonly string[], options: RunOptions = {}) => {
    const user = options.unprivileged === true ? PLAIN_USER : [];
    // Nothing of the user who runs the tests may decide how they end.
    const own = { HOME: home, XDG_CACHE_HOME: CACHE };
    const env = { PATH: process.env['PATH'] ?? '', ...own, ...options.env };
    const command = [...user, process.execPath, PROGRAM, ...args];
    return start(command, { cwd: site, ...options, env });
  };
  return {
    root,
    home,
    site,
    run,
    json: async (args, options) =>
      JSON.parse((await run([...args, '--json'], options)).stdout) as Record<string, unknown>,
    write: async (files) => {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(site, name)), { recursive: true });
        await writeFile(join(site, name), content);
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

function start(
  [program = '', ...args]: readonly string[],
  { cwd, env, unread }: RunOptions,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    if (unread === true) child.stdout.destroy();
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (exit) => {
      resolve({
        exit,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

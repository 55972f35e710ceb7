// Runs git on a repository that nobody vouches for: no hook, filter or monitor of it is executed, no remote is asked, and nothing is
// written into it.
import type { ChildProcessByStdio } from 'node:child_process';
import { isAbsolute } from 'node:path';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import { startChild } from '../../processes/child.ts';

export interface GitOptions {
  /** `PATH` and `HOME` are taken from it, nothing else: a `GIT_DIR` of the caller's own would lead to another repository. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** For each process; 30 by default. */
  readonly timeoutSeconds?: number;
}

/** What a git process printed, or why there is nothing to read. */
export type GitOutcome =
  | { readonly output: Buffer; /** More was printed than kept. */ readonly cut: boolean }
  | { readonly failure: string; readonly exitCode?: number };

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_ERROR_BYTES = 4096;
const MAX_FILTERS = 100;

const SETTINGS = [
  // Empty, not "false": before git 2.36 the value was the path of a program to run.
  'core.fsmonitor=',
  'core.hooksPath=/dev/null',
  'core.untrackedCache=false',
  'core.pager=cat',
  'status.submoduleSummary=false',
  'safe.bareRepository=explicit',
].flatMap((setting) => ['-c', setting]);

/** A repository that may be read: the folder to work in, and its own settings overruled where they would run something. */
export interface SafeGit {
  run(args: readonly string[]): Promise<GitOutcome>;
  /** The names of the filters that are switched off, as far as they are configured. */
  readonly filters: readonly string[];
}

/**
 * Prepares git for `folder`, whose working tree begins at `top`.
 *
 * `git status` runs the filters that `.gitattributes` names, by commands that the repository's own configuration may define.
 * They are listed first, which runs none, and then switched off one by one.
 *
 * @returns the reason, when git is missing or the repository cannot be read safely
 * @throws `CANCELLED`
 */
export async function prepareGit(
  folder: string,
  top: string,
  options: GitOptions,
): Promise<SafeGit | { readonly failure: string }> {
  const run = (args: readonly string[]): Promise<GitOutcome> => runGit(folder, top, args, options);
  const list = ['config', '--null', '--name-only', '--get-regexp', '^filter\\.'];
  const listed = await run(list);
  // Exit code 1 is git's way to say that there is none.
  if ('failure' in listed && listed.exitCode !== 1) return { failure: listed.failure };
  const keys = 'output' in listed ? listed.output.toString('latin1').split('\0') : [];
  const names = new Set(keys.map((key) => key.slice('filter.'.length, key.lastIndexOf('.'))));
  names.delete('');
  const filters = [...names];
  // `-c` ends a key at the first "=", and arguments have to be text: such a filter could not be switched off.
  const odd = filters.find((name) => !/^[ -<>-~]+$/.test(name));
  if (odd !== undefined || filters.length > MAX_FILTERS || ('cut' in listed && listed.cut)) {
    return {
      failure: 'it configures filters that cannot be switched off, so git was not run on it',
    };
  }
  const off = filters.flatMap((name) =>
    ['clean=', 'smudge=', 'process=', 'required=false'].flatMap((setting) => [
      '-c',
      `filter.${name}.${setting}`,
    ]),
  );
  return { filters, run: (args) => run([...off, ...args]) };
}

function environmentOf(
  environment: GitOptions['environment'],
  ceiling: string,
): Record<string, string> {
  const path = environment['PATH'] ?? DEFAULT_PATH;
  return {
    // A relative folder in PATH would find a `git` that lies in the tree.
    PATH: path
      .split(':')
      .filter((folder) => isAbsolute(folder))
      .join(':'),
    ...(environment['HOME'] !== undefined && { HOME: environment['HOME'] }),
    LC_ALL: 'C',
    GIT_CEILING_DIRECTORIES: ceiling,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_PAGER: 'cat',
    // A partial clone fetches what is missing, by programs that its configuration names. No protocol is called "none".
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
  };
}

async function runGit(
  folder: string,
  top: string,
  args: readonly string[],
  options: GitOptions,
): Promise<GitOutcome> {
  const { signal, environment, timeoutSeconds = 30 } = options;
  const throwIfCancelled = () => {
    if (signal?.aborted === true) throw cancelled(signal);
  };
  throwIfCancelled();
  const ceiling = top.slice(0, top.lastIndexOf('/')) || '/';
  const { child, ended } = startChild<ChildProcessByStdio<null, Readable, Readable>>(
    {
      file: 'git',
      args: ['--no-pager', '-C', folder, ...SETTINGS, ...args],
      options: {
        cwd: '/',
        env: environmentOf(environment, ceiling),
        stdio: ['ignore', 'pipe', 'pipe'],
        windowsHide: true,
      },
    },
    signal,
    stop,
  );
  const output = collect(MAX_OUTPUT_BYTES, () => stop(child));
  const errors = collect(MAX_ERROR_BYTES, () => undefined);
  child.stdout.on('data', output.add);
  child.stderr.on('data', errors.add);
  const late = AbortSignal.timeout(timeoutSeconds * 1000);
  const stopLate = () => stop(child);
  late.addEventListener('abort', stopLate);
  const { exitCode, notStarted } = await ended;
  late.removeEventListener('abort', stopLate);
  if (notStarted !== undefined) return { failure: whyNotStarted(notStarted) };
  throwIfCancelled();
  if (late.aborted) return { failure: `git took longer than ${timeoutSeconds} s` };
  if (exitCode === 0 || output.cut()) return { output: output.bytes(), cut: output.cut() };
  return { failure: reasonOf(errors.bytes()), ...(exitCode !== null && { exitCode }) };
}

function stop(child: ChildProcessByStdio<null, Readable, Readable>): void {
  child.kill('SIGKILL');
  // Something that git started may hold the pipes open; without this, `close` would wait for it.
  child.stdout.destroy();
  child.stderr.destroy();
}

function whyNotStarted({ code, message }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'git is not installed' : `git could not be run: ${message}`;
}

function cancelled(signal: AbortSignal): HoldfastError {
  return new HoldfastError('CANCELLED', 'interrupted while reading the state of git', {
    cause: signal.reason,
  });
}

function reasonOf(stderr: Buffer): string {
  const text = stderr.toString('utf8');
  if (text.includes('dubious ownership')) {
    return 'it belongs to another user; `git config --global --add safe.directory <folder>` makes git read it';
  }
  const fatal = text.split('\n').find((line) => line.startsWith('fatal:')) ?? text.split('\n')[0];
  return `git says: ${displayText(fatal ?? '').slice(0, 300)}`;
}

interface Collected {
  readonly add: (chunk: Buffer) => void;
  readonly bytes: () => Buffer;
  readonly cut: () => boolean;
}

function collect(maxBytes: number, whenFull: () => void): Collected {
  const chunks: Buffer[] = [];
  let total = 0;
  return {
    add(chunk) {
      if (total > maxBytes) return;
      total += chunk.length;
      chunks.push(chunk);
      if (total > maxBytes) whenFull();
    },
    bytes: () => Buffer.concat(chunks).subarray(0, maxBytes),
    cut: () => total > maxBytes,
  };
}

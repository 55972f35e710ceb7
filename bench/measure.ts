// One command, measured from outside: wall time, CPU time of all its processes, peak memory of the largest of them.
import { spawn, spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** A command as a tool wants it run. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What one run took. CPU and memory are absent where there is no Python to ask the kernel for them. */
export interface Usage {
  readonly wallSeconds: number;
  readonly cpuSeconds?: number;
  readonly peakRssBytes?: number;
}

/** How a run ended: with what it took, or with why it failed. */
export type Outcome = { readonly usage: Usage } | { readonly failure: string };

// Node's own resourceUsage() leaves children out; wait4() counts every descendant that was waited for. The clock starts after
// Python has, so its start is not counted.
const WATCHER = `
import json, os, sys, time
os.set_inheritable(3, False)
begin = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - begin
unit = 1 if sys.platform == 'darwin' else 1024
os.write(3, json.dumps({
  'wallSeconds': wall, 'cpuSeconds': usage.ru_utime + usage.ru_stime, 'peakRssBytes': usage.ru_maxrss * unit,
}).encode())
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`;
const TAIL_CHARACTERS = 600;

/** Whether the kernel can be asked for CPU and memory on this machine. */
export const WATCHED = spawnSync('python3', ['-c', 'import os; os.posix_spawnp']).status === 0;

// What npm and the user's settings put there must not decide a comparison.
function environment(extra: Readonly<Record<string, string>> | undefined): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, LANG: 'C.UTF-8', ...extra };
}

/** Runs a command with its output kept for the failure alone, and measures it. Never throws for a command that fails. */
export async function measure(command: Command): Promise<Outcome> {
  const [file, ...rest] = command.argv;
  const argv = WATCHED ? ['python3', '-IS', '-c', WATCHER, file, ...rest] : [file, ...rest];
  const begin = performance.now();
  const child = spawn(argv[0] ?? file, argv.slice(1), {
    cwd: command.cwd,
    env: environment(command.env),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let report = '';
  const keep = (data: Buffer): void => {
    output = (output + data.toString()).slice(-TAIL_CHARACTERS);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.stdio[3]?.on('data', (data: Buffer) => (report += data.toString()));
  const code = await new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  const wallSeconds = (performance.now() - begin) / 1000;
  if (code !== 0) return { failure: `${file} ended with ${code}: ${output.trim()}` };
  return { usage: WATCHED ? (JSON.parse(report) as Usage) : { wallSeconds } };
}

/** Runs a command that is not measured. Throws when it fails. */
export async function runUnmeasured(command: Command): Promise<void> {
  const outcome = await measure(command);
  if ('failure' in outcome) throw new Error(outcome.failure);
}

/** The first line that `argv` prints, or undefined when it cannot be run. */
export function firstLine(...argv: readonly [string, ...string[]]): string | undefined {
  const result = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
  if (result.error !== undefined || result.status !== 0) return undefined;
  return `${result.stdout}${result.stderr}`.trim().split('\n')[0];
}

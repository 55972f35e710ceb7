// Commands that are run after a restore: building, testing, whatever tells that what was restored works.
import type { ChildProcessByStdio, SpawnOptions } from 'node:child_process';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { HoldfastError } from '../../errors.ts';
import { startChild } from '../../processes/child.ts';

export interface CommandResult {
  readonly command: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly durationMs: number;
  /** The end of what it printed, both streams as they came. */
  readonly output: string;
}

const KEPT_OUTPUT = 8192;

/** Runs commands in a shell in `folder`, one after the other, until one fails. `CANCELLED` when interrupted: they are stopped. */
export async function runCommands(
  commands: readonly string[],
  options: { folder: string; environment: NodeJS.ProcessEnv; signal: AbortSignal | undefined },
): Promise<CommandResult[]> {
  const results: CommandResult[] = [];
  for (const command of commands) {
    const result = await runCommand(command, options);
    if (options.signal?.aborted === true) {
      throw new HoldfastError(
        'CANCELLED',
        `command ${results.length + 1} of ${commands.length} was interrupted`,
      );
    }
    results.push(result);
    if (result.exitCode !== 0) break;
  }
  return results;
}

async function runCommand(
  command: string,
  { folder, environment, signal }: Parameters<typeof runCommands>[1],
): Promise<CommandResult> {
  const begin = performance.now();
  const options: SpawnOptions = {
    shell: true,
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what the shell has started can be stopped with it.
    detached: true,
  };
  const { child, ended } = startChild<ChildProcessByStdio<null, Readable, Readable>>(
    { file: command, args: [], options },
    signal,
    ({ pid }) => {
      if (pid !== undefined) stopGroup(pid);
    },
  );
  let output = '';
  const keep = (chunk: Buffer | string) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const { exitCode, notStarted } = await ended;
  if (notStarted !== undefined) keep(notStarted.message);
  return {
    command,
    exitCode: exitCode ?? undefined,
    durationMs: performance.now() - begin,
    output,
  };
}

function stopGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** How commands ended, for a record. Not their text: it may hold a secret, and a record is kept. */
export function commandFacts(
  results: readonly CommandResult[],
): { exitCode: number | null; durationMs: number }[] {
  return results.map(({ exitCode, durationMs }) => ({
    exitCode: exitCode ?? null,
    durationMs: Math.round(durationMs),
  }));
}

// Runs a program of the system to its end, and gives what it said.
import process from 'node:process';
import { HoldfastError } from '../../errors.ts';
import { startChild } from '../../processes/child.ts';

export interface Said {
  /** Undefined when it could not be started, or a signal ended it. */
  readonly exit: number | undefined;
  readonly stdout: string;
  /** What it complained about, or why it could not be started. */
  readonly why: string;
  /** There is none that this user may run. */
  readonly isMissing: boolean;
}

/** What a program says to `input`; never throws. */
export async function ask(
  env: Readonly<Record<string, string | undefined>>,
  [file = '', ...args]: readonly string[],
  input?: string,
): Promise<Said> {
  const options = {
    env: { ...env, LC_ALL: 'C' },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const,
  };
  const { child, ended } = startChild(
    { file, args, options: { ...options, stdio: [...options.stdio] } },
    AbortSignal.timeout(60_000),
    (one) => one.kill(),
  );
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.on('data', (chunk: Buffer) => (said[stream] += chunk.toString()));
  // It may end without having read.
  child.stdin?.on('error', () => process.emitWarning(`${file} did not read its input`));
  child.stdin?.end(input);
  const { exitCode, signal, notStarted } = await ended;
  const how = notStarted?.message ?? (signal === null ? '' : `it was ended by ${signal}`);
  return {
    exit: exitCode ?? undefined,
    stdout: said.stdout,
    why: said.stderr.trim() || how || `exit code ${exitCode ?? ''}`,
    isMissing: isMissing(notStarted),
  };
}

/** Where this user may not search a folder of PATH, Linux answers EACCES for a program that is nowhere. */
function isMissing(notStarted: NodeJS.ErrnoException | undefined): boolean {
  return notStarted?.code === 'ENOENT' || notStarted?.code === 'EACCES';
}

/** What a program printed. `COMMAND_FAILED` when it ended with anything but 0. */
export async function askWell(
  env: Readonly<Record<string, string | undefined>>,
  command: readonly string[],
  { input, hint }: { readonly input?: string; readonly hint: string },
): Promise<string> {
  const { exit, stdout, why } = await ask(env, command, input);
  if (exit === 0) return stdout;
  throw new HoldfastError('COMMAND_FAILED', `${command.slice(0, 4).join(' ')} failed: ${why}`, {
    hint,
  });
}

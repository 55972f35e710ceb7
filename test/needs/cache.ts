// Where the test command keeps what it has fetched and made.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of whoever runs the tests. */
export const CACHE = join(homedir(), '.cache', 'holdfast-tests');

/** A name that changes with what a part is made from, so that nothing old is ever taken for it. */
export function nameFor(part: string, ...recipe: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(recipe)).digest('hex');
  return `${part}-${digest.slice(0, 12)}`;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A program that did not succeed; what it said stands above already. */
export class ProgramFailed extends Error {}

/** Runs a program that has to succeed, or fails with {@link ProgramFailed}. What it says is progress: all of it goes to standard error. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<void> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 2, 2] });
  const [exit, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (exit === 0) return;
  throw new ProgramFailed(`${program} ${args.join(' ')} ended with ${signal ?? String(exit)}`);
}

/** Tells what is being done now. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

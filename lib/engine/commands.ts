// Commands that are run after a restore: building, testing, whatever tells that what was restored works.
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly command: string;
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly durationMs: number;
  /** The end of what it printed, both streams as they came. */
  readonly output: string;
}

const KEPT_OUTPUT = 8192;

/** Runs commands in a shell in `folder`, one after the other, until one fails. */
export async function runCommands(
  commands: readonly string[],
  options: { folder: string; environment: NodeJS.ProcessEnv; signal: AbortSignal | undefined },
): Promise<CommandResult[]> {
  const results: CommandResult[] = [];
  for (const command of commands) {
    const result = await runCommand(command, options);
    results.push(result);
    if (result.exitCode !== 0) break;
  }
  return results;
}

function runCommand(
  command: string,
  { folder, environment, signal }: Parameters<typeof runCommands>[1],
): Promise<CommandResult> {
  const begin = performance.now();
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  const child = spawn(command, {
    shell: true,
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal !== undefined && { signal }),
  });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  child.on('close', (code) => {
    resolve({
      command,
      exitCode: code ?? undefined,
      durationMs: performance.now() - begin,
      output,
    });
  });
  return promise;
}

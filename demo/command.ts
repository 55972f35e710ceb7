// Runs the tools of the system, which know nothing of Holdfast, and says what they said.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { UnmetExpectation } from './story.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAX_OUTPUT_BYTES = 256 << 20;

/** How a command ended, or undefined when it is not installed. */
export async function runTool(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<Ended | undefined> {
  const env = { ...process.env, LC_ALL: 'C' };
  const { promise, resolve, reject } = Promise.withResolvers<Ended | undefined>();
  execFile(command, args, { cwd, env, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
    if (error === null) resolve({ code: 0, stdout, stderr });
    else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
    else if (error.code === 'ENOENT') resolve(undefined);
    else reject(new UnmetExpectation(`${command} could not be run: ${error.message}`));
  });
  return promise;
}

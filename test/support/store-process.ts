// Starts store-child.ts as a process of its own and reads what it says.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('store-child.ts', import.meta.url));

export interface StoreProcess {
  readonly child: ChildProcess;
  /** What it has said so far, line by line, and what it complained of. */
  readonly lines: string[];
  readonly complaints: string[];
  /** Resolves when `line` was said `times` times, or the process has ended. */
  readonly said: (line: string, times: number) => Promise<void>;
  /** Resolves when it has ended and all that it said was read. */
  readonly ended: Promise<void>;
}

/** Starts `act` on `folder`; `shell` is run before in the same process ("ulimit -f 100"). */
export function startStoreProcess(
  act: string,
  folder: string,
  { shell = ':', args = [] }: { shell?: string; args?: readonly string[] } = {},
): StoreProcess {
  const command = [process.execPath, SCRIPT, act, folder, ...args];
  const child = spawn('/bin/sh', ['-c', `${shell}; exec "$@"`, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [lines, complaints] = [[] as string[], [] as string[]];
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (text: Buffer) => complaints.push(text.toString()));
  const ended = once(child, 'close').then(() => undefined);
  const said = (line: string, times: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (lines.filter((one) => one === line).length >= times) resolve();
      };
      output.on('line', look).on('close', resolve);
      look();
    });
  return { child, lines, complaints, said, ended };
}

// Which test files a command line of Jest chooses.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const ROOT = join(import.meta.dirname, '../..');

/** What starts Jest, behind the program of Node. */
export const JEST = [
  ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  join(ROOT, 'node_modules/jest/bin/jest.js'),
] as const;

/** The test files that Jest would run with these arguments. Where it has something against them, it says so when it runs. */
export function chosenFiles(args: readonly string[]): string[] {
  const { stdout } = spawnSync(process.execPath, [...JEST, ...withoutResult(args), '--listTests'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  return stdout.split('\n').filter((line) => line.endsWith('.test.ts') && existsSync(line));
}

/** Without where the result goes, and how it is written: Jest would put the list there, too. */
function withoutResult(args: readonly string[]): string[] {
  return args.filter(
    (one, at) =>
      one !== '--json' && !/^--outputFile(=|$)/.test(one) && args[at - 1] !== '--outputFile',
  );
}

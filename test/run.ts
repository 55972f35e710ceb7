// What `npm test` runs: brings what the chosen tests need, then hands over to Jest with all arguments.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ProgramFailed, say } from './needs/cache.ts';
import { provide } from './needs/provide.ts';
import { needsOf } from './needs/stated.ts';
import { movedTo, placeFor } from './reachable.ts';

const ROOT = join(import.meta.dirname, '..');
const JEST = [
  ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  join(ROOT, 'node_modules/jest/bin/jest.js'),
];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The test files that Jest would run with these arguments. Where it has something against them, it says so afterwards. */
function chosenFiles(args: readonly string[]): string[] {
  const { stdout } = spawnSync(process.execPath, [...JEST, ...args, '--listTests'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  // One in each line, or with --json a list in one line.
  return stdout.split(/[\n",[\]]/).filter((line) => line.endsWith('.test.ts') && existsSync(line));
}

async function runJest(args: readonly string[]): Promise<number> {
  const place = placeFor(ROOT);
  const command = [process.execPath, ...JEST].map((one) => movedTo(place.root, one, ROOT));
  const [program = '', ...rest] = [...place.prefix, ...command, ...args];
  const child = spawn(program, rest, { cwd: ROOT, stdio: 'inherit' });
  // Jest ends first, and with it what it has started.
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const [exit] = (await once(child, 'close')) as [number | null];
  place.leave();
  return exit ?? 1;
}

/** Why the tests cannot begin, in full lines. */
async function preparedFor(files: readonly string[]): Promise<readonly string[]> {
  try {
    return await provide(new Set(files.flatMap((file) => [...needsOf(file)])));
  } catch (error) {
    if (error instanceof ProgramFailed) return [`error: ${error.message}`];
    throw error;
  }
}

const args = process.argv.slice(2);
const refusal = await preparedFor(chosenFiles(args));
for (const line of refusal) say(line);
process.exitCode = refusal.length > 0 ? 1 : await runJest(args);

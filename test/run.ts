// What `npm test` runs: brings what the chosen tests need, then hands over to Jest with all arguments.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { ProgramFailed, say } from './needs/cache.ts';
import { chosenFiles, JEST } from './needs/chosen.ts';
import { provide } from './needs/provide.ts';
import { needsOf } from './needs/stated.ts';
import { movedTo, placeFor } from './reachable.ts';

const ROOT = join(import.meta.dirname, '..');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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

// A virtual environment of Python with MiniStack and cfn-lint, from the packages whose checksums are in requirements.txt.
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { CACHE, nameFor, runProgram } from './cache.ts';

const REQUIREMENTS = join(import.meta.dirname, '../support/local-aws/requirements.txt');
const FOLDER = join(CACHE, nameFor('ministack', readFileSync(REQUIREMENTS, 'utf8')));
/** Written last: a folder without it is half an installation. */
const COMPLETE = join(FOLDER, 'complete');

/** The folder of its programs: of the environment that `HOLDFAST_MINISTACK` names, or of the one in the cache. */
export function pythonToolsFolder(): string | undefined {
  const named = process.env['HOLDFAST_MINISTACK'];
  const [folder, sign] =
    named !== undefined && named !== '' ? [named, join(named, 'bin')] : [FOLDER, COMPLETE];
  const isThere = existsSync(sign) && existsSync(join(folder, 'bin/python'));
  return isThere ? join(folder, 'bin') : undefined;
}

/** Makes the environment in the cache. */
export async function makePythonTools(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await runProgram('python3', ['-m', 'venv', FOLDER]);
  // No package brings code that runs while it is installed.
  const args = ['install', '--require-hashes', '--only-binary', ':all:', '--no-deps'];
  await runProgram(join(FOLDER, 'bin/python'), ['-m', 'pip', ...args, '-r', REQUIREMENTS]);
  await writeFile(COMPLETE, '');
}

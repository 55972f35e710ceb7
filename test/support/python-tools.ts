// The virtual environment with the tools of tests that are written in Python: found, or made once on a machine.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { underLock } from './lock.ts';

const run = promisify(execFile);

const REQUIREMENTS = fileURLToPath(new URL('local-aws/requirements.txt', import.meta.url));
const INSTALL_LIMIT_MS = 10 * 60_000;

/** The folder with the programs of the virtual environment: `HOLDFAST_MINISTACK`, or one in the cache of whoever runs the tests. */
export async function pythonTools(): Promise<string> {
  const given = process.env['HOLDFAST_MINISTACK'];
  if (given !== undefined && given !== '') {
    if (!existsSync(join(given, 'bin', 'python'))) {
      throw new Error(`HOLDFAST_MINISTACK: ${given} is no virtual environment of Python`);
    }
    return join(given, 'bin');
  }
  const folder = join(homedir(), '.cache', 'holdfast-tests', 'ministack');
  if (!isComplete(folder))
    await underLock(`${folder}.lock`, INSTALL_LIMIT_MS, () => install(folder));
  return join(folder, 'bin');
}

// Written last: a folder without it is half an installation, or one of other versions.
const installed = (folder: string) => join(folder, 'installed.txt');

function isComplete(folder: string): boolean {
  return (
    existsSync(installed(folder)) &&
    readFileSync(installed(folder), 'utf8') === readFileSync(REQUIREMENTS, 'utf8')
  );
}

async function install(folder: string): Promise<void> {
  if (isComplete(folder)) return;
  await rm(folder, { recursive: true, force: true });
  try {
    await run('python3', ['-m', 'venv', folder]);
  } catch (error) {
    throw new Error('python3 makes no virtual environment: apt-get install python3-venv', {
      cause: error,
    });
  }
  const pip = join(folder, 'bin', 'pip');
  const options = ['install', '--quiet', '--disable-pip-version-check', '--requirement'];
  await run(pip, [...options, REQUIREMENTS], { timeout: INSTALL_LIMIT_MS });
  await writeFile(installed(folder), readFileSync(REQUIREMENTS));
}

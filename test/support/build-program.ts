// Jest runs this once, before all tests: builds the command line that they start.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { CACHE, PROGRAM } from './program.ts';

/** Throws when the program cannot be built. */
export default function buildProgram(): void {
  mkdirSync(CACHE, { recursive: true });
  // Each build has names of its own for parts that changed.
  rmSync(dirname(PROGRAM), { recursive: true, force: true });
  const { status, stderr } = spawnSync(process.execPath, ['build.ts', dirname(PROGRAM)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the command line could not be built: ${stderr}`);
}

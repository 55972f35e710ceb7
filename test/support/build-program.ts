// Jest runs this once, before all tests: builds the command line that they start, unless it is there already.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CACHE, PROGRAM } from './program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['bin', 'lambda', 'lib', 'build.ts', 'package.json', 'package-lock.json'];
/** Holds what the program was built from. */
const BUILT = join(CACHE, 'program.built');

/** Throws when the program cannot be built. */
export default function buildProgram(): void {
  const sources = fingerprint();
  if (existsSync(PROGRAM) && existsSync(BUILT) && readFileSync(BUILT, 'utf8') === sources) return;
  mkdirSync(CACHE, { recursive: true });
  rmSync(BUILT, { force: true });
  // Each build has names of its own for parts that changed.
  rmSync(dirname(PROGRAM), { recursive: true, force: true });
  const { status, stderr } = spawnSync(process.execPath, ['build.ts', dirname(PROGRAM)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the command line could not be built: ${stderr}`);
  writeFileSync(BUILT, sources);
}

/** What the program is built from, by names, sizes and times. */
function fingerprint(): string {
  const hash = createHash('sha256').update(process.version);
  for (const one of SOURCES) {
    const path = join(ROOT, one);
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((file) => join(path, file))
      : [path];
    for (const file of files.sort()) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

// Runs the Holdfast that is installed in this site. What it prints, and how it ends, is passed on.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const SITE = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Ends the script: what is wrong, and exit code 2. */
export function refuse(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}

/** Holdfast needs Node 22.15; a site that runs on an older one keeps a newer one among its packages (`npm install -D node`). */
function runtime() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 15)) return process.execPath;
  const own = path.join(SITE, 'node_modules/node/bin/node');
  if (existsSync(own)) return own;
  return refuse(
    `Holdfast needs Node 22.15 or newer, this is ${process.version}; npm install --save-dev node@24 brings one along`,
  );
}

function commandLine() {
  try {
    const packageFile = createRequire(import.meta.url).resolve('holdfast/package.json');
    return path.join(path.dirname(packageFile), 'dist/holdfast.js');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return refuse('Holdfast is not installed here; npm ci installs it');
  }
}

/** Runs `holdfast` with these arguments; standard output is returned when it is captured. Ends the script when the run fails. */
export function holdfast(args, { capture = false } = {}) {
  const configuration = path.join(SITE, 'holdfast.yaml');
  const env = { ...process.env };
  if (existsSync(configuration)) env.HOLDFAST_CONFIG ??= configuration;
  const { status, signal, error, stdout } = spawnSync(runtime(), [commandLine(), ...args], {
    stdio: ['inherit', capture ? 'pipe' : 'inherit', 'inherit'],
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (error) throw error;
  if (signal) process.kill(process.pid, signal);
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** The name and the store of the backup to which an archive belongs, when it lies in a store beside its manifest. */
export function backupOf(archive) {
  const folder = path.dirname(path.resolve(archive));
  const [id, source, backups] = [folder, path.dirname(folder), path.resolve(folder, '../..')].map(
    (one) => path.basename(one),
  );
  if (backups !== 'backups' || !existsSync(path.join(folder, 'manifest.json'))) return undefined;
  return { name: `${source}/${id}`, store: path.resolve(folder, '../../..') };
}

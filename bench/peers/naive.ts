// A backup script as many projects have one: copy everything to a staging folder, hash each file, write a list, run tar.
// Not part of Holdfast: it is what Holdfast is compared with.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

function copyTree(from: string, to: string, files: string[]): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const copy = path.join(to, entry.name);
    if (entry.isDirectory()) {
      copyTree(source, copy, files);
    } else {
      fs.copyFileSync(source, copy);
      files.push(copy);
    }
  }
}

// Read in one piece, as such scripts do, up to the size from which Node refuses; the rest by pieces.
function digest(file: string): string {
  const hash = createHash('sha256');
  if (fs.statSync(file).size < 2 ** 31) return hash.update(fs.readFileSync(file)).digest('hex');
  const descriptor = fs.openSync(file, 'r');
  const piece = Buffer.alloc(2 ** 20);
  for (let read = fs.readSync(descriptor, piece); read > 0; read = fs.readSync(descriptor, piece)) {
    hash.update(piece.subarray(0, read));
  }
  fs.closeSync(descriptor);
  return hash.digest('hex');
}

function backup(source: string, state: string): number {
  const staging = path.join(state, 'staging');
  const store = path.join(state, 'store');
  const files: string[] = [];
  copyTree(source, staging, files);
  const checksums = Object.fromEntries(
    files.map((file) => [path.relative(staging, file), digest(file)]),
  );
  const manifest = { createdAt: new Date().toISOString(), fileCount: files.length, checksums };
  fs.writeFileSync(path.join(staging, 'backup-manifest.json'), JSON.stringify(manifest, null, 2));
  fs.mkdirSync(store);
  const archive = path.join(store, 'backup.tar.gz');
  const result = spawnSync('tar', ['-czf', archive, '-C', staging, '.'], { stdio: 'inherit' });
  fs.rmSync(staging, { recursive: true });
  return result.status ?? 1;
}

const [source, state] = process.argv.slice(2);
if (source === undefined || state === undefined) throw new Error('usage: naive.ts SOURCE STATE');
process.exitCode = backup(source, state);

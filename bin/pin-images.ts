// Names the base images of the database functions by their digests, as the registry has them now: run by the workflow of a release, so that
// a released package always builds on the same ones. Prints what it found.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

import { pinned } from './base-images.ts';

const [file = 'lambda/database/Dockerfile'] = process.argv.slice(2);

function digestOf(image: string): string {
  const args = ['buildx', 'imagetools', 'inspect', image, '--format', '{{.Manifest.Digest}}'];
  return execFileSync('docker', args, { encoding: 'utf8' }).trim();
}

const { text, images } = pinned(readFileSync(file, 'utf8'), digestOf);
writeFileSync(file, text);
for (const image of images) console.log(image);

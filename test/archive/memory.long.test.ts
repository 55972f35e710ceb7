// Memory does not follow the size of a file.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { noise, Scratch } from '../support/archives.ts';

const CHILD = fileURLToPath(new URL('../support/stream-child.ts', import.meta.url));

interface Outcome {
  readonly problems: readonly unknown[];
  readonly bytes: number;
  readonly maxRssBytes: number;
}

async function run(folder: string): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, folder], {
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Outcome;
}

test('a file of 1.5 GB is archived and verified within 400 MB', async () => {
  using scratch = new Scratch();
  const file = fs.openSync(scratch.at('large'), 'w');
  fs.ftruncateSync(file, 1536 << 20);
  for (let at = 0; at < 1536; at += 64)
    fs.writeSync(file, noise(4 << 20, at + 1), 0, 4 << 20, at << 20);
  fs.closeSync(file);
  const { problems, bytes, maxRssBytes } = await run(scratch.path);
  expect(problems).toEqual([]);
  expect(bytes).toBeGreaterThan(96 << 20);
  expect(maxRssBytes).toBeLessThan(400 << 20);
}, 600_000);

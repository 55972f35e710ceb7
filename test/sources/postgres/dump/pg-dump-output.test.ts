import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Intake } from '../../../../lib/sources/postgres/dump/pg-dump-output.ts';
import { Scratch } from '../../../support/archives.ts';

const BLOCK = 64 << 10;

/** Runs a script of the shell with its output taken in; the blocks as they were when they were given out. */
async function take(script: string, onBytes: (bytes: Buffer) => void = () => undefined) {
  using scratch = new Scratch();
  const folder = scratch.at('intake');
  mkdirSync(folder);
  const opened = await Intake.open({
    machine: { scratch: folder },
    take: () => new Uint8Array(new SharedArrayBuffer(BLOCK)),
    onBytes,
  });
  using intake = opened.intake;
  expect(readdirSync(folder)).toEqual([]);
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', opened.output, 'inherit'] });
  opened.output.destroy();
  const exited = once(child, 'exit');
  const blocks: Buffer[] = [];
  for await (const block of intake.blocks()) blocks.push(Buffer.from(block));
  await exited;
  return blocks;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('what a program writes', () => {
  test('comes whole and in order, in blocks of which only the last is not full', async () => {
    const seen: Buffer[] = [];
    const blocks = await take('seq 1 300000', (bytes) => seen.push(Buffer.from(bytes)));
    const numbers = Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join(''));
    expect(sha256(Buffer.concat(blocks))).toBe(sha256(numbers));
    expect(sha256(Buffer.concat(seen))).toBe(sha256(numbers));
    expect(new Set(blocks.slice(0, -1).map(({ length }) => length))).toEqual(new Set([BLOCK]));
  });

  test('may be nothing, or end where a block does', async () => {
    expect(await take('exit 1')).toEqual([]);
    const full = await take(`head -c ${2 * BLOCK} /dev/zero`);
    expect(full.map(({ length }) => length)).toEqual([BLOCK, BLOCK]);
  });

  test('waits where it is when nobody takes it', async () => {
    let passed = 0;
    const opened = await Intake.open({
      machine: {},
      take: () => new Uint8Array(BLOCK),
      onBytes: ({ length }) => void (passed += length),
    });
    using intake = opened.intake;
    const child = spawn('cat', ['/dev/zero'], { stdio: ['ignore', opened.output, 'inherit'] });
    opened.output.destroy();
    const blocks = intake.blocks();
    for (let i = 0; i < 10; i++) expect((await blocks.next()).done).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(passed).toBeLessThanOrEqual(14 * BLOCK);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('is not read on when it cannot be used: the error is the reader’s', async () => {
    const broken = take('cat /dev/zero | head -c 10000000', () => {
      throw new Error('no dump');
    });
    await expect(broken).rejects.toThrow('no dump');
  });
});

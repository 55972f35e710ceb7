// Restoring files with holes: what they hold stands where it stood, and a hole costs next to nothing.
import fs from 'node:fs';
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readGroups } from '../../lib/archive/read/archive-reader.ts';
import type { IndexGroup } from '../../lib/format/archive-index.ts';
import {
  backUp,
  noise,
  openMade,
  plant,
  restoreInto,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';

const MIB = 1 << 20;
const SPLIT_BYTES = 4 * MIB;

const scratch = new Scratch();
let backup: MadeBackup;

beforeAll(async () => {
  plant(scratch.at('tree'), {});
  const fd = fs.openSync(scratch.at('tree/sparse'), 'w');
  fs.writeSync(fd, noise(100), 0, 100, 10 * MIB + 50);
  fs.writeSync(fd, 'end', 40 * MIB - 700);
  fs.ftruncateSync(fd, 40 * MIB + 5);
  fs.closeSync(fd);
  backup = await backUp(scratch.at('tree'));
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

test('what stands between holes, and after them, is where it was', async () => {
  await restoreInto(await openMade(backup), scratch.at('whole'));
  const restored = fs.readFileSync(scratch.at('whole/sparse'));
  expect(restored.equals(fs.readFileSync(scratch.at('tree/sparse')))).toBe(true);
  expect(fs.statSync(scratch.at('whole/sparse')).blocks * 512).toBeLessThan(MIB);
});

test('the equal pieces of a hole are decoded once', async () => {
  const archive = await openMade(backup);
  const inflate = jest.spyOn(zlib, 'inflateRawSync');
  try {
    await restoreInto(archive, scratch.at('once'));
    const large = inflate.mock.results
      .map(({ value }) => (value as Buffer).length)
      .filter((length) => length >= SPLIT_BYTES);
    // The first with its header, the one with noise, the one with the end; of the seven others one, if none was decoded before.
    expect(large.length).toBeLessThanOrEqual(4);
  } finally {
    inflate.mockRestore();
  }
});

test('a damaged piece of a hole is found, although an equal one was decoded before', async () => {
  const bytes = Buffer.from(backup.archive);
  const groups: IndexGroup[] = [];
  for await (const group of readGroups(await openMade(backup))) groups.push(group);
  const { offset = 0 } = groups[0]?.members[7] ?? {};
  bytes[offset + 20] = (bytes[offset + 20] ?? 0) ^ 1;
  const { problems } = await restoreInto(await openMade(backup, bytes), scratch.at('damaged'));
  expect(problems).toEqual([expect.objectContaining({ path: 'sparse', code: 'damaged' })]);
});

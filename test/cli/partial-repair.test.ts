// A repair, whole or in part, as the commands after it tell of it.
import { randomBytes } from 'node:crypto';
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
/** Fills a stretch of an archive of its own. */
const LARGE = randomBytes(200_000).toString('latin1');

beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'a.txt': 'a', 'b.bin': LARGE });
  expect((await place.run(['init', '--store', '../store'])).exit).toBe(0);
});
afterEach(() => place.remove());

async function backUp(): Promise<string> {
  const { sources } = (await place.json(['backup'])) as { sources: { id: string }[] };
  return sources[0]?.id ?? '';
}

/** Damages what only `b.bin` stands in. */
async function damage(id: string): Promise<void> {
  const folder = path.join(place.root, 'store/backups/site', id);
  const archive = (await readdir(folder)).find((one) => one.startsWith('archive-')) ?? '';
  const file = path.join(folder, archive);
  const bytes = await readFile(file);
  bytes.fill(0, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 8);
  await chmod(file, 0o600);
  await writeFile(file, bytes);
  expect((await place.run(['verify', `site/${id}`])).exit).toBe(4);
}

test('a restore of a partial repair says what is not in it, and which backup is whole', async () => {
  await place.write({ 'b.bin': 'small' });
  const whole = await backUp();
  await place.write({ 'b.bin': LARGE });
  const id = await backUp();
  await damage(id);
  const repaired = await place.run(['repair', `site/${id}`]);
  expect(repaired.exit).toBe(4);
  expect(repaired.stdout).toContain('0 entries healed, 1 lost; the rest is intact');
  expect(repaired.stdout + repaired.stderr).not.toContain('is proven');
  const again = await place.run(['repair', `site/${id}`]);
  expect(again.stdout).toMatch(
    /is already repaired by site\/.*-repair, 1 lost; the rest is intact/,
  );
  const lacks = [
    /site\/.*-repair is partial; not in it:/,
    /b\.bin: was damaged, and no other backup holds its content/,
    new RegExp(`the newest complete backup is site/${whole}`),
  ];
  for (const args of [['--to', '../back'], ['--in-place']]) {
    const { exit, stdout, stderr } = await place.run(['restore', 'site', ...args]);
    expect(exit).toBe(3);
    for (const one of lacks) expect(stderr).toMatch(one);
    expect(stdout).not.toContain('every entry is what was backed up');
  }
  const named = await place.run(['restore', 'site', 'b.bin', '--to', '../one']);
  expect([named.exit, named.stderr]).toEqual([10, expect.stringContaining('does not hold b.bin')]);
  expect((await place.run(['restore', 'site', 'a.txt', '--to', '../two'])).exit).toBe(0);
});

test('what is repaired is told once, and is no failure of later verifies', async () => {
  await backUp();
  await place.write({ 'a.txt': 'another' });
  const id = await backUp();
  await damage(id);
  expect((await place.run(['verify', '--all'])).exit).toBe(4);
  const repaired = await place.run(['repair', `site/${id}`]);
  expect([repaired.exit, repaired.stdout]).toEqual([0, expect.stringContaining('1 entry healed')]);
  const { exit, stdout } = await place.run(['verify', '--all']);
  expect(exit).toBe(0);
  expect(stdout).toMatch(/repaired by site\/.*-repair/);
  expect(stdout).not.toContain('next: holdfast repair');
  const again = await place.run(['repair', `site/${id}`]);
  expect(again.exit).toBe(0);
  expect(again.stdout).toMatch(/is already repaired by site\/.*-repair/);
  expect(again.stdout).not.toMatch(/healed|new backup/);
  const refused = await place.run(['restore', `site/${id}`, '--to', '../back']);
  expect(refused.stderr).toMatch(/It was repaired: restore site\/.*-repair instead/);
});

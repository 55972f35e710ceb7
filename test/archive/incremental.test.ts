// What reuse saves must never show: an archive made with a predecessor is the archive that reading everything gives.
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  backUp,
  noise,
  plant,
  prose,
  prove,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';

type Edit = (root: string) => void;

const NAMES = ['a', 'a-b', 'ab', 'b', 'b0', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const place = fc.oneof(
  name,
  fc.tuple(name, name).map(([folder, file]) => `${folder}.d/${file}`),
  fc.tuple(name, name, name).map(([one, two, file]) => `${one}.d/${two}.d/${file}`),
);
const content = fc
  .tuple(fc.constantFrom(0, 1, 511, 512, 4096, 40_000, 70_000, 140_000), fc.nat(5), fc.boolean())
  .map(([bytes, seed, dense]) => (dense ? noise(bytes, seed + 1) : prose(bytes, seed)));

const quietly = (act: () => void) => {
  try {
    act();
  } catch (error) {
    // An edit that the tree does not allow, such as removing what is not there, changes nothing.
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  }
};

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(place, content).map(
      ([to, bytes]): Edit =>
        (root) =>
          plant(root, { [to]: bytes }),
    ),
  },
  {
    weight: 2,
    arbitrary: place.map(
      (at): Edit =>
        (root) =>
          fs.rmSync(`${root}/${at}`, { force: true }),
    ),
  },
  name.map(
    (at): Edit =>
      (root) =>
        fs.rmSync(`${root}/${at}.d`, { recursive: true, force: true }),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (root) =>
        fs.renameSync(`${root}/${from}`, `${root}/${to}`),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.chmodSync(`${root}/${at}`, 0o600),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.utimesSync(`${root}/${at}`, 1_600_000_000, 1_600_000_000),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.appendFileSync(`${root}/${at}`, 'more'),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.symlinkSync('elsewhere', `${root}/${at}`),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (root) =>
        fs.linkSync(`${root}/${from}`, `${root}/${to}`),
  ),
  place.map((at): Edit => (root) => {
    // Other bytes under the same size and time: only the change time tells.
    const { size, mtime } = fs.statSync(`${root}/${at}`);
    fs.writeFileSync(`${root}/${at}`, noise(size, 99));
    fs.utimesSync(`${root}/${at}`, mtime, mtime);
  }),
);

// The configuration may change from one run to the next.
const setup = fc.record({
  times: fc.constantFrom(...(['recorded', 'recorded', 'content'] as const)),
  compression: fc.constantFrom(...(['default', 'default', 'small', 'none', 'zstd'] as const)),
  fullRun: fc.constantFrom(false, false, true),
});
const rounds = fc.array(fc.tuple(fc.array(edit, { maxLength: 6 }), setup), {
  minLength: 2,
  maxLength: 4,
});

describe('with a predecessor', () => {
  test('any edits give the archive that a full run gives, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (runs) => {
        using scratch = new Scratch();
        const root = scratch.at('tree');
        plant(root, Object.fromEntries(NAMES.map((at, i) => [`${at}.d/${at}`, prose(30_000, i)])));
        let before: MadeBackup | undefined;
        for (const [edits, setup] of runs) {
          for (const act of edits) quietly(() => act(root));
          const full = await backUp(root, setup);
          const next = await backUp(root, { ...setup, predecessor: before });
          expect(next.archive.equals(full.archive)).toBe(true);
          expect(next.manifest.artifacts[0]?.table).toEqual(full.manifest.artifacts[0]?.table);
          expect(next.manifest.totals.contentBytes).toBe(full.manifest.totals.contentBytes);
          expect((await prove(next, 'content')).problems).toEqual([]);
          before = next;
        }
      }),
      { numRuns: 60 },
    );
  });
});

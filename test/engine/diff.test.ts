// Differences: between two backups, found by their indexes alone; and between a backup and its source, which must be the same
// ones that the next backup would show.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { diffBackups, diffLive, isEqual, type Change } from '../../lib/engine/diff.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  engineOn,
  folderSource,
} from '../support/engine.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  fs.mkdirSync(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock);
  return { scratch, root, clock, store, engine, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

type Names = { source: string; id: string };

async function changes(engine: Engine, before: Names, after: Names) {
  const found: Change[] = [];
  const totals = await diffBackups(engine, before, after, (one) => found.push(one));
  return { found, totals };
}

const textOf = ({ path: name, change, aspects }: Change) => [change, name, ...aspects].join(' ');

describe('a diff of two backups', () => {
  test('names what was added, removed and changed, in which way, and counts the rest', async () => {
    using site = setUp();
    plantSite(site.root);
    const before = await backUpNow(site.engine, folderSource(site.root));
    changeSite(site.root);
    fs.chmodSync(`${site.root}/index.html`, 0o600);
    fs.rmSync(`${site.root}/content/link`);
    fs.symlinkSync('../empty.txt', `${site.root}/content/link`);
    fs.rmSync(`${site.root}/empty.txt`);
    fs.symlinkSync('nowhere', `${site.root}/empty.txt`);
    fs.utimesSync(`${site.root}/bin`, 1, 1);
    const after = await backUpNow(site.engine, folderSource(site.root));
    const { found, totals } = await changes(site.engine, before, after);
    expect(found.map(textOf)).toEqual([
      'changed bin/ time',
      'changed content/ time',
      'changed content/a.md content time',
      'removed content/deep/',
      'removed content/deep/er/',
      'removed content/deep/er/c.md',
      'changed content/link link time',
      'changed empty.txt type',
      'changed index.html mode',
      'changed public/ time',
      'added public/three.png',
    ]);
    expect(totals).toEqual({
      added: { entries: 1, bytesBefore: 0, bytesAfter: 10_000 },
      removed: { entries: 3, bytesBefore: 1, bytesAfter: 0 },
      changed: { entries: 7, bytesBefore: 20_000 + 3000, bytesAfter: 21_000 + 3000 },
      timeOnly: 3,
      unchanged: before.manifest.totals.entries - 3 - 7,
    });
  });

  test('of a backup with itself, and of two of an untouched source, is empty', async () => {
    using site = setUp();
    plantSite(site.root);
    const one = await backUpNow(site.engine, folderSource(site.root));
    const other = await backUpNow(site.engine, folderSource(site.root), { full: true });
    for (const [before, after] of [
      [one, one],
      [one, other],
    ] as const) {
      const { found, totals } = await changes(site.engine, before, after);
      expect(found).toEqual([]);
      expect(isEqual(totals)).toBe(true);
      expect(totals.unchanged).toBe(one.manifest.totals.entries);
    }
  });

  test('says that a file gave way to a folder by both of their names', async () => {
    using site = setUp();
    fs.writeFileSync(`${site.root}/a`, '1');
    fs.writeFileSync(`${site.root}/a-b`, '1');
    const before = await backUpNow(site.engine, folderSource(site.root));
    fs.rmSync(`${site.root}/a`);
    fs.mkdirSync(`${site.root}/a`);
    fs.writeFileSync(`${site.root}/a/c`, '1');
    const after = await backUpNow(site.engine, folderSource(site.root));
    const { found } = await changes(site.engine, before, after);
    expect(found.map(textOf)).toEqual(['removed a', 'added a/', 'added a/c']);
  });

  test('finds nothing to say about which name of a file came first', async () => {
    using site = setUp();
    fs.writeFileSync(`${site.root}/b`, 'same');
    fs.writeFileSync(`${site.root}/c`, 'same');
    fs.utimesSync(`${site.root}/b`, 9, 9);
    fs.utimesSync(`${site.root}/c`, 9, 9);
    const before = await backUpNow(site.engine, folderSource(site.root));
    fs.rmSync(`${site.root}/c`);
    fs.linkSync(`${site.root}/b`, `${site.root}/c`);
    const after = await backUpNow(site.engine, folderSource(site.root));
    expect((await changes(site.engine, before, after)).found).toEqual([]);
  });

  test('agrees with a comparison of the two trees themselves, whatever they hold', async () => {
    const tree = fc.dictionary(
      fc.constantFrom('a', 'a-b', 'a.txt', 'd/x', 'd/y/z', 'd-e', 'é', 'line\nbreak'),
      fc.record({ text: fc.string({ maxLength: 4 }), mode: fc.constantFrom(0o644, 0o600) }),
      { minKeys: 1 },
    );
    await fc.assert(
      fc.asyncProperty(tree, tree, async (first, second) => {
        using site = setUp();
        const made = [];
        for (const files of [first, second]) {
          fs.rmSync(site.root, { recursive: true });
          for (const [name, { text, mode }] of Object.entries(files)) {
            const file = path.join(site.root, name);
            fs.mkdirSync(path.dirname(file), { recursive: true });
            fs.writeFileSync(file, text);
            fs.chmodSync(file, mode);
            fs.utimesSync(file, 1000, 1000);
          }
          made.push(await backUpNow(site.engine, folderSource(site.root)));
        }
        const [before, after] = made;
        if (before === undefined || after === undefined) throw new Error('two were made');
        const { found } = await changes(site.engine, before, after);
        const files = found.filter((one) => !one.path.endsWith('/')).map(textOf);
        const expected = [...new Set([...Object.keys(first), ...Object.keys(second)])].flatMap(
          (name) => {
            const [one, other] = [first[name], second[name]];
            const key = Buffer.from(name).toString('latin1');
            if (one === undefined) return `added ${key}`;
            if (other === undefined) return `removed ${key}`;
            const aspects = [
              one.text === other.text ? [] : 'content',
              one.mode === other.mode ? [] : 'mode',
            ].flat();
            return aspects.length === 0 ? [] : ['changed', key, ...aspects].join(' ');
          },
        );
        expect(files.sort()).toEqual(expected.sort());
      }),
      { numRuns: 15 },
    );
  });

  test('refuses a backup that no trusted key vouches for, and one that is not there', async () => {
    using site = setUp();
    plantSite(site.root);
    const made = await backUpNow(site.engine, folderSource(site.root));
    const stranger = engineOn(site.store, site.clock, { trusted: [] });
    const ignore = () => undefined;
    expect(await codeOf(diffBackups(stranger, made, made, ignore))).toBe('UNTRUSTED');
    const absent = { source: 'site', id: '20200101T000000000Z-manual' };
    expect(await codeOf(diffBackups(site.engine, made, absent, ignore))).toBe('BACKUP_NOT_FOUND');
  });
});

describe('a diff with the live source', () => {
  test('shows what the next backup will show', async () => {
    using site = setUp();
    plantSite(site.root);
    const source = folderSource(site.root);
    const before = await backUpNow(site.engine, source);
    changeSite(site.root);
    fs.chmodSync(`${site.root}/bin/run.sh`, 0o4755);
    const live = await diffLive(site.engine, before, source, undefined);
    const { found } = await changes(site.engine, before, await backUpNow(site.engine, source));
    const WORDS = { added: ['unexpected'], removed: ['missing'] } as const;
    const expected = found.flatMap((one) =>
      (one.change === 'changed' ? one.aspects : WORDS[one.change]).map(
        (how) => `${one.path} ${how}`,
      ),
    );
    expect(live.differences.map((one) => `${one.path} ${one.change}`).sort()).toEqual(
      expected.sort(),
    );
    expect(expected).toContain('bin/run.sh mode');
  });

  test('passes over what the selection leaves out, on either side', async () => {
    using site = setUp();
    plantSite(site.root);
    const exclude = ['node_modules', 'public'];
    fs.mkdirSync(`${site.root}/node_modules`);
    fs.writeFileSync(`${site.root}/node_modules/much.js`, 'x');
    const whole = folderSource(site.root, { exclude: ['node_modules'] });
    const before = await backUpNow(site.engine, whole);
    expect((await diffLive(site.engine, before, whole, undefined)).differences).toEqual([]);
    // What the configuration leaves out since then is neither missing nor compared, and said.
    fs.rmSync(`${site.root}/public/two.png`);
    const narrowed = await diffLive(
      site.engine,
      before,
      folderSource(site.root, { exclude }),
      undefined,
    );
    expect(narrowed.differences.map((one) => `${one.path} ${one.change}`)).toEqual([
      'public/two.png missing',
    ]);
    expect(narrowed.leftOut).toEqual(['public/', 'public/one.png', 'public/same.png']);
  });

  test('finds a folder that gave way to a link missing, whatever stands behind the link', async () => {
    using site = setUp();
    plantSite(site.root);
    const source = folderSource(site.root);
    const before = await backUpNow(site.engine, source);
    fs.renameSync(`${site.root}/public`, site.scratch.at('elsewhere'));
    fs.symlinkSync(site.scratch.at('elsewhere'), `${site.root}/public`);
    const { differences, leftOut } = await diffLive(site.engine, before, source, undefined);
    expect(leftOut).toEqual([]);
    expect(differences.map((one) => `${one.path} ${one.change}`)).toEqual([
      'public unexpected',
      'public/ missing',
      'public/one.png missing',
      'public/same.png missing',
      'public/two.png missing',
    ]);
  });

  test('takes another folder for the source when told to', async () => {
    using site = setUp();
    plantSite(site.root);
    const source = folderSource(site.root);
    const before = await backUpNow(site.engine, source);
    const copy = site.scratch.at('copy');
    fs.cpSync(site.root, copy, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
    fs.writeFileSync(`${copy}/content/b.md`, 'other');
    const { differences } = await diffLive(site.engine, before, source, copy);
    const contents = differences.filter(({ change }) => change === 'content');
    expect(contents.map((one) => one.path)).toEqual(['content/b.md']);
  });

  test('fails when the source is gone, instead of calling everything missing', async () => {
    using site = setUp();
    plantSite(site.root);
    const source = folderSource(site.root);
    const before = await backUpNow(site.engine, source);
    fs.rmSync(site.root, { recursive: true });
    expect(await codeOf(diffLive(site.engine, before, source, undefined))).toBe(
      'SOURCE_UNREADABLE',
    );
  });
});

// Showing one backup: what it is worth and why, what it holds, and how it is restored by hand. The commands are really run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { need } from '../needs/need.ts';
import { pinBackup, unpinBackup } from '../../lib/engine/pin.ts';
import { contentsOf, showBackup, type ContentLine } from '../../lib/engine/show.ts';
import type { FilesOptions } from '../../lib/sources/files/source.ts';
import { openStore } from '../../lib/stores/open.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  engineOn,
  folderSource,
  makeGood,
  treeOf,
} from '../support/engine.ts';
import { machineTime } from '../support/machine-time.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

need('zstd');

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock);
  const source = folderSource(root);
  return {
    scratch,
    root,
    clock,
    store,
    engine,
    source,
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

async function collect(of: AsyncIterable<ContentLine>): Promise<ContentLine[]> {
  const found: ContentLine[] = [];
  for await (const line of of) found.push(line);
  return found;
}

async function lines(of: AsyncIterable<ContentLine>): Promise<string[]> {
  return (await collect(of)).map(({ path, files, bytes }) => `${path} ${files} ${bytes}`);
}

describe('what a backup is', () => {
  test('is shown with its standing, why, and all that was done with it', async () => {
    using site = setUp();
    const first = await makeGood(site.engine, site.source);
    site.clock.advance(60_000);
    changeSite(site.root);
    const made = await makeGood(site.engine, site.source);
    await pinBackup(site.engine, made, 'before the move');
    const shown = await showBackup(site.engine, made);
    expect(shown.backup).toMatchObject({
      standing: 'good',
      good: true,
      signedBy: expect.stringMatching(/^test \([0-9a-f]{16}\)$/),
    });
    expect(shown.backup.why).toMatch(/^proven by verify \(digest\)/);
    expect(shown.previous).toBe(first.id);
    expect(
      shown.acts.map(({ verb, level, verdict, note }) => [verb, level, verdict, note]),
    ).toEqual([
      ['verify', 'digest', 'proven', undefined],
      ['pin', undefined, 'done', 'before the move'],
    ]);
    expect((await showBackup(site.engine, first)).previous).toBeUndefined();
  });

  test('is shown, with the reason, when nobody who is trusted vouches for it; its contents are not', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    const stranger = engineOn(site.store, site.clock, { trusted: [] });
    const { backup } = await showBackup(stranger, made);
    expect(backup.standing).toBe('untrusted');
    expect(backup.distrust).toMatch(/not trusted/);
    const all = { paths: [], all: true };
    expect(await codeOf(lines(contentsOf(stranger, made, all)))).toBe('UNTRUSTED');
    const trusting = engineOn(site.store, site.clock, { trusted: [], trustAnyone: true });
    expect((await lines(contentsOf(trusting, made, all))).length).toBeGreaterThan(9);
  });

  test('fails for one that is not there, and names what is wrong with a manifest that is broken', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    const absent = { source: 'site', id: '20200101T000000000Z-manual' };
    expect(await codeOf(showBackup(site.engine, absent))).toBe('BACKUP_NOT_FOUND');
    const manifest = site.store.objects.get(made.manifest.key);
    manifest?.bytes.fill(0x20, 0, 1);
    expect(await codeOf(showBackup(site.engine, made))).toBe('BACKUP_DAMAGED');
  });
});

describe('what a backup holds', () => {
  test('is shown by what stands directly in the source, folders with all that is below them', async () => {
    using site = setUp();
    const made = await backUpNow(site.engine, site.source);
    expect(await lines(contentsOf(site.engine, made, { paths: [], all: false }))).toEqual([
      'bin/ 1 10',
      'content/ 3 60001',
      'empty folder/ 0 0',
      'empty.txt 1 0',
      'index.html 1 3000',
      'package.json 1 33',
      'public/ 3 80000',
    ]);
  });

  test('is shown below the paths that are asked for, each entry once', async () => {
    using site = setUp();
    fs.writeFileSync(`${site.root}/content-list`, 'between content and content/');
    const made = await backUpNow(site.engine, site.source);
    const show = (...paths: string[]) =>
      lines(contentsOf(site.engine, made, { paths, all: false }));
    expect(await show('content')).toEqual([
      'content/a.md 1 20000',
      'content/b.md 1 40000',
      'content/deep/ 1 1',
      'content/link 0 0',
    ]);
    expect(await show('./content/deep/', 'content/deep/er', 'index.html')).toEqual([
      'content/deep/er/ 1 1',
      'index.html 1 3000',
    ]);
    expect(await show('empty folder')).toEqual(['empty folder/ 0 0']);
    expect(await codeOf(show('index.html', 'content/c.md'))).toBe('BACKUP_NOT_FOUND');
    expect(await codeOf(show('conten'))).toBe('BACKUP_NOT_FOUND');
  });

  test('lists with `all` every entry that the archive has, and no other', async () => {
    using site = setUp();
    const made = await backUpNow(site.engine, site.source);
    const all = await collect(contentsOf(site.engine, made, { paths: [], all: true }));
    const names = treeOf(site.root).map((line) => line.split(/ (?=\d* \d+ )/)[0] ?? '');
    expect(all.map(({ path }) => path.replace(/\/$/, '')).sort()).toEqual(names.sort());
    expect(all).toHaveLength(made.manifest.totals.entries);
    const below = await lines(contentsOf(site.engine, made, { paths: ['content'], all: true }));
    expect(below).toEqual(
      all
        .filter(({ path }) => path.startsWith('content'))
        .map((one) => `${one.path} ${one.files} ${one.bytes}`),
    );
  });
});

describe('restoring by hand, as a backup says it is done', () => {
  const byHandGivesTheTree = async (options: Partial<FilesOptions>) => {
    using site = setUp();
    const folder = site.scratch.at("it's a store");
    fs.mkdirSync(folder);
    const store = await openStore(folder, { random: () => 'r' });
    const engine = engineOn(store, site.clock, { now: machineTime });
    const made = await backUpNow(engine, folderSource(site.root, options));
    const { byHand } = await showBackup(engine, made);
    const target = site.scratch.at('restored');
    const sh = (commands: readonly string[]) =>
      execFileSync('sh', ['-ec', commands.join('\n').replaceAll('FOLDER', target)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    expect(sh(byHand.check)).toMatch(/: OK\n$/);
    sh(byHand.restore);
    expect(sh(byHand.recheck)).toBe('');
    fs.rmSync(`${target}/.holdfast`, { recursive: true });
    expect(treeOf(target)).toEqual(treeOf(site.root));
    fs.appendFileSync(`${folder}/${made.manifest.artifacts[0]?.key ?? ''}`, 'x');
    expect(() => sh(byHand.check)).toThrow();
  };

  test('gives the tree again, checked before and after (gzip)', () => byHandGivesTheTree({}));

  test('gives the tree again, checked before and after (zstd)', () =>
    byHandGivesTheTree({ compression: 'zstd' }));
});

describe('a pin', () => {
  test('holds until it is taken back, and is set once', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    const pinned = async () => (await showBackup(site.engine, made)).backup.pinnedBy.length;
    expect((await pinBackup(site.engine, made, '')).outcome).toBe('pinned');
    expect((await pinBackup(site.engine, made, '')).outcome).toBe('already');
    expect(await pinned()).toBe(1);
    expect((await pinBackup(site.engine, made, 'a reason after all')).outcome).toBe('pinned');
    expect(await unpinBackup(site.engine, made)).toEqual({ unpinned: 2 });
    expect(await pinned()).toBe(0);
    expect(await unpinBackup(site.engine, made)).toEqual({ unpinned: 0 });
  });

  test('cannot be set without a key, or on what is not there', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    const reader = engineOn(site.store, site.clock, { signer: undefined });
    expect(await codeOf(pinBackup(reader, made, ''))).toBe('UNTRUSTED');
    const absent = { source: 'site', id: '20200101T000000000Z-manual' };
    expect(await codeOf(pinBackup(site.engine, absent, ''))).toBe('BACKUP_NOT_FOUND');
  });
});

// Restoring and testing restores: what is asked for and nothing else, at a target that held nothing, or not at all.
import fs from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveBackup } from '../../lib/engine/catalog/backups.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { artifactOf, type Manifest } from '../../lib/format/manifest.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import type { SourceKind } from '../../lib/sources/source.ts';
import { Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  codeOf,
  contents,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  restoreTo,
  treeOf,
} from '../support/engine.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

let site: Scratch;
let made: ClockedStore;
let first: Manifest;
let second: Manifest;
let asFirst: string[];
let asSecond: string[];

beforeAll(async () => {
  site = new Scratch();
  const root = site.at('site');
  plantSite(root);
  const clock = new Clock();
  made = new ClockedStore(clock);
  const engine = engineOn(made, clock);
  first = (await makeGood(engine, folderSource(root))).manifest;
  asFirst = treeOf(root);
  changeSite(root);
  clock.advance(DAY_MS);
  second = (await makeGood(engine, folderSource(root))).manifest;
  asSecond = treeOf(root);
});
afterAll(() => site[Symbol.dispose]());

let place: Scratch;
let store: ClockedStore;
let engine: Engine;
let to: string;

beforeEach(() => {
  place = new Scratch();
  fs.mkdirSync(place.at('in'));
  to = place.at('in/restored');
  store = made.copy();
  engine = engineOn(store, store.clock, { scratch: place.at('scratch') });
});
afterEach(() => place[Symbol.dispose]());

const beside = () => fs.readdirSync(place.at('in'));

/** An engine whose restores go wrong after the last byte: what is read back must not be what was written. */
function withKind(changes: Partial<SourceKind>): Engine {
  return { ...engine, kinds: new Map([['files', () => ({ ...filesKind, ...changes })]]) };
}

describe('reading back', () => {
  test.each([
    ['of everything', []],
    ['of one path', ['index.html']],
  ])('%s fails when a file on the disk is not what was backed up', async (_what, paths) => {
    const spoiled = withKind({
      restore: async (backup, input) => {
        const result = await filesKind.restore(backup, input);
        fs.appendFileSync(`${input.into}/index.html`, 'x');
        return result;
      },
    });
    expect(await codeOf(restoreTo(spoiled, second, to, { paths }))).toBe('RESTORE_DIFFERS');
    expect(beside()).toEqual([]);
  });

  test('names what it could not read instead of calling it equal', async () => {
    const blind = withKind({
      compare: async (backup, input) => {
        const compared = await filesKind.compare(backup, input);
        return {
          ...compared,
          problems: [{ path: 'index.html', code: 'unreadable', detail: 'no' }],
        };
      },
    });
    const report = await restoreTo(blind, second, to);
    expect(report.unread).toEqual([{ path: 'index.html', code: 'unreadable', detail: 'no' }]);
  });
});

describe('a restore', () => {
  test('gives back what was backed up, of whichever backup is asked for, and leaves a record', async () => {
    await restoreTo(engine, second, to);
    expect(treeOf(to)).toEqual(asSecond);
    const report = await restoreTo(engine, first, place.at('in/first'));
    expect(treeOf(place.at('in/first'))).toEqual(asFirst);
    expect(report).toMatchObject({ differences: [], problems: [], unrecorded: undefined });
    expect(beside()).toEqual(['first', 'restored']);
    const records = await readRecords(engine, 'restore', 'site', { onProblem: () => undefined });
    expect(records.map(({ record }) => [record.subject, record.verdict])).toEqual([
      [second.id, 'done'],
      [first.id, 'done'],
    ]);
  });

  test('of some paths gives these alone, with the folders above them', async () => {
    await restoreTo(engine, first, to, { paths: ['content', 'public/one.png'] });
    const names = treeOf(to).map((line) => line.split(' ')[0] ?? '');
    expect(names.filter((name) => !name.startsWith('content'))).toEqual([
      'public',
      'public/one.png',
    ]);
    expect(names).toContain('content/deep/er/c.md');
  });

  test('of a hard link alone gives its content', async () => {
    await restoreTo(engine, first, to, { paths: ['public/same.png'] });
    expect(fs.readFileSync(`${to}/public/same.png`)).toEqual(
      fs.readFileSync(site.at('site/public/one.png')),
    );
  });

  test.each([['gone.txt'], ['content', 'gone.txt'], ['content/a.md/below'], ['../site']])(
    'of a path that is not in it (%s …) fails and leaves nothing',
    async (...paths) => {
      expect(await codeOf(restoreTo(engine, first, to, { paths }))).toMatch(
        /^(BACKUP_NOT_FOUND|PATH_UNSAFE)$/,
      );
      expect(beside()).toEqual([]);
    },
  );

  test('of a backup that is not there fails, and is on record', async () => {
    const absent = { source: 'site', id: '20300101T000000000Z-manual' };
    expect(await codeOf(restoreTo(engine, absent, to))).toBe('BACKUP_NOT_FOUND');
    expect(await codeOf(verifyBackup(engine, absent, 'digest'))).toBe('BACKUP_NOT_FOUND');
    expect(beside()).toEqual([]);
    const [entry] = await readRecords(engine, 'restore', 'site', { onProblem: () => undefined });
    expect(entry?.record).toMatchObject({
      verdict: 'failed',
      problems: [{ code: 'BACKUP_NOT_FOUND' }],
    });
  });

  test('goes into a folder that is empty, and into one whose parents do not exist', async () => {
    fs.mkdirSync(to);
    await restoreTo(engine, first, to);
    expect(treeOf(to)).toEqual(asFirst);
    await restoreTo(engine, first, `${to}/new/parents/here`);
    expect(treeOf(`${to}/new/parents/here`)).toEqual(asFirst);
  });

  test('refuses a target that holds anything, is a file or a link, and touches none of it', async () => {
    fs.mkdirSync(place.at('in/folder'));
    fs.writeFileSync(place.at('in/folder/mine.txt'), 'mine');
    fs.writeFileSync(place.at('in/file'), 'mine');
    fs.mkdirSync(place.at('empty'));
    fs.symlinkSync(place.at('empty'), place.at('in/link'));
    fs.symlinkSync(place.at('nowhere'), place.at('in/dangling'));
    const before = treeOf(place.path);
    for (const name of ['folder', 'file', 'link', 'dangling', 'file/below']) {
      expect({
        name,
        code: await codeOf(restoreTo(engine, first, place.at(`in/${name}`))),
      }).toEqual({ name, code: 'TARGET_REFUSED' });
    }
    expect(treeOf(place.path)).toEqual(before);
  });

  test('of a backup that is released while it is read fails loudly and leaves nothing', async () => {
    const { key } = artifactOf(first, 'archive');
    const read = store.read.bind(store);
    let reads = 0;
    store.read = (from, offset, length) => {
      if (from === key && ++reads === 2) store.objects.delete(key);
      return read(from, offset, length);
    };
    expect(await codeOf(restoreTo(engine, first, to))).toMatch(/^BACKUP_/);
    expect(beside()).toEqual([]);
  });

  test('into a folder that somebody fills meanwhile is refused, and theirs stays', async () => {
    const read = store.read.bind(store);
    store.read = (from, offset, length) => {
      fs.mkdirSync(to, { recursive: true });
      fs.writeFileSync(`${to}/theirs.txt`, 'theirs');
      return read(from, offset, length);
    };
    expect(await codeOf(restoreTo(engine, first, to))).toBe('TARGET_REFUSED');
    expect(beside()).toEqual(['restored']);
    expect(fs.readdirSync(to)).toEqual(['theirs.txt']);
  });

  test('works where no record can be left, and says so', async () => {
    const before = await contents(store);
    store.put = () => Promise.reject(new Error('not even tried'));
    const nobody = { ...engine, signer: undefined };
    expect(await restoreTo(nobody, first, to)).toMatchObject({ record: undefined });
    expect(treeOf(to)).toEqual(asFirst);
    expect(await contents(store)).toEqual(before);
  });
});

describe('a restore test', () => {
  test('proves a backup, is evidence, and leaves nothing behind', async () => {
    expect((await restoreTest(engine, first)).verdict).toBe('proven');
    expect(fs.readdirSync(place.at('scratch'))).toEqual([]);
    const { backups } = await surveySource(engine, 'site');
    expect(backups[0]?.evidence).toContainEqual(
      expect.objectContaining({ verb: 'restore-test', level: 'restore', verdict: 'proven' }),
    );
  });

  test('where there is no place for it is inconclusive, and damns nothing', async () => {
    fs.writeFileSync(place.at('file'), '');
    const nowhere = { ...engine, scratch: place.at('file/scratch') };
    const { verdict, problems } = await restoreTest(nowhere, first).catch((error: unknown) => {
      throw new Error('it was expected to end with a verdict', { cause: error });
    });
    expect(verdict).toBe('inconclusive');
    expect(problems).toHaveLength(1);
    expect((await surveySource(engine, 'site')).backups[0]?.standing).toBe('good');
  });
});

describe('a restore test in a place that cannot hold it', () => {
  test('because its path is too long for some files damns nothing', async () => {
    // The system takes paths of 4,095 bytes; those of some entries are longer here, those of others not.
    let deep = place.path;
    while (deep.length < 4030) deep += `/${'d'.repeat(Math.min(200, 4036 - deep.length))}`;
    const { verdict, problems } = await restoreTest({ ...engine, scratch: deep }, first);
    expect({ verdict, codes: new Set(problems.map(({ code }) => code)) }).toEqual({
      verdict: 'inconclusive',
      codes: new Set(['unwritten']),
    });
    expect((await surveySource(engine, 'site')).backups[0]?.standing).toBe('good');
  });
});

describe('the name of a backup', () => {
  test.each([
    ['latest', 1],
    ['site', 1],
    ['site/latest', 1],
    ['20400102', 0],
    ['site/20400102T03', 0],
  ])('%s means one', async (name, which) => {
    expect(await resolveBackup(engine, name)).toMatchObject({ id: [first, second][which]?.id });
  });

  test.each([
    '',
    'site/',
    'other',
    'other/latest',
    '2040',
    'site/2041',
    'site/latest/more',
    '../site',
  ])('%j is refused', async (name) => {
    expect(await codeOf(resolveBackup(engine, name))).toBe('BACKUP_NOT_FOUND');
  });
});

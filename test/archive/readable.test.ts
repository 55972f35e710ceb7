// An archive is a standard one: what other tools restore from it is the tree that was backed up.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  backUp,
  openMade,
  prove,
  restoreInto,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';
import { machineTime } from '../support/machine-time.ts';
import { need } from '../needs/need.ts';
import { factsOf, plantEveryKind, type TreeFacts } from '../support/trees.ts';

need('bsdtar');
need('python3');
need('zstd');

const scratch = new Scratch();
let gzip: MadeBackup;
let zstd: MadeBackup;
let facts: TreeFacts;

beforeAll(async () => {
  plantEveryKind(scratch.at('tree'));
  gzip = await backUp(scratch.at('tree'));
  zstd = await backUp(scratch.at('tree'), { compression: 'zstd' });
  facts = factsOf(scratch.at('tree'));
  fs.writeFileSync(scratch.at('archive.tar.gz'), gzip.archive);
  fs.writeFileSync(scratch.at('archive.tar.zst'), zstd.archive);
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

function extract(name: string, command: string): string {
  const into = scratch.at(name);
  fs.mkdirSync(into);
  execFileSync('bash', ['-c', `set -euo pipefail; ${command}`], {
    cwd: into,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return into;
}

const WITHOUT_OWN = { without: /^\.holdfast$/ };

describe.each([
  ['GNU tar', 'tar -xzpf ../archive.tar.gz'],
  ['zstd and GNU tar', 'zstd -dc ../archive.tar.zst | tar -xpf -'],
  ['bsdtar', 'LC_ALL=C bsdtar -xpf ../archive.tar.gz'],
  ['bsdtar in a UTF-8 locale', 'gunzip -c ../archive.tar.gz | LC_ALL=C.UTF-8 bsdtar -xpf -'],
  [
    "Python's tarfile",
    `python3 -c "import tarfile; tarfile.open('../archive.tar.gz').extractall()"`,
  ],
])('%s', (tool, command) => {
  test('restores every entry, and sha256sum finds every file intact', () => {
    const into = extract(`out-${tool.replace(/\W/g, '')}`, command);
    const check = 'sha256sum --check --strict --quiet .holdfast/SHA256SUMS';
    expect(execFileSync('sh', ['-c', check], { cwd: into }).length).toBe(0);
    const found = factsOf(into, { ...WITHOUT_OWN, times: false });
    expect(found).toEqual(factsOf(scratch.at('tree'), { times: false }));
    const odd = ODD_TIMES.find(([name]) => tool.startsWith(name))?.[1];
    expect(withoutPaths(factsOf(into, WITHOUT_OWN), odd)).toEqual(withoutPaths(facts, odd));
  });
});

// Python keeps times as doubles, whose last microsecond may be another; libarchive adds the fraction of a negative time to it.
const ODD_TIMES = [
  ['Python', /./],
  ['bsdtar', /^times\/0$/],
] as const;

function withoutPaths(tree: TreeFacts, paths: RegExp | undefined): TreeFacts {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => paths?.test(path) !== true));
}

test('one path is restored by tar alone', () => {
  const into = extract('one', 'tar -xzf ../archive.tar.gz links/good content');
  expect(Object.keys(factsOf(into)).sort()).toEqual(['content', 'links', 'links/good']);
});

test('gzip and zstd find the file whole', () => {
  execFileSync('gzip', ['--test', scratch.at('archive.tar.gz')]);
  execFileSync('zstd', ['--test', '--quiet', scratch.at('archive.tar.zst')]);
});

test.each([0, 2])('Holdfast restores every entry, with %i workers', async (workers) => {
  for (const backup of [gzip, zstd]) {
    const name = `restored-${workers}-${backup === gzip ? 'gzip' : 'zstd'}`;
    const summary = await restoreInto(await openMade(backup), scratch.at(name), { workers });
    expect(summary.problems).toEqual([]);
    expect(summary.entries).toBe(backup.manifest.totals.entries);
    expect(summary.bytes).toBe(backup.manifest.totals.contentBytes);
    expect(factsOf(scratch.at(name))).toEqual(facts);
  }
});

test('holes come back as holes', async () => {
  await restoreInto(await openMade(gzip), scratch.at('holes'), { paths: ['large/zeros'] });
  const { size, blocks } = fs.statSync(scratch.at('holes/large/zeros'));
  expect(size).toBe(9 << 20);
  expect(blocks * 512).toBeLessThan(1 << 20);
});

test.each([0, 2])('both levels of verification find nothing, with %i workers', async (workers) => {
  for (const backup of [gzip, zstd]) {
    for (const level of ['digest', 'content'] as const) {
      const { problems, entries } = await prove(backup, level, { workers });
      expect(problems).toEqual([]);
      expect(entries).toBe(backup.manifest.totals.entries);
    }
  }
});

describe('the bytes depend on the tree and the options alone', () => {
  test.each([0, 1, 2])('%i workers give the same', async (workers) => {
    const again = await backUp(scratch.at('tree'), { workers });
    expect(again.archive.equals(gzip.archive)).toBe(true);
    expect(
      (await backUp(scratch.at('tree'), { workers, compression: 'zstd' })).archive.equals(
        zstd.archive,
      ),
    ).toBe(true);
  });

  test('a copy of the tree elsewhere gives the same', async () => {
    execFileSync('cp', ['--archive', '--sparse=always', scratch.at('tree'), scratch.at('copy')]);
    // A copy keeps nanoseconds; the archive drops them from both.
    const copy = await backUp(scratch.at('copy'), {
      begin: new Date(machineTime().getTime() + 3_600_000),
    });
    expect(copy.archive.equals(gzip.archive)).toBe(true);
  });

  test('with times taken from the content, a tree written anew gives the same', async () => {
    const before = await backUp(scratch.at('tree'), { times: 'content' });
    execFileSync('cp', [
      '--recursive',
      '--preserve=mode,links,ownership',
      '--sparse=always',
      scratch.at('tree'),
      scratch.at('anew'),
    ]);
    const after = await backUp(scratch.at('anew'), { times: 'content' });
    expect(after.archive.equals(before.archive)).toBe(true);
    expect(after.archive.equals(gzip.archive)).toBe(false);
  });
});

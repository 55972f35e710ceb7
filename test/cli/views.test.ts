// The commands that look: what they print, what their documents hold, and how they end. Each in a process of its own.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFile, chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePlace, type Place } from '../support/command-line.ts';
import { uncommented } from '../support/uncommented.ts';

// A name that would clear a screen and turn text around if a terminal got it as it is.
const HOSTILE = 'content/\u001b[2J\u202egpj.md';

let place: Place;
let first: string;
let second: string;

beforeAll(async () => {
  place = await makePlace();
  await place.write({
    'package.json': '{"name":"site","version":"1.2.3"}',
    'content/a.md': 'one\n',
    'content/b.md': 'two\n',
    [HOSTILE]: 'x',
    '.env': 'PASSWORD=hunter2hunter2\n',
  });
  expect((await place.run(['init'])).exit).toBe(0);
  const file = join(place.site, 'holdfast.yaml');
  await writeFile(file, uncommented(await readFile(file, 'utf8'), 'content'));
  first = await backUp();
  await writeFile(join(place.site, 'content/a.md'), 'one, longer\n');
  await rm(join(place.site, 'content/b.md'));
  await chmod(join(place.site, 'package.json'), 0o600);
  second = await backUp();
}, 120_000);

afterAll(() => place.remove());

async function backUp(): Promise<string> {
  const { sources } = (await place.json(['backup', 'site'])) as { sources: { id: string }[] };
  return sources[0]?.id ?? '';
}

describe('show', () => {
  test('says what a backup is worth, what is in it, what changed, and how to restore it by hand', async () => {
    const { exit, stdout } = await place.run(['show', 'site']);
    expect(exit).toBe(0);
    expect(stdout.split('\n')[0]).toBe(`site/${second}  good`);
    expect(stdout).toMatch(/why +proven by verify \(digest\)/);
    expect(stdout).toMatch(/package +site 1\.2\.3/);
    expect(stdout).toMatch(/left out: \.env: /);
    expect(stdout).toMatch(/tar -xzf \/.*\/archive-[0-9a-f]+\.tar\.gz -C FOLDER/);
    expect(stdout).toMatch(/drwx.* content\/ {2}2 files\n/);
    expect(stdout).toContain(`since ${first}\n`);
    expect(stdout).toMatch(/~ .*content\/a\.md {2}\(content, time\)/);
    expect(stdout).toMatch(/~ .*package\.json {2}\(mode 0644 → 0600\)/);
  });

  test('gives the same as a document', async () => {
    const document = await place.json(['show', 'site', '--all']);
    expect(document).toMatchObject({
      command: 'show',
      source: 'site',
      id: second,
      standing: 'good',
      previous: first,
      manifest: { status: 'complete', artifacts: [{ role: 'archive' }, { role: 'scan' }] },
      changes: { since: first, totals: { added: { entries: 0 }, removed: { entries: 1 } } },
    });
    const contents = document['contents'] as { path: string; type: string; bytes: number }[];
    expect(contents.find(({ path }) => path === 'content/a.md')).toMatchObject({
      type: 'file',
      bytes: 12,
      mode: '0644',
    });
    expect(contents.map(({ path }) => path)).toContain(HOSTILE);
  });

  test('lets no name reach the terminal as it is, in text or in a document', async () => {
    for (const args of [
      ['show', 'site', 'content'],
      ['show', 'site', 'content', '--json'],
      ['diff', `site/${first}`, `site/${second}`, '--json'],
    ]) {
      const { stdout } = await place.run(args);
      expect(stdout).not.toMatch(/[\u001b\u202e]/);
    }
    expect((await place.run(['show', 'site', 'content'])).stdout).toContain(
      '\\x1b[2J\\u{202e}gpj.md',
    );
  });

  test('fails with one document for a path that is not in the backup', async () => {
    const { exit, stdout } = await place.run(['show', 'site', 'nowhere', '--json']);
    expect(exit).toBe(10);
    expect(JSON.parse(stdout)).toMatchObject({ contents: [], error: { code: 'BACKUP_NOT_FOUND' } });
    expect((await place.run(['show', 'site', 'nowhere'])).stderr).toMatch(/holds no nowhere/);
  });
});

describe('diff', () => {
  test('lists what differs and ends with 0, or with 4 when asked', async () => {
    const names = [`site/${first}`, `site/${second}`];
    const { exit, stdout } = await place.run(['diff', ...names]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/- +4 B +content\/b\.md\n/);
    expect(stdout).toMatch(/1 removed \(4 B\), 3 changed/);
    expect((await place.run(['diff', ...names, '--exit-code'])).exit).toBe(4);
    const same = await place.run(['diff', `site/${second}`, 'site', '--exit-code']);
    expect([same.exit, same.stdout.split('\n')[1]]).toEqual([0, 'equal: 5 unchanged']);
    const document = await place.json(['diff', ...names]);
    expect(document).toMatchObject({ equal: false, totals: { unchanged: 2 } });
    expect(document['changes']).toContainEqual({
      path: 'package.json',
      change: 'changed',
      details: [{ aspect: 'mode', before: '0644', after: '0600' }],
      bytesBefore: 33,
      bytesAfter: 33,
    });
  });

  test('with --live compares with the source as its configuration selects it now', async () => {
    expect((await place.run(['diff', 'site', '--live', '--exit-code'])).exit).toBe(0);
    await appendFile(join(place.site, 'content/a.md'), 'more\n');
    const { exit, stdout } = await place.run(['diff', '--live', 'site', '--exit-code']);
    expect(exit).toBe(4);
    expect(stdout).toMatch(/~ .*content\/a\.md {2}\(content 12 bytes → 17 bytes, time\)/);
    expect(stdout).not.toMatch(/\.env|backups|holdfast\.yaml/);
  });

  test('refuses to compare with nothing', async () => {
    const { exit, stderr } = await place.run(['diff', 'site']);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/--live/);
  });
});

describe('log', () => {
  test('ends with the newest act, and sums up the runs', async () => {
    const { exit, stdout } = await place.run(['log', 'site', '--limit', '2']);
    expect(exit).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^time +source +act +verdict/);
    expect(lines[1]).toMatch(/verify +proven/);
    expect(lines[2]).toMatch(/prune +done .* policy {2}2 kept, 0 released$/);
    expect(lines.at(-1)).toMatch(
      /^site: 2 of 2 runs complete in 30 days \(100 %\), longest gap \d+ s$/,
    );
  });

  test('takes a day, a time or how long ago, and acts and sources by name', async () => {
    const acts = async (...args: string[]) => {
      const { entries } = await place.json(['log', ...args]);
      return (entries as { verb: string }[]).map(({ verb }) => verb);
    };
    const all = await acts();
    expect(await acts('--since', '1d', '--source', 'site')).toEqual(all);
    expect(await acts('--until', '1d')).toEqual([]);
    expect(new Set(await acts('--verb', 'verify', '--verb', 'prune'))).toEqual(
      new Set(['verify', 'prune']),
    );
    for (const wrong of ['--since=yesterday', '--until=2026-11-21T02:00', '--verb=look'])
      expect((await place.run(['log', wrong])).exit).toBe(2);
  });

  test('refuses a source that nobody knows, and a limit that is not one', async () => {
    expect((await place.run(['log', 'nowhere'])).exit).toBe(2);
    expect((await place.run(['log', '--limit', '0'])).exit).toBe(2);
  });
});

describe('status', () => {
  test('puts the verdict first; a source that is backed up on request is no alarm', async () => {
    const { exit, stdout } = await place.run(['status']);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^WATCH {2}nothing is urgent; some of it is worth a look/);
    expect(stdout).toMatch(
      /\nFINE {2}site\n {2}newest good +\d{8}T\S+, .*\(objective 24 h: met\)\n/,
    );
    expect(stdout).toMatch(
      /\nWATCH {2}content\n {2}watch: none: it was never backed up, and has no schedule\n/,
    );
    const fine = await place.run(['status', 'site']);
    expect(fine.exit).toBe(0);
    expect(fine.stdout).toMatch(/^FINE {2}site is as it should be/);
  });

  test('gives verdicts, findings and objectives as a document', async () => {
    const { verdict, sources, store } = await place.json(['status', 'site']);
    expect(verdict).toBe('fine');
    expect(sources).toMatchObject([
      {
        source: 'site',
        verdict: 'fine',
        findings: [],
        freshness: { state: 'fresh', newestGoodId: second },
        backups: { good: 2 },
        objectives: { schedule: '0 2 * * *', rpoMs: 86_400_000 },
      },
    ]);
    expect(store).toMatchObject({ capacity: { state: 'unlimited' } });
  });

  test('finds a backup that lost an artifact, without a configuration too', async () => {
    const other = await makePlace();
    try {
      await other.write({ a: 'a' });
      await other.run(['init']);
      const { sources } = (await other.json(['backup', 'site'])) as { sources: { id: string }[] };
      const folder = join(other.site, 'backups/backups/site', sources[0]?.id ?? '');
      const [archive = ''] = (await readdir(folder)).filter((name) => name.startsWith('archive'));
      await rm(join(folder, archive));
      const { exit, stdout } = await other.run(['status', 'site']);
      expect(exit).toBe(4);
      expect(stdout).toMatch(/alarm: damaged: \S+: backups\/site\/\S+ is missing/);
      const key = (await readdir(join(other.home, '.config/holdfast'))).find((name) =>
        name.endsWith('.pub'),
      );
      const args = ['--store', join(other.site, 'backups'), '--public-key'];
      const emergency = await other.run(
        ['status', ...args, join(other.home, '.config/holdfast', key ?? '')],
        { cwd: other.root },
      );
      expect(emergency.exit).toBe(4);
      expect(emergency.stdout).toMatch(/alarm: damaged: /);
    } finally {
      await other.remove();
    }
  });
});

describe('pin and unpin', () => {
  test('mark a backup, once, and take the mark back', async () => {
    const name = `site/${first}`;
    expect((await place.run(['pin', name, '--note', 'the first'])).stdout).toMatch(/^pinned/);
    expect((await place.run(['pin', name])).stdout).toMatch(/is pinned already/);
    expect((await place.run(['list'])).stdout).toMatch(new RegExp(`${first} .* good, pinned`));
    expect((await place.run(['show', name])).stdout).toMatch(/pin +done .* the first\n/);
    expect(await place.json(['unpin', name])).toMatchObject({ command: 'unpin', unpinned: 1 });
    expect((await place.run(['unpin', name])).stdout).toMatch(/was not pinned/);
  });
});

// Every command run twice: the second changes nothing, gives the same, or says that it is done already.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { contents, listed, treeOf } from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type System } from '../support/system.ts';

const TIMEOUT_MS = 240_000;

/** Runs a command twice; both must end with `exit`. The two documents. */
async function twice(
  system: System,
  args: readonly string[],
  exit = 0,
): Promise<[Document, Document]> {
  const documents: Document[] = [];
  for (const time of ['first', 'second']) {
    const ended = await system.run([...args, '--json']);
    expect({ args, time, exit: ended.exit, stderr: ended.stderr }).toEqual({
      args,
      time,
      exit,
      stderr: '',
    });
    documents.push(JSON.parse(ended.stdout) as Document);
  }
  const [first, second] = documents;
  if (first === undefined || second === undefined) throw new Error('two runs, two documents');
  return [first, second];
}

type Document = Record<string, unknown>;

const backupsIn = async (system: System) => contents(await system.openStore(), 'backups/');

/** What `work` did to the backups in the store. */
async function expectUntouched(system: System, work: () => Promise<unknown>): Promise<void> {
  const before = await backupsIn(system);
  await work();
  expect(await backupsIn(system)).toEqual(before);
}

test(
  'every command can be run twice',
  async () => {
    using system = makeSystem({ plant: plantSite });
    const [made, again] = await twice(system, [
      'backup',
      '--trigger',
      'deploy',
      '--at',
      '2021-11-01T00:00:00Z',
    ]);
    expect([made, again]).toMatchObject([
      { sources: [{ outcome: 'made' }] },
      { sources: [{ outcome: 'already' }] },
    ]);
    await system.json(['backup']);
    await expectUntouched(system, async () => {
      await twice(system, ['verify', '--all']);
      await twice(system, ['restore-test']);
      await twice(system, ['prune', '--dry-run']);
      await twice(system, ['prune']);
      const [pinned] = await twice(system, ['pin', 'site/latest', '--note', 'twice']);
      expect(pinned).toBeDefined();
      await twice(system, ['unpin', 'site/latest']);
      for (const args of [
        ['list'],
        ['status'],
        ['show', 'site/latest'],
        ['diff', 'site/latest', '--live'],
        ['doctor'],
      ]) {
        await twice(system, args);
      }
    });
    await expectTargetKept(system);
    await expectInPlaceTwice(system);
  },
  TIMEOUT_MS,
);

/** A restore to a folder that holds something by now is refused, and touches nothing in it. */
async function expectTargetKept(system: System): Promise<void> {
  const to = path.join(system.root, 'restored');
  await system.json(['restore', 'site/latest', '--to', to]);
  fs.writeFileSync(`${to}/mine.txt`, 'mine');
  const before = treeOf(to);
  const refused = await system.run(['restore', 'site/latest', '--to', to, '--json']);
  expect(refused.exit).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'TARGET_REFUSED' } });
  expect(treeOf(to)).toEqual(before);
}

async function expectInPlaceTwice(system: System): Promise<void> {
  const before = treeOf(system.site);
  fs.writeFileSync(`${system.site}/index.html`, 'edited');
  const edited = fs.statSync(`${system.site}/index.html`).mtimeMs;
  const [restored, nothing] = await twice(system, ['restore', 'site/latest', '--in-place']);
  expect([restored, nothing]).toMatchObject([
    { plan: { replace: ['index.html'] } },
    { plan: { replace: [] } },
  ]);
  expect(treeOf(system.site)).toEqual(before);
  // Taken back, and taken back again.
  await system.json(['undo']);
  expect(fs.readFileSync(`${system.site}/index.html`, 'utf8')).toBe('edited');
  expect(fs.statSync(`${system.site}/index.html`).mtimeMs).toBeCloseTo(edited, 0);
  await system.json(['undo']);
  expect(treeOf(system.site)).toEqual(before);
}

test(
  'a damaged backup is repaired once',
  async () => {
    using system = makeSystem({ plant: plantSite });
    await system.json(['backup', '--at', '2021-11-01T00:00:00Z', '--no-prune']);
    fs.writeFileSync(`${system.site}/more.txt`, 'more');
    await system.json(['backup', '--at', '2021-11-02T00:00:00Z', '--no-prune']);
    const store = await system.openStore();
    const [first] = await listed(store);
    const archive = first?.artifacts.find(({ key }) => key.includes('/archive-'));
    if (first === undefined || archive === undefined) throw new Error('no archive');
    const file = path.join(system.folder, archive.key);
    const bytes = fs.readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    fs.writeFileSync(file, bytes);
    const repaired = await system.json<{ repaired?: string }>(['repair', `site/${first.id}`]);
    expect(repaired.repaired).toMatch(/-repair$/);
    const before = await backupsIn(system);
    const again = await system.json<{ repaired?: string }>(['repair', `site/${first.id}`]);
    expect(again.repaired).toBe(repaired.repaired);
    expect(await backupsIn(system)).toEqual(before);
    await system.json(['verify', `site/${repaired.repaired ?? ''}`]);
  },
  TIMEOUT_MS,
);

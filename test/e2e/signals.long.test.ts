// Interrupted runs: they end soon, say so by their exit code, commit nothing and leave nothing behind.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { Clock, contents, listed, treeOf, unsound } from '../support/engine.ts';
import { machineTime } from '../support/machine-time.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type Running, type System } from '../support/system.ts';

const TIMEOUT_MS = 120_000;

/** Hours of zeros: read fast, and not at once. */
function plantLarge(site: string): void {
  plantSite(site);
  fs.closeSync(fs.openSync(`${site}/large.img`, 'w'));
  fs.truncateSync(`${site}/large.img`, 16 * 2 ** 30);
}

const drafts = ({ folder }: System) => {
  const path_ = path.join(folder, '.tmp');
  return fs.existsSync(path_) ? fs.readdirSync(path_).map((name) => path.join(path_, name)) : [];
};

/** Resolves when the run has something in a draft of the store, or has ended. */
async function underWay(system: System, { ended }: Running): Promise<void> {
  let over = false as boolean;
  void ended.then(() => {
    over = true;
  });
  while (
    !over &&
    !drafts(system).some((draft) => (fs.statSync(draft, { throwIfNoEntry: false })?.size ?? 0) > 0)
  )
    await wait(5);
}

const failuresIn = async (system: System) => {
  const engine = await system.engine(new Clock(machineTime()));
  const records = await readRecords(engine, 'backup', 'site', { onProblem: () => undefined });
  return records.map(({ record }) => record.problems[0]?.code);
};

describe.each(['SIGINT', 'SIGTERM'] as const)('%s', (signal) => {
  test(
    'ends a backup with 130; nothing is listed, nothing left, and the interruption is on record',
    async () => {
      using system = makeSystem({ plant: plantSite });
      await system.json(['backup', '--no-prune']);
      const store = await system.openStore();
      const before = await contents(store, 'backups/');
      plantLarge(`${system.site}/more`);
      const run = system.start(['backup', '--json']);
      await underWay(system, run);
      run.child.kill(signal);
      const { exit, stdout, stderr } = await run.ended;
      expect({ exit, stderr }).toEqual({ exit: 130, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({ sources: [{ error: { code: 'CANCELLED' } }] });
      expect(await contents(store, 'backups/')).toEqual(before);
      expect(drafts(system)).toEqual([]);
      expect(await failuresIn(system)).toEqual(['CANCELLED']);
      fs.rmSync(`${system.site}/more/large.img`);
      await system.json(['backup']);
      expect(await unsound(store, new Map(), system)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'ends a restore with 130; its target is absent and nothing is left beside it',
    async () => {
      using system = makeSystem({ plant: plantSite });
      fs.writeFileSync(`${system.site}/large.img`, Buffer.alloc(200_000_000, 'a'));
      await system.json(['backup', '--no-verify']);
      const into = path.join(system.root, 'into');
      fs.mkdirSync(into);
      const run = system.start(['restore', 'site/latest', '--to', path.join(into, 'site')]);
      while (fs.readdirSync(into).length === 0 && run.child.exitCode === null) await wait(2);
      run.child.kill(signal);
      expect((await run.ended).exit).toBe(130);
      expect(fs.readdirSync(into)).toEqual([]);
      await system.json(['restore', 'site/latest', '--to', path.join(into, 'site')]);
      expect(treeOf(path.join(into, 'site'))).toEqual(treeOf(system.site));
    },
    TIMEOUT_MS,
  );
});

test(
  'an interruption stops a command that runs after a restore',
  async () => {
    using system = makeSystem({ plant: plantSite });
    await system.json(['backup']);
    const mark = path.join(system.root, 'began');
    const run = system.start([
      'restore',
      'site/latest',
      '--to',
      path.join(system.root, 'to'),
      '--run',
      `touch ${mark}; sleep 3600`,
    ]);
    while (!fs.existsSync(mark) && run.child.exitCode === null) await wait(10);
    run.child.kill('SIGTERM');
    expect((await run.ended).exit).toBe(130);
  },
  TIMEOUT_MS,
);

test(
  'a second signal ends at once what does not heed the first',
  async () => {
    using system = makeSystem({ plant: plantSite });
    await system.json(['backup']);
    const mark = path.join(system.root, 'began');
    const deaf = `trap '' TERM INT; touch ${mark}; sleep 8`;
    const run = system.start([
      'restore',
      'site/latest',
      '--to',
      path.join(system.root, 'to'),
      '--run',
      deaf,
    ]);
    while (!fs.existsSync(mark) && run.child.exitCode === null) await wait(10);
    run.child.kill('SIGINT');
    await wait(500);
    expect(run.child.exitCode).toBeNull();
    run.child.kill('SIGINT');
    while (run.child.exitCode === null && run.child.signalCode === null) await wait(5);
    expect(run.child.exitCode).toBe(130);
    expect(await listed(await system.openStore())).toHaveLength(1);
  },
  TIMEOUT_MS,
);

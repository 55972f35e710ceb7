// What alarms on AWS look at is computed by the same judgement as `status`: the two never disagree about runs that are missing.
import { describe, expect, test } from '@jest/globals';
import { assessStore, sourceMeasures } from '../../lib/engine/freshness.ts';
import { claimStore } from '../../lib/engine/catalog/marker.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { statusOf } from '../../lib/engine/status.ts';
import { parseSchedule, type Schedule } from '../../lib/policy/schedule.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
} from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';

const HOUR_MS = 3_600_000;

const EVERY_DAY = {
  schedule: parseSchedule('0 3 * * *', 'UTC'),
  rpoMs: 24 * HOUR_MS,
  rtoMs: undefined,
  graceMs: 2 * HOUR_MS,
  restoreTestMaxAgeMs: undefined,
  policy: DAILY.policy,
};

function setUp() {
  const scratch = new Scratch();
  plantSite(scratch.at('site'));
  const clock = new Clock();
  const engine = engineOn(new ClockedStore(clock), clock);
  return {
    clock,
    engine,
    source: folderSource(scratch.at('site')),
    absent: folderSource(scratch.at('gone')),
    look: async (name = 'site', schedule = EVERY_DAY.schedule) => {
      const sources = new Map([[name, { ...EVERY_DAY, schedule }]]);
      const input = { objectives: sources, capacityBytes: undefined };
      const measures = sourceMeasures(await assessStore(engine, input));
      const [status] = (await statusOf(engine, { ...input, sources: [name] })).sources;
      const { missedRuns, failedRuns } = measures[name] ?? {};
      const codes = (status?.findings ?? []).map(({ severity, code }) => `${severity} ${code}`);
      return { missedRuns, failedRuns, codes };
    },
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

describe('a run', () => {
  test('that is missing is counted once its grace has passed, whatever was made by hand', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    site.clock.advance(25 * HOUR_MS);
    await makeGood(site.engine, site.source);
    expect(await site.look()).toMatchObject({ missedRuns: 0, codes: ['watch due'] });
    site.clock.advance(1.1 * HOUR_MS);
    expect(await site.look()).toMatchObject({ missedRuns: 1, codes: ['alarm missed'] });
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    expect(await site.look()).toMatchObject({ missedRuns: 0, codes: [] });
  });

  test('that failed is counted until one succeeds', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    for (let run = 0; run < 2; run++) await codeOf(backUpNow(site.engine, site.absent));
    expect(await site.look()).toMatchObject({ failedRuns: 2, codes: ['alarm failed'] });
    await makeGood(site.engine, site.source);
    expect(await site.look()).toMatchObject({ failedRuns: 0, codes: [] });
  });
});

describe('a source that is configured later', () => {
  test('misses no run that was due before the last prune, which did not know it', async () => {
    using site = setUp();
    await claimStore(site.engine);
    site.clock.advance(30 * DAY_MS);
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    await pruneSource(site.engine, 'site', DAILY);
    site.clock.advance(HOUR_MS);
    expect(await site.look('added')).toMatchObject({ missedRuns: 0 });
    site.clock.advance(25.5 * HOUR_MS);
    expect(await site.look('added')).toMatchObject({ missedRuns: 1 });
  });
});

describe('a schedule', () => {
  const [daily, weekly] = [EVERY_DAY.schedule, parseSchedule('0 3 * * 0', 'UTC')];
  type Site = ReturnType<typeof setUp>;
  const pruneWith = (site: Site, schedule: Schedule | undefined) =>
    pruneSource(site.engine, 'site', { ...DAILY, schedules: new Map([['site', schedule]]) });

  test.each([
    ['added to a source that was backed up by hand', undefined],
    ['changed from one that was kept', weekly],
  ])('%s misses no run that was due before', async (_, before) => {
    using site = setUp();
    await claimStore(site.engine);
    await makeGood(site.engine, site.source, {
      kind: before === undefined ? 'manual' : 'schedule',
    });
    await pruneWith(site, before);
    site.clock.advance(3 * DAY_MS);
    expect(await site.look('site', daily)).toMatchObject({
      missedRuns: 0,
      codes: ['watch rpo', 'watch new-schedule'],
    });
    // A run by hand has it in its configuration. It does not show that the schedule is alive.
    await makeGood(site.engine, site.source);
    await pruneWith(site, daily);
    expect(await site.look('site', daily)).toMatchObject({ missedRuns: 0, codes: [] });
    site.clock.advance(20 * HOUR_MS);
    await makeGood(site.engine, site.source);
    await pruneWith(site, daily);
    site.clock.advance(7 * HOUR_MS);
    expect(await site.look('site', daily)).toMatchObject({
      missedRuns: 1,
      codes: ['alarm missed'],
    });
  });

  test('that is dead stays an alarm when it is written otherwise', async () => {
    using site = setUp();
    await claimStore(site.engine);
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    await pruneWith(site, daily);
    site.clock.advance(3 * DAY_MS);
    expect(await site.look('site', parseSchedule('30 3 * * *', 'UTC'))).toMatchObject({
      missedRuns: 1,
      codes: ['alarm late'],
    });
  });

  test('that was never alive is not hidden by a first backup by hand', async () => {
    using site = setUp();
    await claimStore(site.engine);
    site.clock.advance(3 * DAY_MS);
    expect(await site.look('site', daily)).toMatchObject({ missedRuns: 1, codes: ['alarm never'] });
    await makeGood(site.engine, site.source);
    await pruneWith(site, daily);
    expect(await site.look('site', daily)).toMatchObject({
      missedRuns: 1,
      codes: ['alarm missed'],
    });
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    expect(await site.look('site', daily)).toMatchObject({ missedRuns: 0, codes: [] });
  });
});

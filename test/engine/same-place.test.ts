// Two sites of one name in one store: the second is not taken for the first.
import { expect, test } from '@jest/globals';
import { backupSource } from '../../lib/engine/backup.ts';
import type { Place } from '../../lib/format/place.ts';
import type { Source } from '../../lib/sources/source.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  contents,
  engineOn,
  folderSource,
} from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';

const SHOP: Place = { host: 'web1', machine: '1'.repeat(32), path: '/srv/shop' };
const BLOG: Place = { ...SHOP, path: '/srv/blog' };

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const at = (place: Place | undefined, anywhere = false): Source => ({
    ...folderSource(root),
    place: place && { at: place, anywhere },
  });
  const engine = engineOn(store, clock);
  return { clock, store, engine, at, [Symbol.dispose]: () => scratch[Symbol.dispose]() };
}

test('a second site is refused, also for the same trigger, and leaves nothing behind', async () => {
  using site = setUp();
  const trigger = { kind: 'schedule', at: site.engine.now() } as const;
  const made = await backUpNow(site.engine, site.at(SHOP), trigger);
  expect(made.manifest.place).toEqual(SHOP);
  const before = await contents(site.store);
  expect(await codeOf(backUpNow(site.engine, site.at(BLOG), trigger))).toBe('OTHER_SITE');
  site.clock.ms += 60_000;
  expect(await codeOf(backUpNow(site.engine, site.at(BLOG)))).toBe('OTHER_SITE');
  expect(await contents(site.store)).toEqual(before);
  // The first one goes on.
  expect((await backUpNow(site.engine, site.at(SHOP))).outcome).toBe('made');
});

test('a site that has moved says so once, and its old place is refused from then on', async () => {
  using site = setUp();
  await backUpNow(site.engine, site.at(SHOP));
  site.clock.ms += 60_000;
  const trigger = { kind: 'manual', at: site.engine.now() } as const;
  await backupSource(site.engine, site.at(BLOG), { trigger, full: false, moved: true });
  site.clock.ms += 60_000;
  expect((await backUpNow(site.engine, site.at(BLOG))).outcome).toBe('made');
  site.clock.ms += 60_000;
  expect(await codeOf(backUpNow(site.engine, site.at(SHOP)))).toBe('OTHER_SITE');
});

test('backups that do not say where they were made are of anywhere', async () => {
  using site = setUp();
  await backUpNow(site.engine, site.at(undefined));
  site.clock.ms += 60_000;
  expect((await backUpNow(site.engine, site.at(SHOP))).outcome).toBe('made');
});

test('a database may be backed up from several machines, and not under one name for two sites of one', async () => {
  using site = setUp();
  await backUpNow(site.engine, site.at(SHOP, true));
  site.clock.ms += 60_000;
  const laptop = { host: 'anna', machine: '2'.repeat(32), path: '/home/anna/shop' };
  expect((await backUpNow(site.engine, site.at(laptop, true))).outcome).toBe('made');
  site.clock.ms += 60_000;
  const other = site.at({ ...laptop, path: '/home/anna/blog' }, true);
  expect(await codeOf(backUpNow(site.engine, other))).toBe('OTHER_SITE');
});

test('the order is that of the store: one made with a clock ahead does not stay the newest', async () => {
  using site = setUp();
  const at = new Date(site.engine.now().getTime() + 400 * 86_400_000);
  await backUpNow(site.engine, site.at(BLOG), { at });
  site.clock.ms += 60_000;
  const trigger = { kind: 'manual', at: site.engine.now() } as const;
  await backupSource(site.engine, site.at(SHOP), { trigger, full: false, moved: true });
  site.clock.ms += 60_000;
  expect((await backUpNow(site.engine, site.at(SHOP))).outcome).toBe('made');
});

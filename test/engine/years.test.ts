// Five years of daily backups, a fifth of which fail: what is there at the end is what the policy promises, and restores.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pruneSource } from '../../lib/engine/prune.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { calendarOf } from '../../lib/policy/calendar.ts';
import { DEFAULT_RETENTION } from '../../lib/policy/retention-policy.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  makeGood,
  restoreTo,
} from '../support/engine.ts';

const DAYS = process.env['HOLDFAST_SWEEPS'] === undefined ? 200 : 5 * 365 + 1;

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
  plant(scratch.at('site'), { 'day.txt': '', 'same.txt': 'the same every day' });
});
afterAll(() => scratch[Symbol.dispose]());

/** The same days fail in every run of this test: about one in five, some in a row. */
function fails(day: number): boolean {
  return (Math.imul(day + 1, 2_654_435_761) >>> 0) % 5 === 0 || day % 97 < 3;
}

describe('years of daily backups', () => {
  test('leave the days, weeks and months of the policy, each with its reasons, and the oldest restores', async () => {
    const clock = new Clock();
    const store = new ClockedStore(clock);
    const engine = engineOn(store, clock);
    const site = folderSource(scratch.at('site'));
    const absent = folderSource(scratch.at('not mounted'));
    const made: string[] = [];
    let most = 0;
    for (let day = 0; day < DAYS; day++) {
      fs.writeFileSync(scratch.at('site/day.txt'), `day ${day}`);
      if (fails(day)) expect(await codeOf(backUpNow(engine, absent))).toBe('SOURCE_UNREADABLE');
      else made.push((await makeGood(engine, site)).id);
      const { problems, keep } = await pruneSource(engine, 'site', DAILY);
      expect({ day, problems }).toEqual({ day, problems: [] });
      most = Math.max(most, keep.length);
      clock.advance(DAY_MS);
    }
    const { backups, orphans, leftovers, problems } = await surveySource(engine, 'site');
    expect([orphans, leftovers, problems]).toEqual([[], [], []]);
    expect(backups.every(({ good }) => good)).toBe(true);
    const bucketsOf = calendarOf('UTC');
    for (const tier of ['daily', 'weekly', 'monthly'] as const) {
      const wanted = [...new Set(made.map((id) => bucketsOf(timeIn(id))[tier]))].slice(
        -DEFAULT_RETENTION[tier],
      );
      const kept = new Set(backups.map(({ id }) => bucketsOf(timeIn(id))[tier]));
      expect(wanted.filter((bucket) => !kept.has(bucket))).toEqual([]);
    }
    // 7 + 4 + 12 at most, and the newest 3, which are among the 7.
    expect(backups.length).toBeLessThanOrEqual(23);
    expect(most).toBeLessThanOrEqual(25);
    const [oldest] = backups;
    if (oldest === undefined) throw new Error('nothing is left');
    const to = scratch.at('restored');
    await restoreTo(engine, oldest, to);
    const day = Math.round((timeIn(oldest.id).getTime() - clock.ms) / DAY_MS) + DAYS;
    expect(fs.readFileSync(`${to}/day.txt`, 'utf8')).toBe(`day ${day}`);
    const named = backups.flatMap(({ manifest }) => [
      manifest.key,
      ...manifest.artifacts.map(({ key }) => key),
    ]);
    expect(await keysOf(store, 'backups/')).toEqual(named.sort());
  }, 600_000);
});

function timeIn(id: string): Date {
  const [, year, month, day, hour, minute] = /^(....)(..)(..)T(..)(..)/.exec(id) ?? [];
  return new Date(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:00Z`);
}

// Reading what is small: a bucket takes its time for each answer, so several files are asked for at once. What is found is the same.
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { READ_AT_ONCE } from '../../lib/engine/catalog/backups.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  DAY_MS,
  engineOn,
  folderSource,
} from '../support/engine.ts';

const COUNT = 40;
const BROKEN = [7, 21, 22];
const scratch = new Scratch();
const clock = new Clock();
const store = new ClockedStore(clock);

/** The same objects, each of which comes after a while, and most of them out of order; with how many were asked for at once. */
class Slow extends ClockedStore {
  most = 0;
  #underWay = 0;

  override async read(
    key: string,
    offset: number,
    length: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    this.most = Math.max(this.most, ++this.#underWay);
    await wait(this.#underWay % 3);
    this.#underWay--;
    return super.read(key, offset, length);
  }
}

beforeAll(async () => {
  const site = scratch.at('site');
  plant(site, { 'index.html': 'hello' });
  const engine = engineOn(store, clock);
  for (let n = 0; n < COUNT; n++) {
    const { source, id } = await backUpNow(engine, folderSource(site));
    await verifyBackup(engine, { source, id }, 'content');
    if (BROKEN.includes(n))
      store.objects.get(`backups/${source}/${id}/manifest.json`)?.bytes.fill(0);
    clock.advance(DAY_MS);
  }
});
afterAll(() => scratch[Symbol.dispose]());

test('manifests and records are read several at a time, and never more than that', async () => {
  const slow = new Slow(clock);
  for (const [key, object] of store.objects) slow.objects.set(key, object);
  const seen = await surveySource(engineOn(slow, clock), 'site');
  expect(slow.most).toBe(READ_AT_ONCE);
  expect(seen).toEqual(await surveySource(engineOn(store, clock), 'site'));
  expect(seen.backups).toHaveLength(COUNT - BROKEN.length);
  expect(seen.backups.every(({ good }) => good)).toBe(true);
  expect(seen.problems.map(({ path }) => path)).toEqual(
    seen.problems.map(({ path }) => path).sort(),
  );
  expect(seen.problems).toHaveLength(BROKEN.length);
});

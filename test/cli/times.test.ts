// Times that a user gives, and runs that come late. Each command in a process of its own.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { machineTime } from '../support/machine-time.ts';
import { uncommented } from '../support/uncommented.ts';

const HOUR_MS = 3_600_000;

let place: Place;

beforeAll(async () => {
  place = await makePlace();
  await place.write({ 'package.json': '{"name":"site","version":"1.2.3"}', 'a.txt': 'one\n' });
  expect((await place.run(['init'])).exit).toBe(0);
}, 60_000);

afterAll(() => place.remove());

interface Made {
  readonly sources: {
    readonly id: string;
    readonly prune: { readonly keep: { readonly id: string; readonly reasons: string[] }[] };
  }[];
}

describe('backup --at', () => {
  test('keeps a scheduled run that comes late, and shows it as the latest', async () => {
    const backUp = async (...args: string[]): Promise<Made['sources'][0]> => {
      const made = (await place.json(['backup', 'site', ...args])) as unknown as Made;
      if (made.sources[0] === undefined) throw new Error('nothing was made');
      return made.sources[0];
    };
    for (let n = 0; n < 5; n++) await backUp();
    const due = new Date(machineTime().getTime() - 7 * HOUR_MS).toISOString();
    const { id, prune } = await backUp('--trigger', 'schedule', '--at', due);
    expect(prune.keep[0]).toMatchObject({ id });
    expect(prune.keep[0]?.reasons).toContain('made by this run');
    const { backups } = (await place.json(['list'])) as unknown as { backups: { id: string }[] };
    expect(backups.at(-1)?.id).toBe(id);
    expect((await place.json(['show', 'site/latest']))['id']).toBe(id);
  }, 120_000);

  test('a schedule that fires twice makes one backup of each source, of one without a schedule, too', async () => {
    const other = await makePlace();
    try {
      await other.write({ 'content/a.md': 'a', 'package.json': '{"name":"site"}' });
      await other.run(['init']);
      const file = join(other.site, 'holdfast.yaml');
      const text = uncommented(await readFile(file, 'utf8'), 'content', 'configuration');
      await writeFile(file, text);
      type Outcomes = { sources: { source: string; id: string; outcome: string }[] };
      const fire = async () =>
        ((await other.json(['backup', '--trigger', 'schedule'])) as unknown as Outcomes).sources;
      const [first, second] = [await fire(), await fire()];
      expect(first.map(({ source, outcome }) => [source, outcome])).toEqual([
        ['site', 'made'],
        ['content', 'made'],
        ['configuration', 'made'],
      ]);
      expect(second).toEqual(
        first.map(({ source, id }) => expect.objectContaining({ source, id, outcome: 'already' })),
      );
    } finally {
      await other.remove();
    }
  }, 60_000);

  test.each([
    ['a day that does not exist', '2024-02-30T00:00:00Z', '"2024-02-30T00:00:00Z" is no time that'],
    ['a time without a zone', '2024-02-03T00:00:00', '"2024-02-03T00:00:00" has no zone'],
    ['a day', '2024-02-03', '"2024-02-03" is a day, without a time and a zone'],
    ['a time far ahead', '2199-01-01T00:00:00Z', '"2199-01-01T00:00:00Z" has not come yet'],
    ['a word', 'yesterday', '"yesterday" is no time that exists'],
  ])('refuses %s', async (_, at, message) => {
    const { exit, stderr } = await place.run(['backup', '--at', at]);
    expect(exit).toBe(2);
    // Once, and not for each source.
    expect(stderr.split(`--at ${message}`)).toHaveLength(2);
  });
});

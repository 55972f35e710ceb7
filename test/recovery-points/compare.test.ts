// What a difference between a record and something restored means: damage only where it cannot have come about in another way.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HeldBucket, HeldTable } from '../../lib/recovery-points/held/held.ts';
import { standingWithin, type Version } from '../../lib/recovery-points/held/versions.ts';
import { compareBucket } from '../../lib/recovery-points/validate/compare-bucket.ts';
import {
  compareTable,
  type RestoredTable,
} from '../../lib/recovery-points/validate/compare-table.ts';

const digest = (letter: string) => letter.repeat(64);

function table(more: Partial<HeldTable> = {}): HeldTable {
  return {
    kind: 'dynamodb',
    keys: ['id HASH S'],
    indexes: ['global byOwner: owner HASH S; ALL'],
    count: 100,
    counted: true,
    countBefore: 100,
    samples: [
      { key: { id: { S: 'one' } }, digest: digest('1'), settled: true },
      { key: { id: { S: 'two' } }, digest: digest('2'), settled: false },
    ],
    ...more,
  };
}

function restored(held: HeldTable, more: Partial<RestoredTable> = {}): RestoredTable {
  const { keys, indexes, count, samples } = held;
  return { keys, indexes, count, digests: samples.map((one) => one.digest), ...more };
}

const codes = ({ damage, doubt, noted }: ReturnType<typeof compareTable>) => ({
  damage: damage.map(({ path, code }) => `${path} ${code}`.trim()),
  doubt: doubt.map(({ path, code }) => `${path} ${code}`.trim()),
  noted: noted.map(({ path, code }) => `${path} ${code}`.trim()),
});

describe('a restored table', () => {
  test('that is what was recorded differs in nothing', () => {
    expect(codes(compareTable(table(), restored(table())))).toEqual({
      damage: [],
      doubt: [],
      noted: [],
    });
  });

  test('is damaged where an item differs that was the same before and after the backup', () => {
    const got = restored(table(), { digests: [digest('9'), digest('2')] });
    expect(codes(compareTable(table(), got)).damage).toEqual(['id=one differs']);
  });

  test('may differ in an item that was not seen before the backup', () => {
    const got = restored(table(), { digests: [digest('1'), undefined] });
    expect(codes(compareTable(table(), got))).toEqual({
      damage: [],
      doubt: [],
      noted: ['id=two missing'],
    });
  });

  test('is in doubt when an item differs and no other is known from before', () => {
    const held = table({
      samples: [{ key: { id: { S: 'a' } }, digest: digest('a'), settled: false }],
    });
    expect(codes(compareTable(held, restored(held, { digests: [digest('b')] }))).doubt).toEqual([
      'id=a differs',
    ]);
  });

  test('is damaged without an index, and with another key', () => {
    const got = restored(table(), { indexes: [], keys: ['id HASH N'] });
    expect(codes(compareTable(table(), got)).damage).toEqual([
      'id HASH S missing',
      'id HASH N unexpected',
      'global byOwner: owner HASH S; ALL missing',
    ]);
  });

  test.each([
    ['a count between two records', { count: 110, countBefore: 90 }, 100, 'noted'],
    ['a count far below both records', { count: 110, countBefore: 90 }, 50, 'damage'],
    ['a count a little off, with one record', { countBefore: null }, 99, 'doubt'],
    ['a count that one record cannot explain or rule out', { countBefore: null }, 80, 'doubt'],
    ['a count far off, with one record', { countBefore: null }, 10, 'damage'],
    ['a count far off an estimate', { counted: false }, 10, 'doubt'],
    ['nothing where an estimate says much', { counted: false }, 0, 'damage'],
  ] as const)('with %s', (_name, more, count, expected) => {
    const held = { ...table(), ...more } as HeldTable;
    const found = codes(compareTable(held, restored(held, { count })));
    const told = Object.entries(found).filter(([, list]) => list.includes('count'));
    expect(told.map(([kind]) => kind)).toEqual([expected]);
  });

  test('never passes when a settled item differs, whatever else holds', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1 }), fc.nat(), (settled, at) => {
        const samples = settled.map((one, index) => ({
          key: { id: { N: String(index) } },
          digest: digest('1'),
          settled: one,
        }));
        const changed = at % settled.length;
        const digests = samples.map((one, index) => (index === changed ? undefined : one.digest));
        const held = table({ samples });
        const { damage, doubt, noted } = compareTable(held, restored(held, { digests }));
        expect(damage.length + doubt.length + noted.length).toBe(1);
        expect(damage.length === 1).toBe(settled[changed]);
        expect(noted.length === 1).toBe(settled[changed] !== true && settled.includes(true));
      }),
    );
  });
});

describe('a restored bucket', () => {
  const held: HeldBucket = {
    kind: 's3',
    least: 3,
    most: 4,
    archived: 1,
    samples: [{ key: 'a', bytes: 5, digest: digest('a'), digestBytes: 5 }],
  };
  const good = { bytes: 5, digest: digest('a') };

  test.each([
    ['what was there', 3, good, []],
    ['with what came during the backup', 5, good, []],
    ['with too few objects', 2, good, ['count']],
    ['with too many objects', 6, good, ['count']],
    ['without a sampled object', 3, undefined, ['missing']],
    ['with another size', 3, { bytes: 4, digest: digest('b') }, ['size']],
    ['with other content', 3, { bytes: 5, digest: digest('b') }, ['differs']],
  ] as const)('%s', (_name, count, object, expected) => {
    const { damage } = compareBucket(held, { count, objects: [object] });
    expect(damage.map(({ code }) => code)).toEqual(expected);
  });
});

describe('what stood at a key while a backup was made', () => {
  const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22, 5, 0, seconds));
  const version = (seconds: number, etag: string | undefined): Version => ({
    modified: at(seconds),
    latest: false,
    archived: false,
    object:
      etag === undefined
        ? undefined
        : { key: 'k', bytes: 1, etag, versionId: etag, modified: at(seconds) },
  });
  const span = { from: at(30), to: at(40) };
  const standing = (...versions: Version[]) =>
    standingWithin({ key: 'k', versions }, span).map((one) => one?.object?.etag);

  test.each([
    ['one version from before', [version(10, 'a')], ['a']],
    ['one version from after', [version(50, 'a')], [undefined]],
    [
      'a version of the meantime over an older one',
      [version(35, 'b'), version(10, 'a')],
      ['b', 'a'],
    ],
    ['a deletion before', [version(20, undefined), version(10, 'a')], [undefined]],
    ['a deletion in the meantime', [version(35, undefined), version(10, 'a')], [undefined, 'a']],
    [
      'an upload in parts that may have ended late',
      [version(10, 'b-2'), version(5, 'a')],
      ['b-2', 'a'],
    ],
    ['a version of the same second', [version(30, 'b'), version(10, 'a')], ['b', 'a']],
  ] as const)('%s', (_name, versions, expected) => {
    expect(standing(...versions)).toEqual(expected);
  });
});

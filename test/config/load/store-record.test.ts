import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import {
  readKnownStores,
  recognise,
  storeRecordFile,
  withStore,
  writeKnownStores,
  type StoreAtHand,
} from '../../../lib/config/load/store-record.ts';

const store: StoreAtHand = {
  id: 'a'.repeat(32),
  place: '/mnt/backups',
  config: '/srv/shop/holdfast.yaml',
  aside: false,
};
const known = withStore([], store, new Date('2026-01-02T03:04:05Z'));

describe('a store', () => {
  test.each<[string, Partial<StoreAtHand>, string]>([
    ['that was written to before is known', {}, 'known'],
    ['that was moved elsewhere is the same', { place: '/mnt/new' }, 'moved'],
    ['with another id is another, in its place', { id: 'b' }, 'another'],
    ['with another id is another, in a new place', { id: 'b', place: '/mnt/new' }, 'another'],
    ['of another configuration is the first one of that', { id: 'b', config: '/x' }, 'first'],
    ['that --store names is compared with what was there', { id: 'b', aside: true }, 'another'],
    [
      'that --store names elsewhere is a second one',
      { id: 'b', aside: true, place: '/usb' },
      'first',
    ],
  ])('%s', (_, changes, expected) => {
    expect(recognise(known, { ...store, ...changes })).toBe(expected);
  });

  test('is remembered once, since it was first written to', () => {
    const later = withStore(
      known,
      { ...store, place: '/mnt/new' },
      new Date('2026-02-01T00:00:00Z'),
    );
    expect(later).toEqual([
      {
        id: store.id,
        place: '/mnt/new',
        config: store.config,
        since: '2026-01-02T03:04:05.000Z',
      },
    ]);
  });
});

test('the file stands beside the key, and nowhere for a key that is in no file', () => {
  const at = (scheme: 'file' | 'env', name: string) =>
    storeRecordFile({ signingKey: { scheme, name }, system: 'shop' });
  expect(at('file', '/keys/some.key')).toBe('/keys/shop.store');
  expect(at('env', 'KEY')).toBeUndefined();
});

test('the file is read back, is not one where it is absent, and is not guessed at', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-record-'));
  const file = join(folder, 'shop.store');
  expect(await readKnownStores(file)).toEqual([]);
  expect(await writeKnownStores(file, 'shop', known)).toBe(true);
  expect(await readKnownStores(file)).toEqual(known);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ system: 'shop' });
  expect(await writeKnownStores(join(folder, 'no/shop.store'), 'shop', known)).toBe(false);
  await writeFile(file, '{"stores":1}');
  await expect(readKnownStores(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await rm(folder, { recursive: true });
});

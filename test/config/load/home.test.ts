import { expect, test } from '@jest/globals';

import { absolutePath } from '../../../lib/config/places.ts';

test('a path from ~ is refused in one line where the user has no home, and others need none', () => {
  const bases = { folder: '/srv/shop', home: '' };
  expect(absolutePath('backups', bases)).toBe('/srv/shop/backups');
  expect(absolutePath('/mnt/x', bases)).toBe('/mnt/x');
  for (const path of ['~', '~/.config/holdfast/shop.key']) {
    expect(() => absolutePath(path, bases)).toThrow(/HOME is not set/);
  }
});

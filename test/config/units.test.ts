import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { nearest } from '../../lib/config/nearest.ts';
import { formatDuration, parseDuration, parseSize } from '../../lib/config/units.ts';

test('a duration reads back as what was written', () => {
  fc.assert(
    fc.property(fc.nat(99_999), fc.constantFrom('s', 'm', 'h', 'd', 'w'), (count, unit) => {
      const ms = parseDuration(`${count}${unit}`) ?? NaN;
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});

test.each(['', '24', 'h', '-1h', '1.5h', '01h', '1 month', '1h ', '9999999d'])(
  'refuses "%s" as a duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  ['20 GiB', 20 * 2 ** 30],
  ['1.5kB', 1500],
  ['0.001 kB', 1],
  ['20 gib', undefined],
  ['20', undefined],
  ['1e3 MB', undefined],
])('reads the size "%s" as %p bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test('guesses a word with a letter too few, too many, wrong or swapped, and no other', () => {
  const known = ['exclude', 'include', 'schedule', 'rpo'];
  for (const typed of ['exlude', 'excludee', 'exclide', 'ecxlude', 'Exclude'])
    expect(nearest(typed, known)).toBe('exclude');
  expect(nearest('retention', known)).toBeUndefined();
  expect(nearest('x'.repeat(100_000), known)).toBeUndefined();
});

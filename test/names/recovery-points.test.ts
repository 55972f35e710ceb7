// What AWS Backup knows our things by.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { planName, testPlanName, vaultName } from '../../lib/names/recovery-points.ts';

const part = (most: number) =>
  fc.stringMatching(new RegExp(`^[a-z]([a-z0-9-]{0,${most - 2}}[a-z0-9])?$`));

test('names are those that AWS Backup takes', () => {
  fc.assert(
    fc.property(part(31), part(32), (system, selection) => {
      expect(vaultName(system)).toMatch(/^[a-zA-Z0-9_-]{2,50}$/);
      expect(planName(system, selection)).toMatch(/^[a-zA-Z0-9_.-]{1,50}$/);
      expect(testPlanName(system, selection)).toMatch(/^[a-zA-Z0-9_]{1,50}$/);
    }),
  );
});

test('no two selections share a restore testing plan', () => {
  const names = fc.tuple(part(31), part(32));
  fc.assert(
    fc.property(names, names, (one, other) => {
      fc.pre(one.join(' ') !== other.join(' '));
      expect(testPlanName(...one)).not.toBe(testPlanName(...other));
    }),
  );
  expect(testPlanName('a--b', 'c')).not.toBe(testPlanName('a', 'b--c'));
  expect(testPlanName('a', 'b')).toBe('holdfast_a__b');
});

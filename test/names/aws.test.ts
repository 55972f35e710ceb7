// Names on AWS that an account has in all regions at once: no two stacks may want the same one, and IAM must take each.
import { expect, test } from '@jest/globals';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import fc from 'fast-check';
import { FUNCTIONS, globalName, TASKS, taskRoleName } from '../../lib/names/aws.ts';
import type { StackPlace } from '../../lib/names/aws.ts';

const REGIONS = RegionInfo.regions.map(({ name }) => name);

/** Every name that the stack in `place` has in common with no other. */
function globalNames(place: StackPlace): string[] {
  const ofTasks = ['tasks-begin', 'tasks-start', 'tasks-events'];
  const plain = [...FUNCTIONS, 'recovery', 'schedules', ...ofTasks, 'backups'];
  return [
    ...plain.map((what) => globalName(place, what)),
    ...TASKS.map((name) => taskRoleName(place, name)),
  ];
}

const system = fc.oneof(
  fc.stringMatching(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/),
  // Those that look like a part of another name.
  fc
    .tuple(fc.constantFrom('shop', 'a'.repeat(20)), fc.constantFrom('-database', '-us', '-task-db'))
    .map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('shop', 'x'), fc.constantFrom(...REGIONS)).map((two) => two.join('-')),
);
const place = fc.record({ system, region: fc.constantFrom(...REGIONS) });

test('the regions that are tried are those of AWS', () => {
  expect(REGIONS.length).toBeGreaterThan(40);
  expect(REGIONS).toEqual(
    expect.arrayContaining(['eu-central-1', 'us-gov-west-1', 'us-isof-south-1', 'eusc-de-east-1']),
  );
});

test('IAM takes every name, however long the system and the region are called', () => {
  for (const region of REGIONS) {
    for (const length of [1, 16, 31, 33, 40, 63]) {
      for (const name of globalNames({ system: 'a'.repeat(length), region }))
        expect(name).toMatch(/^holdfast-a[a-z0-9-]{1,54}$/);
    }
  }
});

test('no two stacks have a name in common, whatever their systems and regions are called', () => {
  fc.assert(
    fc.property(fc.uniqueArray(place, { selector: (one) => JSON.stringify(one) }), (places) => {
      const names = places.flatMap(globalNames);
      expect(new Set(names).size).toBe(names.length);
    }),
  );
});

test('long names that begin alike stay apart', () => {
  const [one, other] = ['x', 'y'].map((end) =>
    globalName({ system: `${'a'.repeat(39)}${end}`, region: 'eu-central-1' }, 'prune'),
  );
  expect(one).not.toBe(other);
});

test('a name can be read wherever it has room', () => {
  expect(globalName({ system: 'spark-bloom-flow', region: 'ap-southeast-1' }, 'recovery')).toBe(
    'holdfast-spark-bloom-flow-ap-southeast-1-recovery',
  );
  expect(taskRoleName({ system: 'shop', region: 'eu-central-1' }, 'database-backup')).toBe(
    'holdfast-shop-eu-central-1-task-db-backup',
  );
});

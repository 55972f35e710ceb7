// What sources and deployments are called is the user's choice: no two of them may lead to one name, or to one place in a template.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { alarmsOf } from '../../../../lib/config/alarms.ts';
import type { Config } from '../../../../lib/config/config.ts';
import { ruleNames } from '../../../../lib/infra/core/triggers/rule-names.ts';
import {
  sourceTimetables,
  systemTimetables,
} from '../../../../lib/infra/core/triggers/timetables.ts';
import { configOf, deployed } from '../../../support/stacks.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));

interface Source {
  readonly name: string;
  readonly onDeployment: readonly string[];
}

function configured(sources: readonly Source[]): Promise<Config> {
  const file = join(folder, 'holdfast.yaml');
  const lines = sources.map(
    ({ name, onDeployment }) =>
      `  ${name}: { kind: bucket, bucket: shop, schedule: 0 3 1 * 0, onDeployment: ${JSON.stringify(onDeployment)} }`,
  );
  const head = ['version: 1', 'system: shop', 'store: s3://shop-backups?region=eu-central-1'];
  writeFileSync(file, [...head, 'aws: {}', 'sources:', ...lines].join('\n'));
  return configOf(file);
}

/** Of few characters, so that some differ in one alone; and those that look like a part of another name. */
const word = fc.stringMatching(/^[ab][ab._-]{0,2}[ab]$/);
const trigger = fc.oneof(
  fc.constant('event'),
  fc
    .tuple(
      fc.constantFrom('codepipeline', 'ecs'),
      fc.oneof(word, fc.constantFrom('event', 'ecs-a', 'ecs-event')),
    )
    .map((parts) => parts.join(':')),
);
const name = fc.oneof(
  fc.stringMatching(/^[ab]([ab-]{0,2}[ab])?$/),
  fc
    .tuple(
      fc.constantFrom('a', 'a'.repeat(50)),
      fc.constantFrom('', '-ecs', '-event', '-backup', '-backup-2', '-restore', '-restore-test'),
    )
    .map((parts) => parts.join('')),
);
const sources = fc.uniqueArray(
  fc.record({ name, onDeployment: fc.uniqueArray(trigger, { maxLength: 6 }) }),
  { minLength: 1, maxLength: 12, selector: (one) => one.name },
);

/** Whatever AWS or a template knows by a name that comes from `config`, by what must not have it twice. */
function namesOf(config: Config): Readonly<Record<string, string[]>> {
  return {
    rules: ruleNames(config),
    schedules: [...config.sources.flatMap(sourceTimetables), ...systemTimetables(config)].map(
      (one) => one.name,
    ),
    alarms: alarmsOf(config).map((one) => one.name),
  };
}

test('no two schedules, rules or alarms have one name, whatever sources and deployments are called', async () => {
  await fc.assert(
    fc.asyncProperty(sources, async (all) => {
      for (const [of, names] of Object.entries(namesOf(await configured(all)))) {
        const twice = names.filter((one, index) => names.indexOf(one) !== index);
        expect([of, twice]).toEqual([of, []]);
      }
    }),
  );
});

test('deployments whose names differ in a dot, a hyphen or an underscore start a backup each', async () => {
  const config = await configured([
    { name: 'a', onDeployment: ['ecs:a_b', 'ecs:a-b', 'ecs:a.b', 'ecs:event'] },
    { name: 'a-ecs', onDeployment: ['event', 'ecs:b'] },
  ]);
  const rules = (await deployed(config)).ofType('AWS::Events::Rule');
  const names = rules.map(([, { Properties }]) => String(Properties['Name']));
  expect(names).toHaveLength(8);
  expect(new Set(names).size).toBe(8);
  expect(names.toSorted()).toEqual(ruleNames(config).toSorted());
});

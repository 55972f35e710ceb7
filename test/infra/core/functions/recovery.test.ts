// What a stack tries by itself: which records start which functions and tasks, and what those may do because of it.
import { expect, test } from '@jest/globals';
import { stackKeys } from '../../../../lib/config/load/stack-keys.ts';
import { SPARK, configOf, deployed, policyOf, sparkWith } from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

const VPC = 'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';
const OFF = ['notify:\n', 'notify:\n  recovery: off\n'] as const;
const BUCKET = 'arn:aws:s3:::spark-bloom-flow-backups';

/** Each pattern of what is tried, with what it starts. */
function startedBy(stack: Deployed): Record<string, string> {
  return Object.fromEntries(
    stack.ofType('AWS::Events::Rule').flatMap(([, { Properties }]) => {
      const pattern = JSON.stringify(Properties['EventPattern']);
      const wildcard = /incidents\/[^"]*-trying-[^"]*/.exec(pattern)?.[0];
      const [{ Arn }] = Properties['Targets'] as [{ Arn: unknown }];
      return wildcard === undefined ? [] : [[wildcard, JSON.stringify(Arn)]];
    }),
  );
}

function resourcesOf(stack: Deployed, name: string, action: string): string[] {
  return policyOf(stack, name)
    .Statement.filter((one) => [one.Action].flat().includes(action))
    .flatMap(({ Resource }) => [Resource].flat())
    .filter((one) => one.startsWith(BUCKET));
}

test('an order starts the functions that back up, which read orders and nothing else of incidents', async () => {
  const spark = await deployed(configOf(SPARK));
  expect(Object.keys(startedBy(spark))).toEqual(['incidents/*-trying-*.json']);
  expect(startedBy(spark)['incidents/*-trying-*.json']).toContain('backup');
  for (const name of ['backup', 'database-backup']) {
    const read = resourcesOf(spark, name, 's3:GetObject').filter((one) => one.includes('incident'));
    expect(read).toEqual([`${BUCKET}/incidents/*-trying-*.json`]);
    expect(resourcesOf(spark, name, 's3:PutObject').join()).not.toContain('incidents');
  }
  expect(resourcesOf(spark, 'backup', 's3:PutObject')).toContain(
    `${BUCKET}/records/repair/assets/*`,
  );
  // A dump is made again, and never repaired.
  expect(resourcesOf(spark, 'database-backup', 's3:PutObject').join()).not.toContain('repair');
  // Its record is all by which `escalate` starts anything.
  const actions = policyOf(spark, 'escalate').Statement.flatMap(({ Action }) => [Action].flat());
  for (const one of ['lambda:InvokeFunction', 'states:StartExecution', 'events:PutEvents'])
    expect(actions).not.toContain(one);
});

test('a source of a task has a rule of its own, which starts its state machine', async () => {
  const tasks = await deployed(
    sparkWith(
      ['databases: { package: image, postgres: 17 }', `databases: { postgres: 17, ${VPC} }`],
      ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
    ),
  );
  const started = startedBy(tasks);
  expect(Object.keys(started).toSorted()).toEqual([
    'incidents/*-trying-*.json',
    'incidents/*-trying-*_database.json',
  ]);
  expect(started['incidents/*-trying-*_database.json']).toContain('machine');
});

test('switched off, nothing is started, and no right and no key is there for it', async () => {
  const config = await sparkWith(OFF);
  const spark = await deployed(config);
  expect(startedBy(spark)).toEqual({});
  for (const name of ['backup', 'database-backup']) {
    const all = JSON.stringify(policyOf(spark, name));
    expect(all).not.toContain('incidents');
    expect(all).not.toContain('records/repair');
  }
  const keys = stackKeys(config).flatMap(({ prefixes }) => prefixes);
  expect(keys.join()).not.toContain('records/repair');
});

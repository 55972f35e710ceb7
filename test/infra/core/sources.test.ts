// What belongs to one source stands for itself: another source that comes or goes moves nothing of it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Template } from 'aws-cdk-lib/assertions';
import { configOf, deployed, nestedIn, stackOf } from '../../support/stacks.ts';
import type { Deployed, Statement } from '../../support/stacks.ts';

const LONG = 'a'.repeat(63);
const ALSO_LONG = `${'a'.repeat(62)}b`;

function source(name: string): string {
  return `  ${name}: { kind: bucket, bucket: files-of-${name.slice(0, 20)}, prefix: up/, schedule: 0 3 * * *, rpo: 26h, onDeployment: [event, 'ecs:shop'] }`;
}

function holding(...names: readonly string[]) {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml');
  writeFileSync(
    file,
    [
      'version: 1\nsystem: shop\nstore: s3://shop-backups?region=eu-central-1\naws: {}\nsources:',
      ...names.map(source),
    ].join('\n'),
  );
  return configOf(file);
}

let crowd: Deployed;
beforeAll(async () => {
  crowd = await deployed(
    holding(LONG, ALSO_LONG, ...Array.from({ length: 60 }, (_, index) => `source-${index}`)),
  );
}, 60_000);

test('a source that comes and one that goes change no stack of another', async () => {
  const templates = async (...names: readonly string[]) => {
    const { stack } = stackOf(await holding(...names));
    const found = nestedIn(stack).map(({ stack: nested, id }) => [
      id.replace(/.*Sources/, '').slice(0, 5),
      [id, Template.fromStack(nested).toJSON()],
    ]);
    return Object.fromEntries(found) as Record<string, unknown>;
  };
  const before = await templates('first', 'other', 'third');
  const after = await templates('newer', 'first', 'third');
  expect(Object.keys(after).toSorted()).toEqual(['first', 'newer', 'third']);
  expect(after['first']).toEqual(before['first']);
  expect(after['third']).toEqual(before['third']);
});

test('no two things of one kind have one name, also where names of sources are long', () => {
  for (const [type, property] of [
    ['AWS::Scheduler::Schedule', 'Name'],
    ['AWS::Events::Rule', 'Name'],
    ['AWS::CloudWatch::Alarm', 'AlarmName'],
  ] as const) {
    const names = crowd.ofType(type).map(([, { Properties }]) => Properties[property] as string);
    expect(names.length).toBeGreaterThan(62);
    expect(new Set(names).size).toBe(names.length);
  }
});

test('a schedule and a rule carry names that AWS takes', () => {
  for (const type of ['AWS::Scheduler::Schedule', 'AWS::Events::Rule'])
    for (const [, { Properties }] of crowd.ofType(type))
      expect(Properties['Name']).toMatch(/^[\w.-]{1,64}$/);
});

describe('rules', () => {
  const RULES = 'arn:aws:events:eu-central-1:111122223333:rule/holdfast-shop.*';

  test('of any number start functions by one right each', () => {
    const rights = crowd.ofType('AWS::Lambda::Permission').map(([, { Properties }]) => Properties);
    expect(rights).toHaveLength(3);
    for (const right of rights)
      expect(right).toMatchObject({ Principal: 'events.amazonaws.com', SourceArn: RULES });
  });

  test('of any number leave dead letters by one statement', () => {
    const [queue] = crowd.ofType('AWS::SQS::QueuePolicy');
    const { Statement } = queue?.[1].Properties['PolicyDocument'] as { Statement: Statement[] };
    expect(Statement.filter(({ Effect }) => Effect === 'Allow')).toEqual([
      expect.objectContaining({
        Action: 'sqs:SendMessage',
        Condition: { ArnLike: { 'aws:SourceArn': RULES } },
      }),
    ]);
  });

  test('are all of those that may', () => {
    for (const [, { Properties }] of crowd.ofType('AWS::Events::Rule'))
      expect(Properties['Name']).toMatch(/^holdfast-shop\./);
  });
});

test('what a function may do with sixty sources stands in policies of its own, each of a size that IAM takes', () => {
  const [role] = crowd
    .ofType('AWS::IAM::Role')
    .filter(([, { Properties }]) => Properties['RoleName'] === 'holdfast-shop-eu-central-1-backup');
  const attached = role?.[1].Properties['ManagedPolicyArns'] as string[];
  expect(attached.length).toBeGreaterThan(1);
  expect(attached.length).toBeLessThanOrEqual(10);
  const policies = crowd
    .ofType('AWS::IAM::ManagedPolicy')
    .filter(([id]) => attached.includes(`arn:aws:iam::111122223333:policy/${id}`))
    .map(([, { Properties }]) => Properties);
  expect(policies).toHaveLength(attached.length);
  const documents = policies.map((one) => one['PolicyDocument'] as { Statement: Statement[] });
  for (const document of documents) expect(JSON.stringify(document).length).toBeLessThan(6144);
  const resources = documents
    .flatMap(({ Statement }) => Statement)
    .filter(({ Action }) => [Action].flat().includes('s3:PutObject'))
    .flatMap(({ Resource }) => Resource);
  for (const name of [LONG, ALSO_LONG, 'source-0', 'source-59'])
    expect(resources).toContain(`arn:aws:s3:::shop-backups/backups/${name}/*`);
  expect(resources.filter((one) => one.includes('/backups/'))).toHaveLength(62);
});

// The construct that teams put into stacks of their own: what it takes, what it gives, and what it refuses.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Holdfast } from '../../lib/infra/holdfast.ts';
import { allResourcesOf } from '../support/stacks.ts';
import type { Resource } from '../support/stacks.ts';
import { newApp } from '../support/apps.ts';

const REGION = 'eu-central-1';
const ACCOUNT = '111122223333';

function file(...lines: readonly string[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'holdfast-construct-')), 'backups.yaml');
  const text = [
    'version: 1',
    'system: shop',
    `store: s3://shop-backups?region=${REGION}`,
    'sources:',
    '  assets: { kind: bucket, bucket: shop-assets, schedule: 0 3 * * *, rpo: 25h }',
    ...lines,
  ];
  writeFileSync(path, text.join('\n'));
  return path;
}

function stack(env: { region?: string; account?: string } = { region: REGION }): Stack {
  return new Stack(newApp(), 'Team', { env });
}

function holdfast(on = stack(), ...lines: readonly string[]): Holdfast {
  return new Holdfast(on, 'Backups', { configFile: file('aws: {}', ...lines) });
}

function alarmsOf(on: Stack): Resource[] {
  return Object.values(allResourcesOf(on)).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
}

test('the stack of a team gets everything that the configuration describes', () => {
  const on = stack();
  const made = holdfast(on);
  expect(made.system).toBe('shop');
  const template = Template.fromStack(on);
  template.hasResourceProperties('AWS::S3::Bucket', { BucketName: 'shop-backups' });
  template.hasResourceProperties('AWS::Lambda::Function', {
    FunctionName: 'holdfast-shop-backup',
  });
  expect(made.alarms.length).toBe(alarmsOf(on).length);
});

test('every alarm does what the team wants to be done, when it goes off and when it ends', () => {
  const on = stack();
  const [pager, calm] = [new Topic(on, 'Pager'), new Topic(on, 'Calm')];
  const made = holdfast(on);
  made.onAlarm(new SnsAction(pager));
  made.onOk(new SnsAction(calm));
  const alarms = alarmsOf(on);
  expect(alarms.length).toBe(made.alarms.length);
  for (const { Properties } of alarms) {
    expect(Properties['AlarmActions']).toContainEqual({
      Ref: on.getLogicalId(pager.node.defaultChild as never),
    });
    expect(Properties['OKActions']).toContainEqual({
      Ref: on.getLogicalId(calm.node.defaultChild as never),
    });
  }
});

test('the alarms of one source are told apart from all others', () => {
  const on = stack();
  const pager = new Topic(on, 'Pager');
  const made = holdfast(on);
  for (const alarm of made.alarmsOfSource('assets')) alarm.addAlarmAction(new SnsAction(pager));
  const told = alarmsOf(on).filter(({ Properties }) => Properties['AlarmActions'] !== undefined);
  const names = told.map(({ Properties }) => String(Properties['AlarmName']));
  const ofAssets = names.filter((name) => name.startsWith('holdfast-shop/sources/assets/'));
  expect(ofAssets.length).toBeGreaterThan(5);
  // The direct alarms tell the topic of the system in any case.
  expect(names.filter((name) => !ofAssets.includes(name) && !name.includes('.direct/'))).toEqual(
    [],
  );
  expect(() => made.alarmsOfSource('assest')).toThrow(/has no source "assest"; it has: assets/);
});

test('metrics are those that freshness publishes', () => {
  const made = holdfast();
  expect(made.metricRecoveryPointAge('assets')).toMatchObject({
    namespace: 'Holdfast',
    metricName: 'RecoveryPointAgeSeconds',
    dimensions: { System: 'shop', Source: 'assets' },
    statistic: 'Maximum',
  });
  expect(made.metric('KeyUsable', { label: 'key' })).toMatchObject({
    dimensions: { System: 'shop' },
    statistic: 'Minimum',
    label: 'key',
  });
});

test('a metric of a source that is not there is refused', () => {
  expect(() => holdfast().metricRestoreTestAge('assest')).toThrow(
    /has no source "assest"; it has: assets/,
  );
});

test('who may trigger can start the task that backs up, and look how it goes on', () => {
  const on = stack({ region: REGION, account: ACCOUNT });
  const role = new Role(on, 'Pipeline', { assumedBy: new AccountRootPrincipal() });
  const configFile = file(
    '  media: { kind: bucket, bucket: shop-media, runOn: task }',
    'aws: { tasks: { vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] } } }',
  );
  new Holdfast(on, 'Backups', { configFile }).grantTrigger(role).assertSuccess();
  const [policy] = Object.values(Template.fromStack(on).findResources('AWS::IAM::Policy')) as {
    Properties: { PolicyDocument: { Statement: { Action: string; Resource: unknown }[] } };
  }[];
  const allowed = policy?.Properties.PolicyDocument.Statement.map(({ Action, Resource }) => [
    Action,
    JSON.stringify(Resource).match(/(stateMachine|execution):[^"]*|^"\*"/)?.[0],
  ]);
  expect(allowed).toEqual([
    ['lambda:InvokeFunction', undefined],
    ['states:StartExecution', 'stateMachine:holdfast-shop-backup'],
    ['states:DescribeExecution', 'execution:holdfast-shop-backup:*'],
    ['states:ListStateMachines', '"*"'],
  ]);
});

test('a principal of another account is granted nothing, because its own policy would not suffice', () => {
  const made = holdfast(stack({ region: REGION, account: ACCOUNT }));
  const role = Role.fromRoleArn(made, 'Foreign', 'arn:aws:iam::444455556666:role/reader');
  expect(() => made.grantRead(role)).toThrow(
    /a principal of the account 444455556666 cannot be granted/,
  );
});

test('faults of the configuration are told with their lines, and a file that is missing by the name of the property', () => {
  const configFile = file('aws: { lock: { days: many } }');
  expect(() => new Holdfast(stack(), 'Backups', { configFile })).toThrow(
    /backups\.yaml:6:\d+: aws\.lock\.days: /,
  );
  expect(() => new Holdfast(stack(), 'Backups', { configFile: 'no.yaml' })).toThrow(
    /configFile names .*no\.yaml, which is not a file/,
  );
});

test('a variable of the shell does not change which bucket a stack has', () => {
  const on = stack();
  process.env['HOLDFAST_STORE'] = 's3://somewhere-else?region=us-east-1';
  try {
    holdfast(on);
  } finally {
    delete process.env['HOLDFAST_STORE'];
  }
  Template.fromStack(on).hasResourceProperties('AWS::S3::Bucket', { BucketName: 'shop-backups' });
});

test('what AWS Backup shall protect is protected in the stack of a team, too', () => {
  const on = stack();
  const table = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/orders`;
  const configFile = file(
    'aws:',
    '  recoveryPoints:',
    `    selections: { orders: { resources: ['${table}'], schedule: 0 5 * * * } }`,
  );
  new Holdfast(on, 'Backups', { configFile });
  const types = Object.values(allResourcesOf(on)).map(({ Type }) => Type);
  expect(types.filter((type) => type.startsWith('AWS::Backup::')).sort()).toEqual([
    'AWS::Backup::BackupPlan',
    'AWS::Backup::BackupSelection',
    'AWS::Backup::BackupVault',
    'AWS::Backup::RestoreTestingPlan',
    'AWS::Backup::RestoreTestingSelection',
  ]);
});

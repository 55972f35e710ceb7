// What alarms of CloudWatch say for incidents: an alarm that lost its data ends none.
import { expect, test } from '@jest/globals';
import type { CloudWatchClient, MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Config } from '../../../lib/config/config.ts';
import { lookAtAlarms } from '../../../lib/functions/incidents/stack-alarms.ts';
import { incidentOf } from '../../../lib/policy/incidents/state.ts';

const AT = new Date('2026-11-22T04:00:00Z');
const SINCE = new Date('2026-11-22T03:00:00Z');
const CONFIG = {
  system: 'shop',
  sources: [],
  notify: { sinks: [{ name: 'hook' }] },
} as unknown as Config;

/** CloudWatch with one alarm, as `state` has it, and these values of its metric. */
function watch(name: string, state: Partial<MetricAlarm>, values: readonly number[] = []) {
  const alarm = {
    ...{ AlarmName: name, AlarmDescription: 'What it means.', Namespace: 'AWS/Lambda' },
    ...{ MetricName: 'Errors', Statistic: 'Sum', Threshold: 1, ...state },
  };
  const Datapoints = values.map((Sum, index) => ({
    Sum,
    Timestamp: new Date(SINCE.getTime() + index * 300_000),
  }));
  const cloudWatch = {
    send: ({ input }: { input: { AlarmNames?: string[] } }) =>
      Promise.resolve(
        input.AlarmNames === undefined
          ? { Datapoints }
          : { MetricAlarms: input.AlarmNames.includes(name) ? [alarm] : [] },
      ),
  } as unknown as CloudWatchClient;
  return { cloudWatch, config: CONFIG };
}

function opened(subject: string, code: string) {
  const incident = incidentOf([
    {
      ...{ incident: '000001', sequence: 1, event: 'opened', detail: undefined, who: 'me' },
      ...{ at: SINCE, text: undefined, began: undefined, how: undefined, settleMs: 0, again: true },
      conditions: [{ subject, code, detail: 'it is' }],
    },
  ] as never);
  if (incident === undefined) throw new Error('nothing opened it');
  return [incident];
}

const ERRORS = 'holdfast-shop/functions/prune/errors';

test('an alarm that went off is urgent, and its condition is its own', async () => {
  expect(await lookAtAlarms(watch(ERRORS, { StateValue: 'ALARM' }), [], AT)).toEqual({
    urgent: [{ subject: 'functions/prune', code: 'errors', detail: 'What it means.' }],
    good: [],
  });
});

test.each([
  ['that nobody can tell is not good', { StateValue: 'INSUFFICIENT_DATA' }, [], []],
  ['that is OK for lack of data is not good', { StateValue: 'OK' }, [], []],
  ['whose last value is bad is not good', { StateValue: 'OK' }, [0, 1], []],
  ['with a good value since then is good', { StateValue: 'OK' }, [1, 0], ['functions/prune']],
  [
    'over a sum in which gaps are filled is not good',
    { StateValue: 'OK', MetricName: undefined },
    [0],
    [],
  ],
] as const)('an alarm of an open incident %s', async (_, state, values, good) => {
  const known = opened('functions/prune', 'errors');
  expect(await lookAtAlarms(watch(ERRORS, state, values), known, AT)).toEqual({ urgent: [], good });
});

test('where no data would be an alarm, none is needed', async () => {
  const name = 'holdfast-shop.direct/functions/freshness/silent';
  const known = opened('functions/freshness', 'silent');
  expect((await lookAtAlarms(watch(name, { StateValue: 'OK' }), known, AT)).good).toEqual([
    'functions/freshness',
  ]);
});

test('of the escalation itself, and of what sources and the store are looked at for, nothing is asked', async () => {
  for (const name of [
    'holdfast-shop.direct/functions/escalate/errors',
    'holdfast-shop/store/hidden',
    'holdfast-shop/functions/prune/throttles',
  ])
    expect(await lookAtAlarms(watch(name, { StateValue: 'ALARM' }), [], AT)).toEqual({
      urgent: [],
      good: [],
    });
});

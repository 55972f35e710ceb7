// Five cron fields as EventBridge Scheduler writes them: the same runs.
import { expect, test } from '@jest/globals';
import { Cron } from 'croner';
import fc from 'fast-check';
import { schedulerCrons } from '../../lib/policy/scheduler-cron.ts';

/** The expressions of EventBridge Scheduler, evaluated by the words of its manual. Covers what we write: lists, ranges, L, W, #. */
function isDue(expression: string, at: Date): boolean {
  const [minute, hour, day, month, weekday] = fieldsOf(expression);
  return (
    holds(minute, at.getUTCMinutes()) &&
    holds(hour, at.getUTCHours()) &&
    holds(month, at.getUTCMonth() + 1) &&
    (day === '?' ? isWeekday(weekday, at) : isDay(day, at))
  );
}

type Fields = [minute: string, hour: string, day: string, month: string, weekday: string];

function fieldsOf(expression: string): Fields {
  return expression.slice('cron('.length, -1).split(' ').slice(0, 5) as Fields;
}

function holds(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    if (part === '*') return true;
    const [from = NaN, to = from] = part.split('-').map(Number);
    return from <= value && value <= to;
  });
}

function isDay(field: string, at: Date): boolean {
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0));
  if (field === 'L') return at.getUTCDate() === last.getUTCDate();
  if (!field.endsWith('W')) return holds(field, at.getUTCDate());
  const wanted = new Date(
    Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), Number(field.slice(0, -1))),
  );
  const { 0: sunday, 6: saturday } = { 0: wanted.getUTCDay() === 0, 6: wanted.getUTCDay() === 6 };
  const date = wanted.getUTCDate();
  const nearest = saturday
    ? date === 1
      ? 3
      : date - 1
    : sunday
      ? date === last.getUTCDate()
        ? date - 2
        : date + 1
      : date;
  return at.getUTCDate() === nearest;
}

/** Sunday is 1. */
function isWeekday(field: string, at: Date): boolean {
  const weekday = at.getUTCDay() + 1;
  const [day = '', which] = field.split('#');
  if (which !== undefined)
    return Number(day) === weekday && Math.ceil(at.getUTCDate() / 7) === Number(which);
  if (!field.endsWith('L')) return holds(field, weekday);
  const inAWeek = new Date(at.getTime() + 7 * 86_400_000);
  return Number(field.slice(0, -1)) === weekday && inAWeek.getUTCMonth() !== at.getUTCMonth();
}

const START = new Date('2026-11-22T12:34:00Z');
const RUNS = 50;

/** The next runs by the one, each of them and no minute around it by the other. */
function expectSameRuns(schedule: string): void {
  const expressions = schedulerCrons(schedule);
  for (const expression of expressions) {
    // One of the two must be "?", and only one.
    expect(expression).toMatch(/^cron\((\S+ ){2}(\? \S+ [^?\s]+|[^?\s]+ \S+ \?) \*\)$/);
    expect(expression.length).toBeLessThanOrEqual(256);
  }
  const theirs = (at: Date) => expressions.some((one) => isDue(one, at));
  const cron = new Cron(schedule, { utcOffset: 0, paused: true, mode: '5-part' });
  const differing: string[] = [];
  let previous = START;
  for (const run of cron.nextRuns(RUNS, START)) {
    if (!theirs(run)) differing.push(`lacks ${run.toISOString()}`);
    for (const between of minutesBetween(previous, run))
      if (theirs(between)) differing.push(`adds ${between.toISOString()}`);
    previous = run;
  }
  expect({ schedule, differing }).toEqual({ schedule, differing: [] });
}

/** Every minute of a short gap; of a long one, the minutes of the same clock time on each day. */
function minutesBetween(from: Date, to: Date): Date[] {
  const step = to.getTime() - from.getTime() > 86_400_000 ? 86_400_000 : 60_000;
  const found: Date[] = [];
  for (let ms = to.getTime() - step; ms > from.getTime(); ms -= step) found.push(new Date(ms));
  return found;
}

test.each([
  ['0 2 * * *', ['cron(0 2 * * ? *)']],
  ['0 3 * * 0', ['cron(0 3 ? * 1 *)']],
  ['0 3 * * 7', ['cron(0 3 ? * 1 *)']],
  ['0 3 * * SUN', ['cron(0 3 ? * 1 *)']],
  ['30 4 1 * *', ['cron(30 4 1 * ? *)']],
  ['*/15 * * * *', ['cron(0,15,30,45 * * * ? *)']],
  ['0 9-17/4 * * mon-fri', ['cron(0 9,13,17 ? * 2-6 *)']],
  ['0 0 1,15 * 1', ['cron(0 0 1,15 * ? *)', 'cron(0 0 ? * 2 *)']],
  ['0 0 L * *', ['cron(0 0 L * ? *)']],
  ['0 0 15W * *', ['cron(0 0 15W * ? *)']],
  ['0 0 * * 5#2', ['cron(0 0 ? * 6#2 *)']],
  ['0 0 * * 5#L', ['cron(0 0 ? * 6L *)']],
  ['5 0 * 1,JUL *', ['cron(5 0 * 1,7 ? *)']],
])('%s becomes %j', (schedule, expected) => {
  expect(schedulerCrons(schedule)).toEqual(expected);
  expectSameRuns(schedule);
});

test('any schedule has the same runs', () => {
  const field = (low: number, high: number) => {
    const value = fc.integer({ min: low, max: high });
    const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
    const step = fc.integer({ min: 2, max: high }).map((one) => `*/${one}`);
    const list = fc.array(value, { minLength: 1, maxLength: 4 }).map((some) => some.join(','));
    return fc.oneof(fc.constant('*'), list, range, step);
  };
  const schedule = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
    .map((fields) => fields.join(' '));
  fc.assert(fc.property(schedule, expectSameRuns), { numRuns: 40 });
});

test.each(['0 2 * * +5', '0 2 32 * *', '0 2 * * MOON'])('refuses %s', (schedule) => {
  expect(() => schedulerCrons(schedule)).toThrow(/EventBridge Scheduler cannot say/);
});

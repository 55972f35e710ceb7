// Five cron fields as EventBridge Scheduler writes them: six fields, other numbers for weekdays, and never both kinds of day. Pure.
import { HoldfastError } from '../errors.ts';

interface Field {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const MINUTE: Field = { from: 0, to: 59 };
const HOUR: Field = { from: 0, to: 23 };
const DAY: Field = { from: 1, to: 31 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const MONTH: Field = { from: 1, to: 12, names: MONTHS };
/** Sunday is 0, and 7 as well. */
const WEEKDAY: Field = {
  from: 0,
  to: 7,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

/**
 * The expressions that together run when `schedule` does. Several where cron unites what the Scheduler cannot say in one: a day of
 * the month *or* a weekday, and more than one last or n-th day. `CONFIG_INVALID` for what it cannot say at all.
 */
export function schedulerCrons(schedule: string): string[] {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = schedule
    .toUpperCase()
    .split(' ');
  const time = `${written(MINUTE, minute, schedule)} ${written(HOUR, hour, schedule)}`;
  const months = written(MONTH, month, schedule);
  const days = day === '*' ? [] : dayParts(day, schedule);
  const weekdays = weekday === '*' ? [] : weekdayParts(weekday, schedule);
  const none = days.length === 0 && weekdays.length === 0;
  return [
    ...(none ? [`cron(${time} * ${months} ? *)`] : []),
    ...days.map((one) => `cron(${time} ${one} ${months} ? *)`),
    ...weekdays.map((one) => `cron(${time} ? ${months} ${one} *)`),
  ];
}

/** The times of a day at which `schedule` runs, as every hour with every minute of two lists. `CONFIG_INVALID` as {@link schedulerCrons}. */
export function timesOfDay(schedule: string): {
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
} {
  const [minute = '', hour = ''] = schedule.toUpperCase().split(' ');
  return { hours: allOf(HOUR, hour, schedule), minutes: allOf(MINUTE, minute, schedule) };
}

/** Last days and nearest weekdays stand alone in an expression; all other days share one. */
function dayParts(text: string, schedule: string): string[] {
  const parts = text.split(',');
  const special = parts.filter((part) => /^(L|LW|\d+W)$/.test(part));
  const plain = parts.filter((part) => !special.includes(part));
  return [...(plain.length > 0 ? [written(DAY, plain.join(','), schedule)] : []), ...special];
}

function weekdayParts(text: string, schedule: string): string[] {
  const parts = text.split(',');
  const special = parts.filter((part) => part.includes('#') || /^\w+L$/.test(part));
  const plain = parts.filter((part) => !special.includes(part));
  const numbers = new Set(plain.flatMap((part) => numbersOf(WEEKDAY, part, schedule)));
  const days = [...new Set([...numbers].map(theirWeekday))].sort((a, b) => a - b);
  return [
    ...(days.length > 0 ? [days.length === 7 ? '*' : ranges(days)] : []),
    ...special.map((part) => specialWeekday(part, schedule)),
  ];
}

/** Their Sunday is 1. */
function theirWeekday(ours: number): number {
  return (ours % 7) + 1;
}

/** `FRI#2`, the second Friday; `FRI#L` and `FRIL`, the last one. */
function specialWeekday(part: string, schedule: string): string {
  const [, name = '', which = ''] = /^(\w+?)#?([1-5]|L)$/.exec(part) ?? [];
  const [number] = numbersOf(WEEKDAY, name, schedule);
  if (number === undefined) throw unsayable(part, schedule);
  return which === 'L' ? `${theirWeekday(number)}L` : `${theirWeekday(number)}#${which}`;
}

/** A field as a list of ranges; steps are written out, because theirs begin elsewhere. */
function written(field: Field, text: string, schedule: string): string {
  const numbers = allOf(field, text, schedule);
  return numbers.length === field.to - field.from + 1 ? '*' : ranges(numbers);
}

/** Every number that a field stands for, in order. */
function allOf(field: Field, text: string, schedule: string): number[] {
  const numbers = new Set(text.split(',').flatMap((one) => numbersOf(field, one, schedule)));
  return [...numbers].sort((a, b) => a - b);
}

function ranges(numbers: readonly number[]): string {
  const found: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last?.to === number - 1) last.to = number;
    else found.push({ from: number, to: number });
  }
  return found.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function numbersOf(field: Field, part: string, schedule: string): number[] {
  const [, span = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
  const [low = '', high] = span.split('-');
  const every = step === undefined ? 1 : Number(step);
  const all = span === '*';
  const from = all ? field.from : numberOf(field, low);
  const only = step === undefined ? from : field.to;
  const to = all ? field.to : high === undefined ? only : numberOf(field, high);
  const sayable = from !== undefined && to !== undefined && from <= to && every > 0;
  if (!sayable) throw unsayable(part, schedule);
  const count = Math.floor((to - from) / every) + 1;
  return Array.from({ length: count }, (_, index) => from + index * every);
}

function numberOf({ from, to, names }: Field, text: string): number | undefined {
  const named = names?.indexOf(text) ?? -1;
  if (named >= 0) return named + from;
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  return number !== undefined && number >= from && number <= to ? number : undefined;
}

function unsayable(part: string, schedule: string): HoldfastError {
  return new HoldfastError(
    'CONFIG_INVALID',
    `the schedule "${schedule}" contains "${part}", which EventBridge Scheduler cannot say`,
    { hint: 'Use numbers, ranges, lists, steps, names of days and months, L, W and #.' },
  );
}

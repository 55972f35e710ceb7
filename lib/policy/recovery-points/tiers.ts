// The rules of a plan of AWS Backup: which recovery point is made when, and for how long each is kept. AWS Backup deletes by age
// alone, and of rules whose windows overlap it runs the one that keeps longest. So each time of each day belongs to one rule.
import { schedulerCrons, timesOfDay } from '../scheduler-cron.ts';

/** Why a recovery point is made. */
export type PointTier = 'daily' | 'weekly' | 'monthly' | 'yearly' | 'continuous';

export interface PointRule {
  /** Unlike that of every other rule of the plan. */
  readonly name: string;
  readonly tier: PointTier;
  /** Five cron fields, in the time zone of the plan. */
  readonly cron: string;
  /** The same as AWS writes it. */
  readonly expression: string;
  readonly keepDays: number;
  /** Undefined where it never moves to cold storage. */
  readonly coldAfterDays: number | undefined;
}

/** What a plan should do. */
export interface PlanWish {
  /** A cron expression of five fields that is one. */
  readonly schedule: string;
  readonly retention: {
    readonly daily: number;
    readonly weekly: number;
    readonly monthly: number;
    readonly yearly: number;
  };
  readonly continuousDays: number | undefined;
  readonly coldAfterDays: number | undefined;
}

/** AWS Backup may begin a job so long after its time; it takes no shorter window. */
export const START_WINDOW_MINUTES = 60;
/** AWS Backup gives up a job that has not ended by then. */
export const COMPLETION_WINDOW_MINUTES = 12 * 60;
/** Between two jobs of a resource: windows that meet may be taken for one. */
const LEAST_GAP_MINUTES = 2 * START_WINDOW_MINUTES;

/** As the newest three good backups of a source are kept in any case. */
const ALWAYS_KEPT = 3;
const DAY_MINUTES = 24 * 60;

/** With the first of the month, seven days apart at most: so each week has a recovery point of these or of the first. */
const WEEKLY_DAYS = [8, 15, 22, 29];
const ALL_DAYS = Array.from({ length: 31 }, (_, index) => index + 1);

/** Days that belong to one tier: the last three cron fields, in several expressions where one does not suffice. */
interface TierDays {
  readonly tier: PointTier;
  readonly days: readonly string[];
  readonly keepDays: number;
}

/** The times of a day. */
interface Times {
  readonly minute: number;
  readonly hours: readonly number[];
}

type UnnamedRule = Pick<PointRule, 'tier' | 'cron' | 'keepDays'>;

/**
 * The rules that together do what is wished, or why there can be none, in words that follow "got SCHEDULE: ".
 *
 * At any time, as many of the newest days, ISO weeks, months and years that had a recovery point still have one as the retention
 * counts, as long as every job succeeds; but for the week, month and year in which the plan began. On a day with several runs the
 * first one is kept for the longest time.
 */
export function planRules(wish: PlanWish): readonly PointRule[] | string {
  const { schedule, continuousDays } = wish;
  const times = timesOf(schedule);
  if (typeof times === 'string') return times;
  const tiers = tiersOf(wish);
  if (typeof tiers === 'string') return tiers;
  const [plain, ...special] = tiers;
  const rules = [
    ...plain.days.map((days) => rule(times, days, plain)),
    ...special.flatMap((tier) => {
      const [hour = 0, ...laterHours] = times.hours;
      const later = { ...times, hours: laterHours };
      return tier.days.flatMap((days) => [
        rule({ ...times, hours: [hour] }, days, tier),
        ...(laterHours.length === 0 ? [] : [rule(later, days, plain)]),
      ]);
    }),
  ];
  if (continuousDays === undefined) return named(rules, wish);
  const between = middleOfLongestGap(times);
  if (between === undefined)
    return `it leaves no four hours in a day, and continuous backup needs a time of its own between two runs`;
  const continuous = { tier: 'continuous', keepDays: continuousDays } as const;
  return named([...rules, rule(between, '* * *', continuous)], wish);
}

function rule(
  { minute, hours }: Times,
  days: string,
  { tier, keepDays }: Pick<TierDays, 'tier' | 'keepDays'>,
): UnnamedRule {
  return { tier, cron: `${minute} ${hours.join(',')} ${days}`, keepDays };
}

function timesOf(schedule: string): Times | string {
  const { hours, minutes } = timesOfDay(schedule);
  const [minute = 0] = minutes;
  const times = { minute, hours };
  const shortest = Math.min(...gapsOf(times).map(({ minutes: length }) => length));
  if (minutes.length === 1 && shortest >= LEAST_GAP_MINUTES) return times;
  return 'it comes again within two hours, and AWS Backup merges what it may begin at the same time';
}

/** What lies between two runs, from one day into the next. */
function gapsOf({ minute, hours }: Times): { readonly from: number; readonly minutes: number }[] {
  return hours.map((hour, index) => {
    const next = hours[index + 1] ?? (hours[0] ?? 0) + 24;
    return { from: hour * 60 + minute, minutes: (next - hour) * 60 };
  });
}

function middleOfLongestGap(times: Times): Times | undefined {
  const gaps = gapsOf(times);
  const longest = gaps.reduce((most, gap) => (gap.minutes > most.minutes ? gap : most));
  if (longest.minutes < 2 * LEAST_GAP_MINUTES) return undefined;
  const at = (longest.from + Math.floor(longest.minutes / 2)) % DAY_MINUTES;
  return { minute: at % 60, hours: [Math.floor(at / 60)] };
}

/** The tiers, the one of all other days first; each keeps at least as long as those before it, whose days it stands for, too. */
function tiersOf({ schedule, retention }: PlanWish): readonly [TierDays, ...TierDays[]] | string {
  const [, , day = '*', month = '*', weekday = '*'] = schedule.split(/\s+/);
  if (month === '*' && day === '*' && weekday === '*') return everyDay(retention);
  if (month === '*' && day === '*' && /^([0-7]|[a-z]{3})$/i.test(weekday))
    return oneWeekday(weekday, retention);
  if (month === '*' && weekday === '*' && /^(\d|1\d|2[0-8])$/.test(day))
    return oneDayOfMonth(day, retention);
  return 'AWS Backup counts days, not buckets, so tiers can be laid out for fewer schedules';
}

type Retention = PlanWish['retention'];

function everyDay({ daily, weekly, monthly, yearly }: Retention): [TierDays, ...TierDays[]] {
  const weeklyDays = weekly > 0 ? WEEKLY_DAYS : [];
  const firstIs = monthly > 0 ? 'monthly' : weekly > 0 ? 'weekly' : 'daily';
  const firsts = yearly > 0 ? '1 2-12 *' : '1 * *';
  const plainDays = ALL_DAYS.filter((day) => day > 1 && !weeklyDays.includes(day));
  const daysOf = (tier: PointTier, days: readonly number[]) => [
    ...(days.length > 0 ? [`${spans(days)} * *`] : []),
    ...(firstIs === tier ? [firsts] : []),
  ];
  return growing([
    { tier: 'daily', days: daysOf('daily', plainDays), keepDays: kept(daily) + 1 },
    { tier: 'weekly', days: daysOf('weekly', weeklyDays), keepDays: 7 * weekly + 1 },
    { tier: 'monthly', days: daysOf('monthly', []), keepDays: 31 * monthly + 7 },
    { tier: 'yearly', days: yearly > 0 ? ['1 1 *'] : [], keepDays: 366 * yearly + 7 },
  ]);
}

function oneWeekday(
  weekday: string,
  { daily, weekly, monthly, yearly }: Retention,
): [TierDays, ...TierDays[]] {
  const later = [2, 3, 4, 5].map((which) => `* * ${weekday}#${which}`);
  const first = `${yearly > 0 ? '* 2-12' : '* *'} ${weekday}#1`;
  const isWhole = monthly + yearly === 0;
  const weeks = isWhole ? [`* * ${weekday}`] : monthly > 0 ? later : [...later, first];
  return growing([
    // Each day that has a recovery point is a week apart from the next.
    { tier: 'weekly', days: weeks, keepDays: 7 * kept(Math.max(daily, weekly)) + 1 },
    { tier: 'monthly', days: monthly > 0 ? [first] : [], keepDays: 31 * monthly + 7 },
    {
      tier: 'yearly',
      days: yearly > 0 ? [`* 1 ${weekday}#1`] : [],
      keepDays: 366 * yearly + 7,
    },
  ]);
}

function oneDayOfMonth(
  day: string,
  { daily, weekly, monthly, yearly }: Retention,
): [TierDays, ...TierDays[]] {
  const months = kept(Math.max(daily, weekly, monthly));
  return growing([
    {
      tier: 'monthly',
      days: [yearly > 0 ? `${day} 2-12 *` : `${day} * *`],
      keepDays: 31 * months + 7,
    },
    { tier: 'yearly', days: yearly > 0 ? [`${day} 1 *`] : [], keepDays: 366 * yearly + 7 },
  ]);
}

function kept(count: number): number {
  return Math.max(count, ALWAYS_KEPT);
}

/** The tiers that have days, each keeping at least as long as the ones before it. */
function growing([plain, ...others]: readonly [TierDays, ...TierDays[]]): [
  TierDays,
  ...TierDays[],
] {
  let { keepDays } = plain;
  const special = others
    .filter(({ days }) => days.length > 0)
    .map((tier) => {
      keepDays = Math.max(keepDays, tier.keepDays);
      return { ...tier, keepDays };
    });
  return [plain, ...special];
}

/** `2-7,9-14` */
function spans(days: readonly number[]): string {
  return days
    .filter((day) => !days.includes(day - 1))
    .map((from) => {
      const to = days.find((day) => day >= from && !days.includes(day + 1)) ?? from;
      return to === from ? `${from}` : `${from}-${to}`;
    })
    .join(',');
}

/** Cold storage is for what is made at most once a month: everything else is deleted before it would be worth it. */
const COLD_TIERS: ReadonlySet<PointTier> = new Set(['monthly', 'yearly']);

function named(rules: readonly UnnamedRule[], { coldAfterDays }: PlanWish): PointRule[] {
  return rules.map(({ tier, cron, keepDays }, index) => {
    const before = rules.slice(0, index).filter((one) => one.tier === tier).length;
    const [expression = ''] = schedulerCrons(cron);
    return {
      ...{ tier, cron, keepDays, expression },
      name: before === 0 ? tier : `${tier}-${before + 1}`,
      coldAfterDays: COLD_TIERS.has(tier) ? coldAfterDays : undefined,
    };
  });
}

// When what runs: each source by its schedule, proofs monthly or as configured, freshness every quarter of an hour. Pure.
import type { Config, RemoteSourceConfig, RestoreTestInterval } from '../config/config.ts';
import { schedulerCrons } from './cron.ts';
import type { Timetable } from './schedules.ts';

const HOUR_SECONDS = 3600;

/** Every timetable of a system; the functions back up `remote` themselves. */
export function timetables(config: Config, remote: readonly RemoteSourceConfig[]): Timetable[] {
  return [
    ...remote.flatMap(backups),
    ...config.sources.flatMap(({ name, restoreTest }) => restoreTests(name, restoreTest.every)),
    {
      name: 'verify',
      about: 'Every month, all content of all that is kept is verified',
      expression: 'cron(30 4 1 * ? *)',
      runs: 'verify',
      input: { level: 'content' },
      worthSeconds: 6 * HOUR_SECONDS,
    },
    {
      name: 'freshness',
      about: 'How old, how large and how whole everything is; at once after a deployment, too',
      // Unlike a cron, a rate begins when the schedule is made: so no alarm has to wait for its first value.
      expression: 'rate(15 minutes)',
      runs: 'freshness',
      worthSeconds: 10 * 60,
    },
    {
      name: 'prune',
      about: 'Every day, locks are extended and what the policy does not keep is released',
      expression: 'cron(30 5 * * ? *)',
      runs: 'prune',
      worthSeconds: 6 * HOUR_SECONDS,
    },
    ...(config.notify.success === 'daily' ? [REPORT] : []),
  ];
}

const REPORT: Timetable = {
  name: 'report',
  about: 'Every day, people are told that all is well, or what is not',
  expression: 'cron(0 8 * * ? *)',
  runs: 'alert',
  input: { report: 'daily' },
  worthSeconds: 6 * HOUR_SECONDS,
};

function backups({ name, schedule, timeZone }: RemoteSourceConfig): Timetable[] {
  if (schedule === undefined) return [];
  return schedulerCrons(schedule).map((expression, index) => ({
    name: `backup-${name}${index === 0 ? '' : `-${index + 1}`}`,
    about: `Backs up ${name}: ${schedule}`,
    expression,
    timeZone,
    runs: 'backup',
    input: { trigger: 'schedule', source: name },
    worthSeconds: 6 * HOUR_SECONDS,
  }));
}

/** After the night's backups; each source at a minute of its own would be kinder still, but nothing waits for them. */
const TESTS = {
  day: 'cron(0 6 * * ? *)',
  week: 'cron(0 6 ? * 2 *)',
  month: 'cron(0 6 2 * ? *)',
  quarter: 'cron(0 6 2 1,4,7,10 ? *)',
} as const satisfies Partial<Record<RestoreTestInterval, string>>;

function restoreTests(name: string, every: RestoreTestInterval): Timetable[] {
  if (every === 'never') return [];
  // What is to be tested after each backup is tested every day, so that a test that failed to start is made up for.
  const expression = TESTS[every === 'backup' ? 'day' : every];
  return [
    {
      name: `restore-test-${name}`,
      about: `Restores ${name} to a scratch place and compares`,
      expression,
      runs: 'restore-test',
      input: { source: name },
      worthSeconds: 12 * HOUR_SECONDS,
    },
  ];
}

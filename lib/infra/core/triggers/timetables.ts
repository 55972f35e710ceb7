// When what runs: each source by its schedule, proofs monthly or as configured, freshness every quarter of an hour. Pure.
import { isPostgres, isRemote, isTask } from '../../../config/config.ts';
import type { Config, SourceConfig } from '../../../config/config.ts';
import { escalates } from '../../../config/load/stack-keys.ts';
import { HOUR_MS, SECOND_MS } from '../../../durations.ts';
import { digestOf } from '../../../names/digest.ts';
import { CONTENT_TIME, TEST_TIMES } from '../../../policy/proof-times.ts';
import { REPORT_TIMES } from '../../../policy/report-times.ts';
import { schedulerCrons } from '../../../policy/scheduler-cron.ts';
import type { Runs, Timetable } from './schedules.ts';

const HOUR_SECONDS = HOUR_MS / SECOND_MS;

const [EVERY_MONTH = ''] = schedulerCrons(CONTENT_TIME);

/** The schedule that is made before every alarm. */
export const FIRST_LOOK = 'first-look';
/** The schedule that is made after everything else: it marks the store, and a bucket that is not empty cannot be taken away again. */
export const LAST_SCHEDULE = 'freshness';

/** The schedule that wakes the escalation. */
export const EVERY_MINUTE = 'escalate';

/** The timetables of one source. */
export function sourceTimetables(source: SourceConfig): Timetable[] {
  return [...backups(source), ...restoreTests(source), ...verifications(source)];
}

/** The timetables of the system as a whole. */
export function systemTimetables(config: Config): Timetable[] {
  return [
    {
      name: 'verify',
      about: contentText(config.aws?.contentMonths ?? 1),
      expression: EVERY_MONTH,
      runs: 'verify',
      input: { level: 'content' },
      worthSeconds: 6 * HOUR_SECONDS,
    },
    {
      name: FIRST_LOOK,
      about:
        'At once when the stack is made, so that no alarm begins without a value; it stores nothing',
      // Unlike a cron, a rate begins when the schedule is made.
      expression: 'rate(365 days)',
      runs: 'freshness',
      input: { look: 'first' },
      worthSeconds: 10 * 60,
    },
    {
      name: LAST_SCHEDULE,
      about: 'How old, how large and how whole everything is; at once after a deployment, too',
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
    ...reports(config.notify.success),
    ...(escalates(config) ? [ESCALATION] : []),
  ];
}

function contentText(contentMonths: number): string {
  if (contentMonths === 1) return 'Every month, all content of all that is kept is verified';
  return `Every month, content is verified that never was, or not for ${contentMonths} months`;
}

function reports(success: Config['notify']['success']): Timetable[] {
  if (success === 'never') return [];
  const [expression = ''] = schedulerCrons(REPORT_TIMES[success]);
  return [
    {
      name: 'report',
      about: `${success === 'daily' ? 'Every day' : 'Every week'}, people are told that all is well, or what is not`,
      expression,
      runs: 'alert',
      input: { report: 'daily' },
      worthSeconds: 6 * HOUR_SECONDS,
    },
  ];
}

/** It stores nothing before the store is marked, so it may run while the stack is being made. */
const ESCALATION: Timetable = {
  name: EVERY_MINUTE,
  about: 'Every minute, people are told which messages of incidents are due',
  expression: 'rate(1 minute)',
  runs: 'escalate',
  worthSeconds: 60,
};

const MOST_NAME_CHARACTERS = 64;

/** `site-backup`; of a source whose name leaves no room, its beginning and a digest of all of it. */
function scheduleName(source: string, what: string): string {
  const room = MOST_NAME_CHARACTERS - what.length - 1;
  if (source.length <= room) return `${source}-${what}`;
  const digest = digestOf(source, 8);
  return `${source.slice(0, room - digest.length - 1)}-${digest}-${what}`;
}

/** What backs up a source; undefined for one that stands where nothing of the stack does. */
function backerOf(source: SourceConfig): Runs | undefined {
  const asTask = isTask(source);
  if (isPostgres(source)) return { runs: 'database-backup', asTask };
  return isRemote(source) ? { runs: 'backup', asTask } : undefined;
}

function testerOf(source: SourceConfig): Runs {
  return {
    runs: isPostgres(source) ? 'database-restore-test' : 'restore-test',
    asTask: isTask(source),
  };
}

function backups(source: SourceConfig): Timetable[] {
  const { name, schedule, timeZone } = source;
  const backer = backerOf(source);
  if (schedule === undefined || backer === undefined) return [];
  return schedulerCrons(schedule).map((expression, index) => ({
    name: scheduleName(name, `backup${index === 0 ? '' : `-${index + 1}`}`),
    about: `Backs up ${name}: ${schedule}`,
    expression,
    timeZone,
    ...backer,
    input: { trigger: 'schedule', source: name },
    worthSeconds: 6 * HOUR_SECONDS,
  }));
}

function restoreTests(source: SourceConfig): Timetable[] {
  const { name } = source;
  const { every } = source.restoreTest;
  if (every === 'never') return [];
  // What is to be tested after each backup is tested every day, so that a test that failed to start is made up for.
  // Each source at a minute of its own would be kinder still, but nothing waits for them.
  const [expression = ''] = schedulerCrons(TEST_TIMES[every === 'backup' ? 'day' : every]);
  return [
    {
      name: scheduleName(name, 'restore-test'),
      about: `Restores ${name} to a scratch place and compares`,
      expression,
      ...testerOf(source),
      input: { source: name },
      worthSeconds: 12 * HOUR_SECONDS,
    },
  ];
}

/** What the function leaves to a task; the function itself has one timetable for all that is left. */
function verifications(source: SourceConfig): Timetable[] {
  if (!isTask(source)) return [];
  const { name } = source;
  return [
    {
      name: scheduleName(name, 'verify'),
      about: `Every month, the content of ${name} is verified where that is due`,
      expression: EVERY_MONTH,
      runs: 'verify',
      asTask: true,
      input: { level: 'content', source: name },
      worthSeconds: 12 * HOUR_SECONDS,
    },
  ];
}

// What each alarm means for what was promised, and what to do about it. Pure. docs/runbook.md has a section for each.

export interface Advice {
  /** For the objectives; `SOURCE` and `RPO` stand for the source and its objective. */
  readonly means: string;
  readonly next: readonly string[];
}

/** By the last part of the alarm's name. */
const ADVICE = {
  age: {
    means: 'SOURCE would lose more than was promised (RPO) if it were lost now.',
    next: [
      'holdfast status SOURCE says since when, holdfast log SOURCE --failed why.',
      'When the cause is gone: holdfast trigger SOURCE --wait.',
    ],
  },
  missed: {
    means:
      'What starts the scheduled runs of SOURCE may be dead; by its next due time more may be lost than was promised (RPO).',
    next: [
      'Look at the schedule and its dead letters, or at cron or CI where the source is backed up from.',
      'holdfast status SOURCE says which run is missing; a backup made by hand does not end this alarm.',
    ],
  },
  failed: {
    means: 'Until a run succeeds, SOURCE can only be restored to its last good backup (RPO).',
    next: [
      'holdfast log SOURCE --failed says why; holdfast explain CODE what to do.',
      'Then: holdfast trigger SOURCE --wait.',
    ],
  },
  damaged: {
    means: 'A backup of SOURCE does not hold what it should; older ones may have to do (RPO).',
    next: [
      'holdfast status SOURCE names it, holdfast verify ID every damaged entry.',
      'holdfast repair ID takes what is missing from other backups, into a new one.',
      'Find out what damaged it before it damages more.',
    ],
  },
  partial: {
    means: 'The newest backup of SOURCE lacks something and counts for nothing (RPO).',
    next: [
      'holdfast show SOURCE/latest lists what it lacks.',
      'Correct the rights, or name the path under `tolerate`; then holdfast trigger SOURCE --wait.',
    ],
  },
  unproven: {
    means: 'A backup of SOURCE is stored and does not count before it is proven (RPO).',
    next: [
      'Look at the log of the function verify, and at the dead letters.',
      'holdfast verify SOURCE/latest proves it from the command line.',
    ],
  },
  anomaly: {
    means:
      'The newest backup of SOURCE is much smaller or larger than the one before; it may lack much of what it should hold.',
    next: ['holdfast diff compares the two; holdfast show SOURCE/latest lists the totals.'],
  },
  'restore-test': {
    means: 'That SOURCE restores, and within the time promised (RTO), was not proven lately.',
    next: [
      'holdfast log SOURCE says how the last tests ended.',
      'holdfast restore-test SOURCE/latest does one from the command line.',
    ],
  },
  hidden: {
    means:
      'Somebody deleted or overwrote in the store; everything can still be restored, until the undo window ends.',
    next: [
      'holdfast list names what is hidden; the trail of the account tells who did it.',
      'Undo it, before the lifecycle ends the hidden versions.',
    ],
  },
  released: {
    means: 'A backup that the policy keeps is marked to be deleted soon.',
    next: ['Remove the tag holdfast:released from its objects.', 'Find out who set it.'],
  },
  untrusted: {
    means: 'Nothing that is not signed counts; what is signed is as good as before.',
    next: [
      'holdfast status names it, holdfast show who signed it.',
      'Nobody known? Then somebody else can write into the store: find out who.',
    ],
  },
  future: {
    means: 'A backup from the future counts for nothing; a clock is wrong, or somebody forges.',
    next: ['holdfast status names it; compare the clock of whoever wrote it.'],
  },
  key: {
    means: 'What cannot be decrypted cannot be restored: nothing at all could be, now.',
    next: [
      'Look at the state of the keys in KMS: enable them, cancel their deletion.',
      'The trail of the account tells who changed them.',
    ],
  },
  capacity: {
    means: 'When the capacity is used up, somebody has to choose between cost and retention.',
    next: ['holdfast status shows the growth; raise the capacity, or lower `retention`.'],
  },
  growth: {
    means: 'Before long, somebody has to choose between cost and retention.',
    next: [
      'holdfast status shows how fast, holdfast list which backups grow.',
      'Leave out what is not needed, raise the capacity, or lower `retention`.',
    ],
  },
  errors: {
    means: 'What this function does was not done; other alarms tell when that begins to matter.',
    next: ['Its log names the code of the error; holdfast explain CODE what to do.'],
  },
  throttles: {
    means: 'Runs wait for others; they are tried again.',
    next: ['Raise the quota of concurrent runs of the account, or spread the schedules.'],
  },
  duration: {
    means: 'When it takes all of its time, it is stopped, and what it does is not done.',
    next: [
      'Split the largest source, or back it up from the command line, in CI or by AWS Backup.',
    ],
  },
  'dead-letters': {
    means: 'A run or a message did not happen, and nobody will try it again.',
    next: ['Look into the queue; then trigger anew what did not run.'],
  },
} as const satisfies Record<string, Advice>;

export type AlarmKind = keyof typeof ADVICE;

/** What an alarm is about, from its name without the system: `site/age`, `store/key`, `functions/backup/errors`, `dead-letters`. */
export function alarmKind(name: string): AlarmKind | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  return Object.hasOwn(ADVICE, last) ? (last as AlarmKind) : undefined;
}

/** The advice for a kind of alarm. */
export function adviceFor(kind: AlarmKind): Advice {
  return ADVICE[kind];
}

/** Where the runbook tells more. */
export function runbookAnchor(kind: AlarmKind): string {
  return `docs/runbook.md#alarm-${kind}`;
}

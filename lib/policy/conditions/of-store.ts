// What can be wrong with the store as a whole. A part of the table in table.ts.
import { DAY_MS, SECOND_MS } from '../../durations.ts';
import { COUNTED, HOUR_OF_POINTS, type Condition } from './row.ts';

/** How much of the capacity is used, in percent, when little is left, and when nothing is. */
export const NEARLY_FULL_PERCENT = 80;
export const FULL_PERCENT = 100;
/** Time to raise a budget, or to lower a retention. */
export const GROWTH_DAYS = 30;

/** A prune comes every day; one that failed is made up for within the day. */
export const PRUNE_MAX_AGE_SECONDS = (2 * DAY_MS) / SECOND_MS;
/** Content is verified on the first of each month, which takes a while. What need not be verified as often has that time besides. */
export const CONTENT_MAX_AGE_SECONDS = (35 * DAY_MS) / SECOND_MS;

export const STORE_CONDITIONS = {
  hidden: {
    about: 'store',
    severity: 'alarm',
    headline: 'a manifest is hidden',
    sentence: 'A manifest is covered by a delete marker or a later version',
    means:
      'Somebody deleted or overwrote in the store; everything can still be restored, until the undo window ends.',
    next: [
      'holdfast list names what is hidden; the trail of the account tells who did it.',
      'Undo it, before the lifecycle ends the hidden versions.',
    ],
    runbook: 'alarm-hidden',
    watched: { metric: 'HiddenManifests', ...COUNTED },
  },
  released: {
    about: 'store',
    severity: 'alarm',
    headline: 'a backup is marked to be deleted',
    sentence: 'A backup that the policy keeps carries the tag of released ones',
    means: 'A backup that the policy keeps is marked to be deleted soon.',
    next: ['Remove the tag holdfast:released from its objects.', 'Find out who set it.'],
    runbook: 'alarm-released',
    watched: { metric: 'ReleasedButWanted', ...COUNTED },
  },
  'releases-unseen': {
    about: 'store',
    severity: 'watch',
    sentence: 'Whether backups are marked to be deleted could not be seen',
  },
  untrusted: {
    about: 'store',
    severity: 'alarm',
    headline: 'a signature is not trusted',
    sentence: 'The store holds what no trusted key has signed',
    means: 'Only signed backups count. They are as good as before.',
    next: [
      'holdfast status names it, holdfast show who signed it.',
      'Nobody known? Then somebody else can write into the store: find out who.',
    ],
    runbook: 'alarm-untrusted',
    watched: { metric: 'UntrustedBackups', ...COUNTED },
  },
  future: {
    about: 'store',
    severity: 'alarm',
    headline: 'a backup is from the future',
    sentence: 'The store holds a backup whose time has not come yet',
    means: 'A backup from the future counts for nothing; a clock is wrong, or somebody forges.',
    next: ['holdfast status names it; compare the clock of the machine that wrote it.'],
    runbook: 'alarm-future',
    watched: { metric: 'FutureBackups', ...COUNTED },
  },
  unconfigured: {
    about: 'store',
    severity: 'alarm',
    headline: 'a source that is not configured has a problem',
    sentence: 'Something is wrong with a source that the configuration does not name',
    means: 'What the store still holds of a source that is configured no more may be lost.',
    next: [
      'holdfast status names the source and what is wrong with it.',
      'Name it in the configuration again, or mend what is damaged: holdfast repair ID.',
    ],
    runbook: 'alarm-unconfigured',
    watched: { metric: 'UnconfiguredProblems', ...COUNTED },
  },
  key: {
    about: 'store',
    severity: 'alarm',
    headline: 'a key cannot be used',
    sentence: 'What is stored could not be decrypted, or nobody could tell',
    means: 'What cannot be decrypted cannot be restored: nothing at all could be, now.',
    next: [
      'Look at the state of the keys in KMS: enable them, cancel their deletion.',
      'The trail of the account tells who changed them.',
    ],
    runbook: 'alarm-key',
    watched: {
      metric: 'KeyUsable',
      breach: 'below',
      threshold: 1,
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
  },
  prune: {
    about: 'store',
    severity: 'alarm',
    headline: 'prune has not run for two days',
    sentence: 'No prune has come for two days, or nobody could tell',
    means:
      'Nobody extends the locks of what is kept: before long it can be deleted. Nothing is released either.',
    next: [
      'Look at the log of the function prune, its schedule, and the dead letters.',
      'holdfast status says which source was not pruned; holdfast log SOURCE when it last was.',
    ],
    runbook: 'alarm-prune',
    watched: {
      metric: 'PruneAgeSeconds',
      breach: 'above',
      threshold: PRUNE_MAX_AGE_SECONDS,
      only: 'leastLockSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
  },
  lock: {
    about: 'store',
    severity: 'alarm',
    headline: 'the lock of a backup ends soon',
    sentence: 'The lock of a backup that is kept ends soon or has ended, or nobody could tell',
    means:
      'When its lock has ended, a backup can be deleted by anyone who gets the right to do so.',
    next: [
      'holdfast status names the backup; the log of the function prune says why its lock was not extended.',
      'When the cause is gone, start the function prune once; the runbook says how.',
    ],
    runbook: 'alarm-lock',
    watched: {
      metric: 'LockSecondsLeft',
      breach: 'below',
      threshold: 'leastLockSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
  },
  'locks-unseen': {
    about: 'store',
    severity: 'watch',
    sentence: 'How long locks last could not be seen',
  },
  content: {
    about: 'store',
    severity: 'alarm',
    headline: 'content was not verified in time',
    sentence: 'The content of a backup was not verified in time, or nobody could tell',
    means: 'What has rotted in the store since would be noticed by a restore, and not before.',
    next: [
      'Look at the log of the function verify, its schedule, and the dead letters.',
      'holdfast verify --all --level content does the same from the command line.',
    ],
    runbook: 'alarm-content',
    watched: {
      metric: 'ContentAgeSeconds',
      breach: 'above',
      threshold: CONTENT_MAX_AGE_SECONDS,
      only: 'leastLockSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
  },
  unconfirmed: {
    about: 'store',
    severity: 'alarm',
    headline: 'an address has not confirmed its subscription',
    sentence: 'An address under `notify.email` has not confirmed its subscription',
    means: 'Messages about alarms do not reach everybody whom the configuration names.',
    next: [
      'holdfast status cannot see it; the log of the function freshness names the address.',
      'Confirm the e-mail of AWS, or have it sent again; the runbook says how.',
    ],
    runbook: 'alarm-unconfirmed',
    watched: { metric: 'UnconfirmedSubscriptions', ...COUNTED, points: HOUR_OF_POINTS },
  },
  full: {
    about: 'store',
    severity: 'alarm',
    headline: 'the capacity is used up',
    sentence: 'All of the configured capacity is used',
    means: 'The store has outgrown what it may cost; nothing is deleted because of that.',
    next: ['holdfast status shows the growth; raise the capacity, or lower `retention`.'],
    runbook: 'alarm-full',
    watched: {
      metric: 'CapacityUsedPercent',
      breach: 'atLeast',
      threshold: FULL_PERCENT,
      only: 'capacityBytes',
    },
    covers: ['nearly-full', 'growth'],
  },
  'nearly-full': {
    about: 'store',
    severity: 'watch',
    sentence: `At least ${NEARLY_FULL_PERCENT} % of the configured capacity is used`,
    means: 'When the capacity is used up, somebody has to choose between cost and retention.',
    next: ['holdfast status shows the growth; raise the capacity, or lower `retention`.'],
    runbook: 'alarm-nearly-full',
    watched: {
      metric: 'CapacityUsedPercent',
      breach: 'atLeast',
      threshold: NEARLY_FULL_PERCENT,
      only: 'capacityBytes',
    },
    covers: ['growth'],
  },
  growth: {
    about: 'store',
    severity: 'watch',
    sentence: `At its present growth, the configured capacity is used up within ${GROWTH_DAYS} days`,
    means: 'Before long, somebody has to choose between cost and retention.',
    next: [
      'holdfast status shows how fast, holdfast list which backups grow.',
      'Leave out what is not needed, raise the capacity, or lower `retention`.',
    ],
    runbook: 'alarm-growth',
    // CloudWatch remembers what the store held, and looks at that; `status` looks at what each prune found.
    watched: {
      metric: 'StoredBytes',
      breach: 'above',
      threshold: 'capacityBytes',
      aheadDays: GROWTH_DAYS,
      points: 3,
    },
  },
  clock: {
    about: 'store',
    severity: 'alarm',
    headline: 'the clock of this machine is wrong',
    sentence: 'The clock of this machine is not that of the store',
    means:
      'Nothing is backed up or pruned by a wrong clock: ids, retention and freshness depend on it.',
    next: [
      'Set the clock; timedatectl shows whether it is synchronised.',
      'If this clock is right, correct the one of the machine that holds the store.',
    ],
    runbook: 'backups-that-fail',
    // `freshness` measures nothing by such a clock: it fails.
    alarm: 'errors',
  },
} as const satisfies Record<string, Condition>;

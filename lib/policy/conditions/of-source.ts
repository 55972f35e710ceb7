// What can be wrong with one source. A part of the table in table.ts.
import { COUNTED, HOUR_OF_POINTS, type Condition } from './row.ts';

const AGAIN = 'holdfast backup SOURCE (with a stack: holdfast trigger SOURCE --wait).';

export const SOURCE_CONDITIONS = {
  late: {
    about: 'source',
    severity: 'alarm',
    headline: 'the newest good backup is too old',
    sentence: 'there is no good backup younger than LIMIT, or nobody could tell',
    means: 'SOURCE would lose more than was promised (RPO) if it were lost now.',
    next: [
      'holdfast status SOURCE says since when, holdfast log SOURCE --failed why.',
      `When the cause is gone: ${AGAIN}`,
    ],
    runbook: 'alarm-late',
    watched: {
      metric: 'LateBackups',
      ...COUNTED,
      only: 'lateAfterSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
    covers: ['missed', 'due', 'rpo'],
  },
  never: {
    about: 'source',
    severity: 'alarm',
    headline: 'there is no good backup',
    sentence: 'there is no good backup at all',
    means: 'Nothing of SOURCE could be restored that counts (RPO).',
    next: [
      'holdfast status SOURCE says what its newest backup lacks, holdfast log SOURCE --failed why runs fail.',
      `When the cause is gone: ${AGAIN}`,
    ],
    runbook: 'alarm-never',
    // A first backup is proven within the hour.
    watched: { metric: 'NothingGood', ...COUNTED, points: HOUR_OF_POINTS },
    covers: ['late', 'missed', 'due', 'rpo', 'partial', 'unproven', 'proof-due', 'anomaly'],
  },
  awaited: {
    about: 'source',
    severity: 'watch',
    unwell: true,
    sentence: 'it was never backed up, and its first run is not late yet',
    covers: ['due', 'rpo'],
  },
  none: {
    about: 'source',
    severity: 'watch',
    sentence: 'it was never backed up, and nothing says that it should be',
    covers: ['due', 'rpo'],
  },
  missed: {
    about: 'source',
    severity: 'alarm',
    headline: 'a scheduled backup is missing',
    sentence: 'a scheduled run has not come, and its grace has passed',
    means:
      'What starts the scheduled runs of SOURCE may be dead; by its next due time more may be lost than was promised (RPO).',
    next: [
      'Look at the schedule and its dead letters, or at cron or CI where the source is backed up from.',
      'holdfast status SOURCE says which run is missing; a backup made by hand does not end this alarm.',
    ],
    runbook: 'alarm-missed',
    watched: { metric: 'MissedRuns', ...COUNTED, only: 'lateAfterSeconds' },
    covers: ['due', 'rpo'],
  },
  due: { about: 'source', severity: 'watch', sentence: 'a scheduled run is due' },
  rpo: {
    about: 'source',
    severity: 'watch',
    sentence: 'the newest good backup is older than its objective, and not late yet',
  },
  deployment: {
    about: 'source',
    severity: 'alarm',
    headline: 'no good backup after a deployment',
    sentence: 'a deployment has left no good backup',
    means:
      'If that deployment broke something, SOURCE can only be restored to an earlier state (RPO).',
    next: [
      'holdfast log SOURCE says whether the backup failed, or was begun and never ended.',
      `When the cause is gone: ${AGAIN}`,
    ],
    runbook: 'alarm-failed',
    alarm: 'failed',
  },
  failed: {
    about: 'source',
    severity: 'alarm',
    headline: 'backup failed',
    sentence: 'the last run failed, and there is no good backup since',
    means: 'Until a run succeeds, SOURCE can only be restored to its last good backup (RPO).',
    next: [
      'holdfast log SOURCE --failed says why; holdfast explain CODE what to do.',
      `Then: ${AGAIN}`,
    ],
    runbook: 'alarm-failed',
    watched: { metric: 'FailedRuns', ...COUNTED },
  },
  damaged: {
    about: 'source',
    severity: 'alarm',
    headline: 'a backup is damaged',
    sentence: 'a backup is damaged or incomplete',
    means: 'A backup of SOURCE does not hold what it should; older ones may have to do (RPO).',
    next: [
      'holdfast status SOURCE names it, holdfast verify ID every damaged entry.',
      'holdfast repair ID takes what is missing from other backups, into a new one.',
      'Find out what damaged it before it damages more.',
    ],
    runbook: 'alarm-damaged',
    watched: { metric: 'DamagedBackups', ...COUNTED },
  },
  missing: {
    about: 'source',
    severity: 'alarm',
    headline: 'a backup was deleted',
    sentence: 'a backup is gone that nobody has released',
    means:
      'Somebody or something has deleted a backup of SOURCE; older or newer ones have to do (RPO).',
    next: [
      'holdfast status SOURCE names it. Put its folder back from a second copy of the store, if there is one.',
      'Otherwise accept the loss: holdfast prune SOURCE --accept-missing SOURCE/ID.',
      'Find out who deleted it, before more is gone.',
    ],
    runbook: 'a-missing-backup',
    alarm: 'damaged',
    over: 'there again, or accepted as lost',
  },
  unreadable: {
    about: 'source',
    severity: 'alarm',
    headline: 'a manifest or record cannot be read',
    sentence: 'a manifest or a record cannot be read',
    means:
      'A backup of SOURCE without a manifest that can be read does not count; older ones may have to do (RPO).',
    next: [
      'holdfast status SOURCE names the file and says what is wrong with it.',
      'Put the file back from a second copy of the store, if there is one.',
      'Find out what damaged it before it damages more.',
    ],
    runbook: 'alarm-damaged',
    alarm: 'damaged',
  },
  repaired: {
    about: 'source',
    severity: 'watch',
    sentence: 'a backup is damaged, and another one repairs it',
    means:
      'Nothing is lost: the repair holds what the damaged backup of SOURCE should. The damaged one is released after 14 days.',
    next: [
      'holdfast status SOURCE names both; restore from the repair.',
      'Find out what damaged it before it damages more.',
    ],
    runbook: 'a-damaged-backup',
  },
  partial: {
    about: 'source',
    severity: 'watch',
    unwell: true,
    headline: 'the newest backup is partial',
    sentence: 'the newest backup lacks something',
    means: 'The newest backup of SOURCE lacks something and counts for nothing (RPO).',
    next: [
      'holdfast show SOURCE/latest lists what it lacks.',
      'Correct the rights, or name the path under `tolerate`; then back it up again.',
    ],
    runbook: 'alarm-partial',
    watched: { metric: 'PartialBackups', ...COUNTED },
  },
  unproven: {
    about: 'source',
    severity: 'watch',
    sentence: 'a backup was stored and nobody has proven it',
    means: 'A backup of SOURCE is stored and does not count before it is proven (RPO).',
    next: [
      'Look at the log of the function verify, and at the dead letters.',
      'holdfast verify SOURCE/latest proves it from the command line.',
    ],
    runbook: 'alarm-unproven',
    watched: { metric: 'UnprovenBackups', ...COUNTED },
  },
  'proof-due': {
    about: 'source',
    severity: 'watch',
    sentence: 'the newest backup is not proven yet',
  },
  anomaly: {
    about: 'source',
    severity: 'watch',
    sentence: 'the newest backup is of an unusual size',
    means:
      'The newest backup of SOURCE is much smaller or larger than the one before; it may lack much of what it should hold.',
    next: ['holdfast diff compares the two; holdfast show SOURCE/latest lists the totals.'],
    runbook: 'alarm-anomaly',
    watched: { metric: 'Anomalies', ...COUNTED },
  },
  'restore-test': {
    about: 'source',
    severity: 'alarm',
    headline: 'a restore test is overdue',
    sentence: 'no restore was proven for LIMIT',
    means: 'That SOURCE restores, and within the time promised (RTO), was not proven lately.',
    next: [
      'holdfast log SOURCE says how the last tests ended.',
      'holdfast restore-test SOURCE/latest does one from the command line.',
    ],
    runbook: 'alarm-restore-test',
    watched: {
      metric: 'RestoreTestAgeSeconds',
      breach: 'above',
      threshold: 'restoreTestMaxAgeSeconds',
      points: HOUR_OF_POINTS,
    },
    covers: ['rto'],
  },
  'restore-damaged': {
    about: 'source',
    severity: 'alarm',
    headline: 'the restore test found damage',
    sentence: 'the last restore test found damage',
    means:
      'What was restored of SOURCE is not what was backed up; older backups may have to do (RPO).',
    next: [
      'holdfast log SOURCE says which backup differs, and in what.',
      'holdfast verify ID --level content names every damaged entry; holdfast repair ID takes it from other backups.',
    ],
    runbook: 'alarm-damaged',
    alarm: 'damaged',
    covers: ['restore-test', 'rto'],
  },
  rto: {
    about: 'source',
    severity: 'alarm',
    headline: 'restores take too long',
    sentence: 'the last restore test took longer than LIMIT',
    means: 'SOURCE would be back later than was promised (RTO).',
    next: [
      'holdfast log SOURCE says how long the restore tests took.',
      'Split the source, test where the network and the disk are those of an emergency, or promise more time in `rto`.',
    ],
    runbook: 'alarm-rto',
    watched: { metric: 'RestoreSeconds', breach: 'above', threshold: 'rtoSeconds' },
  },
  'new-schedule': {
    about: 'source',
    severity: 'watch',
    sentence: 'no run has seen its schedule yet',
  },
  'not-configured': {
    about: 'source',
    severity: 'watch',
    sentence: 'it is in the store, and not in the configuration',
  },
  unfinished: { about: 'source', severity: 'watch', sentence: 'a run was broken off' },
  flood: {
    about: 'source',
    severity: 'watch',
    sentence: 'many backups were made in a short time',
  },
} as const satisfies Record<string, Condition>;

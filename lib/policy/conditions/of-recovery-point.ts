// What can be wrong with a resource that AWS Backup protects. A part of the table in table.ts.
import { COUNTED, HOUR_OF_POINTS, type Condition } from './row.ts';

export const RECOVERY_POINT_CONDITIONS = {
  'point-late': {
    about: 'resource',
    severity: 'alarm',
    headline: 'the newest recovery point is too old',
    sentence: 'there is no recovery point younger than LIMIT that counts, or nobody could tell',
    means: 'More of SOURCE would be lost than was promised (RPO) if it were lost now.',
    next: [
      'holdfast status says since when; the jobs of AWS Backup say why one failed.',
      'No job at all? holdfast doctor says whether AWS Backup is opted in to this kind, and what the selection matches.',
      'When the cause is gone: holdfast trigger starts a job on demand.',
    ],
    runbook: 'alarm-point-late',
    watched: {
      metric: 'LateRecoveryPoints',
      ...COUNTED,
      only: 'lateAfterSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
    covers: ['point-awaited', 'point-rpo'],
  },
  'copy-late': {
    about: 'resource',
    severity: 'alarm',
    headline: 'the newest copy is too old',
    sentence: 'a vault for copies holds none younger than LIMIT that counts, or nobody could tell',
    means:
      'If the region or the account of SOURCE were lost now, more would be lost than was promised (RPO).',
    next: [
      'holdfast status names the vault; the copy jobs of AWS Backup say why one failed.',
      'The policy of that vault must admit the copies, its lock their retention, and the key their account.',
    ],
    runbook: 'alarm-copy-late',
    watched: {
      metric: 'LateCopies',
      ...COUNTED,
      only: 'copyLateAfterSeconds',
      points: HOUR_OF_POINTS,
      silence: 'alarm',
    },
  },
  'point-bad': {
    about: 'resource',
    severity: 'alarm',
    headline: 'a recovery point does not count',
    sentence: 'a recovery point newer than the last good one does not count, or a job made none',
    means: 'Until the next one counts, SOURCE can only be restored to the one before (RPO).',
    next: [
      'holdfast status says what is wrong with it: partial, completed with issues, or continuous backup that was stopped.',
      'When the cause is gone: holdfast trigger starts a job on demand.',
    ],
    runbook: 'alarm-point-bad',
    watched: { metric: 'BadRecoveryPoints', ...COUNTED },
  },
  'point-failed': {
    about: 'resource',
    severity: 'alarm',
    headline: 'the job failed',
    sentence: 'the last job of AWS Backup failed, and no recovery point that counts is newer',
    means: 'Until a job succeeds, SOURCE can only be restored to the recovery point before (RPO).',
    next: [
      'Read what AWS Backup says; holdfast doctor looks at rights, opt-ins and the lock of the vault.',
      'When the cause is gone: holdfast trigger starts a job on demand.',
    ],
    runbook: 'alarm-point-bad',
    alarm: 'point-bad',
    covers: ['point-awaited', 'point-rpo'],
  },
  'point-awaited': {
    about: 'resource',
    severity: 'watch',
    unwell: true,
    sentence: 'it has no recovery point that counts, and the first is not late yet',
    covers: ['point-rpo'],
  },
  'point-rpo': {
    about: 'resource',
    severity: 'watch',
    sentence: 'the newest recovery point is older than its objective, and not late yet',
  },
  'point-damaged': {
    about: 'resource',
    severity: 'alarm',
    headline: 'the restore test found damage',
    sentence: 'the last restore test found damage',
    means:
      'What was restored of SOURCE is not what was backed up; older recovery points may have to do (RPO).',
    next: [
      'holdfast log says which recovery point differs, and in what.',
      'Keep the older recovery points until you know since when: the runbook says how.',
    ],
    runbook: 'alarm-point-damaged',
    watched: { metric: 'DamagedRecoveryPoints', ...COUNTED },
    covers: ['point-test', 'point-rto'],
  },
  'point-test': {
    about: 'resource',
    severity: 'alarm',
    headline: 'a restore test is overdue',
    sentence: 'no restore was proven for LIMIT',
    means: 'That SOURCE restores, and within the time promised (RTO), was not proven lately.',
    next: [
      'holdfast log says how the last tests ended; "not proven" says what was missing.',
      'No test at all? The restore jobs of AWS Backup say why; often the subnet group or a right is missing.',
    ],
    runbook: 'alarm-point-test',
    watched: {
      metric: 'RestoreTestAgeSeconds',
      breach: 'above',
      threshold: 'restoreTestMaxAgeSeconds',
      points: HOUR_OF_POINTS,
    },
    covers: ['point-rto'],
  },
  'point-rto': {
    about: 'resource',
    severity: 'alarm',
    headline: 'restores take too long',
    sentence: 'the last restore test took longer than LIMIT',
    means: 'SOURCE would be back later than was promised (RTO).',
    next: ['holdfast log says how long the restore tests took.', 'Promise more time in `rto`.'],
    runbook: 'alarm-point-rto',
    watched: { metric: 'RestoreSeconds', breach: 'above', threshold: 'rtoSeconds' },
  },
} as const satisfies Record<string, Condition>;

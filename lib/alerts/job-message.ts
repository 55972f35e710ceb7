// The message about a job of AWS Backup that did not do what it should. Plain text, and pure.
import { timeText } from '../policy/durations.ts';
import type { Config } from '../config/config.ts';
import { resourceLabel } from '../names/alarms.ts';
import { parseResource } from '../names/resources.ts';
import { jobOutcome, type JobOutcome } from '../policy/recovery-points/jobs.ts';
import type { JobChange } from './job-change.ts';
import type { Message } from './message.ts';
import { plain, subjectLine } from './plain-text.ts';
import { commandsLine, senderLines, type Sender } from './sender.ts';

type Kind = 'backup' | 'copy' | 'test' | 'restore';

const WHAT: Readonly<Record<Kind, string>> = {
  backup: 'the backup job of NAME',
  copy: 'the copy of NAME',
  test: 'the restore test of NAME',
  restore: 'the restore of NAME',
};

const ENDED: Readonly<Record<Exclude<JobOutcome, 'running'>, string>> = {
  done: 'has ended',
  issues: 'completed with issues',
  partial: 'is partial',
  failed: 'failed',
  expired: 'expired: it did not begin or end in its time',
  aborted: 'was stopped',
  other: 'is in a state that is not known here',
};

const MEANS: Readonly<Record<Kind, string>> = {
  backup: 'No new recovery point counts: NAME can only be restored to the one before.',
  copy: 'If the region or the account were lost now, NAME could only be restored to the copy before.',
  test: 'Whether NAME restores was not proven this time. AWS Backup tests again at the next time of the plan.',
  restore:
    'What was to be restored is not there, or not whole. The resource that is in use was not touched.',
};

const NEXT: Readonly<Record<Kind, readonly string[]>> = {
  backup: [
    'Read what AWS says below; holdfast doctor looks at rights, opt-ins and the lock of the vault.',
    'When the cause is gone, holdfast trigger starts a job on demand.',
  ],
  copy: [
    'The policy of the other vault must admit the copy, its lock the retention, and the key the account.',
    'The next backup job is copied again; holdfast status shows the age of the newest copy.',
  ],
  test: ['Read what AWS says below; often a subnet group, a security group or a right is missing.'],
  restore: ['Read what AWS says below, then start the restore again.'],
};

/** Whether people want to hear of it: of what went wrong, and of every restore that is no test. */
export function isJobWorthTelling(change: JobChange): boolean {
  const outcome = jobOutcome(change);
  if (outcome === 'running') return false;
  return outcome !== 'done' || kindOf(change) === 'restore';
}

/** The message about a job. It has to have ended. */
export function jobMessage(
  change: JobChange,
  { system }: Pick<Config, 'system'>,
  sender: Sender,
): Message {
  const outcome = jobOutcome(change);
  const kind = kindOf(change);
  const name = nameOf(change);
  const fill = (text: string) => text.replaceAll('NAME', name);
  const ended = outcome === 'running' ? 'is running' : ENDED[outcome];
  const title = `${gravityOf(outcome)}: ${fill(WHAT[kind])} ${ended}.`;
  const isGood = outcome === 'done';
  const lines = [
    title,
    '',
    `job      ${change.id}`,
    `state    ${plain(change.state, 40)}`,
    ...senderLines(system, sender),
    `at       ${timeText(change.at)}`,
    ...line('resource', change.resource),
    ...line('to', change.to),
    ...line('made', change.created),
    ...(isGood
      ? ['', 'means    Somebody restored this into a new resource. Nobody known? Find out who.']
      : ['', `means    ${fill(MEANS[kind])}`]),
    ...(isGood
      ? []
      : NEXT[kind].map((step, index) => `${index === 0 ? 'next ' : '     '}    ${fill(step)}`)),
    commandsLine(sender),
    'more     docs/runbook.md#jobs-of-aws-backup',
    '',
    `AWS Backup says: ${plain(change.message ?? '', 300) || 'nothing'}`,
  ];
  return { subject: subjectLine(system, title), body: lines.join('\n') };
}

function line(word: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${word.padEnd(8)} ${plain(value, 300)}`];
}

function kindOf({ kind, isTest }: JobChange): Kind {
  return kind === 'restore' && isTest ? 'test' : kind;
}

/** What a restore made may be all that AWS says of it. */
function nameOf({ resource, created }: JobChange): string {
  const arn = resource ?? created;
  if (arn === undefined) return 'a resource that AWS does not name';
  return parseResource(arn) === undefined ? plain(arn, 120) : resourceLabel(arn);
}

function gravityOf(outcome: JobOutcome): string {
  if (outcome === 'done') return 'NOTE';
  return outcome === 'other' ? 'WATCH' : 'ALARM';
}

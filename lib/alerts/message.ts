// The message that people get: what it is, since when, what it means, what to do next. Plain text, and pure.
import {
  alarmNamed,
  type AlarmConfig,
  type AlarmSubject,
  type ConfiguredAlarm,
} from '../config/alarms.ts';
import { resourceLabel } from '../names/alarms.ts';
import type { Verdict } from '../policy/assessment.ts';
import { conditionOf } from '../policy/conditions/table.ts';
import { durationText, timeText, bytesText } from '../policy/durations.ts';
import { ANY_RESOURCE } from '../policy/recovery-points/facts.ts';
import type { AlarmChange } from './alarm-change.ts';
import { plain, subjectLine } from './plain-text.ts';
import { commandsLine, senderLines, type Sender } from './sender.ts';

export interface Message {
  /** At most 100 characters of ASCII. */
  readonly subject: string;
  readonly body: string;
}

type Configured = AlarmConfig;

/** Whether people want to hear of a change: of what is wrong, of what no longer is, and of what nobody can tell any more. */
export function isWorthTelling({ state, previous }: AlarmChange): boolean {
  return state === 'ALARM' || previous === 'ALARM';
}

/** What people call the alarm: without the system, which they know. */
export function alarmLabel(alarm: string, config: Configured): string {
  return alarmNamed(alarm, config)?.label ?? alarm;
}

const STATE_WORDS = { OK: 'resolved', INSUFFICIENT_DATA: 'unknown' } as const;

/** The message about a change of an alarm. */
export function alarmMessage(change: AlarmChange, config: Configured, sender: Sender): Message {
  const { alarm, state, since, previousSince, means } = change;
  const known = alarmNamed(alarm, config);
  const name = plain(alarmLabel(alarm, config), 120);
  const what = plain(means) || `${name} has no description.`;
  const title = `${state === 'ALARM' ? gravityOf(known) : STATE_WORDS[state]}: ${what}`;
  const lasted =
    previousSince === undefined
      ? ''
      : `, after ${durationText(Math.max(0, since.getTime() - previousSince.getTime()))}`;
  const lines = [
    title,
    '',
    `alarm    ${name}`,
    ...senderLines(config.system, sender),
    `since    ${timeText(since)}${state === 'OK' ? lasted : ''}`,
    ...(state === 'ALARM' ? adviceLines(known, config, sender) : []),
    ...(state === 'INSUFFICIENT_DATA'
      ? ['', 'It was an alarm, and now nothing tells how it is. Treat it as one.']
      : []),
    '',
    `CloudWatch says: ${plain(change.reason, 300) || 'nothing'}`,
  ];
  return { subject: subjectLine(config.system, title), body: lines.join('\n') };
}

/** As `status` says it: whether somebody has to act, or to look by day. What is not known may be the worst. */
function gravityOf(known: ConfiguredAlarm | undefined): string {
  return known === undefined ? 'ALARM' : conditionOf(known.code).severity.toUpperCase();
}

function adviceLines(
  known: ConfiguredAlarm | undefined,
  config: Configured,
  sender: Sender,
): string[] {
  const where = commandsLine(sender);
  if (known === undefined)
    return ['', 'next     holdfast status says how everything stands.', where];
  const { means = '', next = [], runbook = 'alarms' } = conditionOf(known.code);
  const subject = subjectOf(known.subject, config);
  const fill = (text: string) =>
    text
      .replaceAll('SOURCE', subject?.name ?? 'it')
      .replaceAll(/ \((RPO|RTO)\)/g, (_all, which) =>
        objectiveText(subject, which === 'RPO' ? 'rpoMs' : 'rtoMs', String(which)),
      );
  return [
    '',
    `means    ${fill(means)}`,
    ...next.map((step, index) => `${index === 0 ? 'next ' : '     '}    ${fill(step)}`),
    where,
    `more     docs/runbook.md#${runbook}`,
  ];
}

/** What an alarm is about, as people call it, and what is promised of it. */
interface Promising {
  readonly name: string;
  readonly rpoMs: number | undefined;
  readonly rtoMs: number | undefined;
}

function subjectOf(subject: AlarmSubject, { sources, aws }: Configured): Promising | undefined {
  if (subject.about === 'source') return sources.find(({ name }) => name === subject.source);
  if (subject.about !== 'resource') return undefined;
  const { selection, resource } = subject;
  const found = aws?.recoveryPoints?.selections.find(({ name }) => name === selection);
  const name = resource === ANY_RESOURCE ? selection : resourceLabel(resource);
  return found && { name, rpoMs: found.rpoMs, rtoMs: found.rtoMs };
}

function objectiveText(
  subject: Promising | undefined,
  which: 'rpoMs' | 'rtoMs',
  word: string,
): string {
  const ms = subject?.[which];
  return ms === undefined ? '' : ` (its ${word} is ${durationText(ms)})`;
}

/** How one source stands, for the report of a day. */
export interface ReportedSource {
  readonly name: string;
  /** Undefined while there is none. */
  readonly newestGoodAgeMs: number | undefined;
  readonly lastProofAgeMs: number | undefined;
  readonly lastRestoreTestAgeMs: number | undefined;
  readonly backupBytes: number | undefined;
  /** Of the last 30 days. @default - not said */
  readonly runs?: { readonly all: number; readonly complete: number };
}

/** How a resource that AWS Backup protects stands, for the same. */
export interface ReportedResource {
  readonly selection: string;
  /** An ARN, or `*`. */
  readonly resource: string;
  /** Undefined while there is none. */
  readonly newestAgeMs: number | undefined;
  readonly lastRestoreTestAgeMs: number | undefined;
}

export interface DailyReport {
  readonly at: Date;
  readonly verdict: Verdict;
  readonly sources: readonly ReportedSource[];
  /** @default - none */
  readonly resources?: readonly ReportedResource[];
  readonly storedBytes: number;
  /** Everything that is not well. */
  readonly unwell: readonly string[];
}

/** The message of a day or a week: that all is well, or what is not. */
export function reportMessage(
  report: DailyReport,
  { system }: Configured,
  sender: Sender,
): Message {
  const { at, sources, resources = [], unwell, storedBytes } = report;
  const count = unwell.length;
  const title = reportTitle(report);
  const lines = [
    `${title}, ${timeText(at)}`,
    '',
    ...senderLines(system, sender),
    '',
    ...unwell.slice(0, MAX_ALARMS).map((one) => `! ${plain(one)}`),
    ...(count > MAX_ALARMS ? [`! and ${count - MAX_ALARMS} more: holdfast status`] : []),
    ...(count > 0 ? [''] : []),
    ...sources.map(sourceLine),
    ...resources.slice(0, MAX_RESOURCES).map(resourceLine),
    ...(resources.length > MAX_RESOURCES
      ? [`and ${resources.length - MAX_RESOURCES} more resources: holdfast status`]
      : []),
    '',
    `the store holds ${bytesText(storedBytes)}`,
    ...(count > 0
      ? ['', 'next     holdfast status; docs/runbook.md tells what to do.', commandsLine(sender)]
      : []),
  ];
  return { subject: subjectLine(system, title), body: lines.join('\n') };
}

/** As `status` sums it up. */
function reportTitle({ unwell: { length }, verdict }: DailyReport): string {
  if (length === 0) return 'all is well';
  if (verdict !== 'alarm') return 'not everything is backed up yet';
  return `${length} ${length === 1 ? 'thing needs' : 'things need'} action`;
}

const MAX_ALARMS = 20;
const MAX_RESOURCES = 50;

function age(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${durationText(ms)} ago`;
}

function resourceLine({ selection, resource, ...ages }: ReportedResource): string {
  const { newestAgeMs, lastRestoreTestAgeMs } = ages;
  return `${selection}, ${resourceLabel(resource)}: last recovery point ${age(newestAgeMs)}; last restore test ${age(lastRestoreTestAgeMs)}`;
}

function sourceLine(source: ReportedSource): string {
  const { name, newestGoodAgeMs, lastProofAgeMs, lastRestoreTestAgeMs, backupBytes } = source;
  const size = backupBytes === undefined ? '' : `, ${bytesText(backupBytes)}`;
  const rate =
    source.runs === undefined
      ? ''
      : `; ${source.runs.complete} of ${source.runs.all} runs complete in 30 days`;
  return `${name}: last good backup ${age(newestGoodAgeMs)}${size}; last proof ${age(lastProofAgeMs)}; last restore test ${age(lastRestoreTestAgeMs)}${rate}`;
}

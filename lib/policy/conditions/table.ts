// Every condition of a system that people get messages about: how grave it is, what it means, what to do, and what CloudWatch looks at.
// `status`, alarms, messages, the heartbeat and the documents all read this table, so that none of them can say something else.
import type { Condition, Severity, Watched } from './row.ts';
import { MACHINE_CONDITIONS } from './of-machine.ts';
import { RECOVERY_POINT_CONDITIONS } from './of-recovery-point.ts';
import { SOURCE_CONDITIONS } from './of-source.ts';
import { FUNCTION_CONDITIONS, STACK_CONDITIONS } from './of-stack.ts';
import { STORE_CONDITIONS } from './of-store.ts';

/** The table, by the codes that `status` shows and in which the names of alarms end. */
export const CONDITIONS = {
  ...SOURCE_CONDITIONS,
  ...RECOVERY_POINT_CONDITIONS,
  ...STORE_CONDITIONS,
  ...FUNCTION_CONDITIONS,
  ...STACK_CONDITIONS,
  ...MACHINE_CONDITIONS,
};

export type ConditionCode = keyof typeof CONDITIONS;

/** Every code, in the order of the table. */
export const CONDITION_CODES = Object.keys(CONDITIONS) as readonly ConditionCode[];

/** The row of a condition. */
export function conditionOf(code: ConditionCode): Condition {
  return CONDITIONS[code];
}

/** What is wrong in a few words; undefined for unknown codes and where only the detail says it. */
export function headlineOf(code: string): string | undefined {
  const known = knownCode(code);
  return known && conditionOf(known).headline;
}

function knownCode(code: string): ConditionCode | undefined {
  return CONDITION_CODES.find((one) => one === code);
}

/** What to say of a condition that is over; the code may be unknown. */
export function overText(code: string): string {
  const known = knownCode(code);
  return (known && conditionOf(known).over) ?? 'good again';
}

/** What to say of all conditions of an incident that ended by itself. */
export function allOverText(conditions: Iterable<{ readonly code: string }>): string {
  const texts = new Set([...conditions].map(({ code }) => overText(code)));
  texts.delete('good again');
  const [other] = texts;
  if (other === undefined) return 'Everything was proven good again.';
  return `It is over: what was not proven good again is ${other}.`;
}

/** One condition that holds. */
export interface Finding {
  readonly severity: Severity;
  readonly code: ConditionCode;
  /** What exactly is the case, in words. */
  readonly detail: string;
  /** When it began, where that is known. */
  readonly since?: Date | undefined;
}

/** The finding that `code` holds, as grave as the table says. */
export function finding(code: ConditionCode, detail: string, since?: Date): Finding {
  const { severity } = CONDITIONS[code];
  return { severity, code, detail, ...(since !== undefined && { since }) };
}

/** Whether all cannot be called well while the condition holds. */
export function isUnwell({ code }: Pick<Finding, 'code'>): boolean {
  const { severity, unwell } = conditionOf(code);
  return severity === 'alarm' || unwell === true;
}

/** Whether somebody gets a message at once, and until it is over: of all that alarms, and of backups that lack something. */
export function opensIncident({ code }: Pick<Finding, 'code'>): boolean {
  return conditionOf(code).severity === 'alarm' || code === 'partial';
}

/** The gravest severity among findings. */
export function gravestOf(findings: readonly Finding[]): 'fine' | Severity {
  if (findings.some(({ severity }) => severity === 'alarm')) return 'alarm';
  return findings.length > 0 ? 'watch' : 'fine';
}

/** The alarms first, otherwise in the order given, without what a graver one among them covers. */
export function sorted<F extends Finding>(findings: readonly F[]): F[] {
  const covered = new Set(findings.flatMap(({ code }) => conditionOf(code).covers ?? []));
  const said = findings.filter(({ code }) => !covered.has(code));
  const alarms = said.filter(({ severity }) => severity === 'alarm');
  return [...alarms, ...said.filter(({ severity }) => severity !== 'alarm')];
}

/**
 * The condition whose alarm goes off while `code` holds; undefined for what only `status` says. A source that the
 * configuration does not name publishes no metrics: one alarm of the store stands for everything that alarms about it.
 */
export function alarmOf(code: ConditionCode, isConfigured: boolean): ConditionCode | undefined {
  const { about, severity, watched, alarm } = conditionOf(code);
  if (about === 'source' && !isConfigured) return severity === 'alarm' ? 'unconfigured' : undefined;
  return watched === undefined ? (alarm as ConditionCode | undefined) : code;
}

/** Whether `value` is on the wrong side. What is not known is on no side. */
export function isBreached(
  { breach }: Pick<Watched, 'breach'>,
  value: number | undefined,
  threshold: number | undefined,
): boolean {
  if (value === undefined || threshold === undefined) return false;
  if (breach === 'below') return value < threshold;
  return breach === 'above' ? value > threshold : value >= threshold;
}

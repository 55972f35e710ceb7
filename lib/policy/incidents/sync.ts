// What the conditions of a system mean for its incidents: what is opened, joined, and over. Pure.
import { MINUTE_MS, HOUR_MS } from '../../durations.ts';
import { FUNCTION_CONDITIONS, STACK_CONDITIONS } from '../conditions/of-stack.ts';
import { conditionKey, type Incident } from './state.ts';

/** A condition that somebody has to act on. */
export interface Urgent {
  /** A source, `store`, or a resource of AWS Backup. */
  readonly subject: string;
  readonly code: string;
  readonly detail: string;
  /** When it began, where that is known. */
  readonly since?: Date | undefined;
}

/** One look at a system. */
export interface Look {
  readonly at: Date;
  readonly urgent: readonly Urgent[];
  /** Everything that was looked at. Nothing is known about other subjects. */
  readonly subjects: ReadonlySet<string>;
}

/** What has to be written. */
export type Change =
  | {
      readonly event: 'opened';
      readonly conditions: readonly Urgent[];
      readonly settleMs: number;
      /** When the first of them began, where that is known. */
      readonly began: Date | undefined;
    }
  | {
      readonly event: 'joined' | 'recovered' | 'relapsed';
      readonly incident: string;
      readonly conditions: readonly Urgent[];
    }
  | { readonly event: 'resolved'; readonly incident: string };

/** Conditions that become urgent within this time of each other most likely have one cause. */
export const JOIN_MS = 15 * MINUTE_MS;
/** A condition that returns this soon after its end is flapping: the next incident must be good for as long before it ends. */
export const FLAP_MS = HOUR_MS;

/** Conditions with one cause: people who know of one need not be told of another. */
const CAUSES: readonly (readonly string[])[] = [
  ['failed', 'missed', 'late', 'never', 'partial', 'deployment'],
  ['damaged', 'missing', 'unreadable', 'restore-damaged'],
  ['restore-test', 'rto'],
  ['point-failed', 'point-late', 'point-bad'],
];

function causeOf({ subject, code }: { subject: string; code: string }): string {
  const index = CAUSES.findIndex((codes) => codes.includes(code));
  return `${subject}/${index < 0 ? code : String(index)}`;
}

/** The changes that a look calls for. `incidents` are the open ones, and those that were over lately, the oldest first. */
export function changesOf(incidents: readonly Incident[], look: Look): Change[] {
  const open = incidents.filter(({ resolved }) => resolved === undefined);
  const whole = { ...look, urgent: together(look.urgent) };
  return [...ofOpen(open, whole), ...ofNew(open, incidents, whole)];
}

/** How many details of one condition are named. */
const MOST_NAMED = 10;

/** Several damaged backups are one condition, which names each. */
function together(urgent: readonly Urgent[]): Urgent[] {
  return [...Map.groupBy(urgent, conditionKey).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const details = [...new Set(same.map(({ detail }) => detail))];
    const more = details.length > MOST_NAMED ? [`and ${details.length - MOST_NAMED} more`] : [];
    const since = earliest(same.map((one) => one.since));
    return { ...first, since, detail: [...details.slice(0, MOST_NAMED), ...more].join('; ') };
  });
}

/** Conditions whose detail names backups: another detail is about another backup. In other conditions it may only differ in a time. */
const NAMING: readonly string[] = CAUSES[1] ?? [];

function ofOpen(open: readonly Incident[], { urgent, subjects, at }: Look): Change[] {
  const bad = new Map(urgent.map((one) => [conditionKey(one), one]));
  return open.flatMap((incident): Change[] => {
    const { id, conditions, settleMs } = incident;
    if (conditions.size === 0) return [];
    const all = [...conditions.values()];
    const isGood = (one: Urgent) => !bad.has(conditionKey(one)) && subjects.has(one.subject);
    const better = all.filter((one) => one.goodSince === undefined && isGood(one));
    const worse = all.filter((one) => one.goodSince !== undefined && bad.has(conditionKey(one)));
    const changes: Change[] = [];
    if (better.length > 0)
      changes.push({ event: 'recovered', incident: id, conditions: better.map(asUrgent) });
    if (worse.length > 0)
      changes.push({
        event: 'relapsed',
        incident: id,
        conditions: worse.map((one) => asUrgent(bad.get(conditionKey(one)) ?? one)),
      });
    const others = all.flatMap((one) => {
      const now = bad.get(conditionKey(one));
      const isOther = now !== undefined && NAMING.includes(one.code) && now.detail !== one.detail;
      return isOther && one.goodSince === undefined ? [asUrgent(now)] : [];
    });
    if (others.length > 0) changes.push({ event: 'joined', incident: id, conditions: others });
    const goodSince = all.map((one) =>
      worse.includes(one) ? undefined : better.includes(one) ? at : one.goodSince,
    );
    // Trouble of the stack that outlasts the trouble of the sources becomes an incident of its own.
    const isOfSources = all.some((one) => !isOfStack(one));
    const isOver = all.every((one, index) => {
      if (isOfSources && isOfStack(one)) return true;
      const since = goodSince[index];
      return since !== undefined && at.getTime() - since.getTime() >= settleMs;
    });
    if (isOver) changes.push({ event: 'resolved', incident: id });
    return changes;
  });
}

function asUrgent({ subject, code, detail }: Urgent): Urgent {
  return { subject, code, detail };
}

function ofNew(
  open: readonly Incident[],
  incidents: readonly Incident[],
  { urgent, at }: Look,
): Change[] {
  const known = new Set(open.flatMap(({ conditions }) => [...conditions.keys()]));
  const joins = new Map<string, Urgent[]>();
  const fresh: Urgent[] = [];
  for (const one of urgent) {
    if (known.has(conditionKey(one))) continue;
    const incident = open.find((candidate) => takes(candidate, one, at));
    if (incident === undefined) fresh.push(one);
    else joins.set(incident.id, [...(joins.get(incident.id) ?? []), asUrgent(one)]);
  }
  const joined = [...joins].map(([incident, conditions]): Change => ({
    event: 'joined',
    incident,
    conditions,
  }));
  if (fresh.length === 0) return joined;
  const settleMs = comesAndGoes(fresh, incidents, at) ? FLAP_MS : 0;
  const opened = { event: 'opened', conditions: fresh.map(asUrgent), settleMs } as const;
  return [...joined, { ...opened, began: earliest(fresh.map(({ since }) => since)) }];
}

function earliest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.reduce(
    (first, one) => (first === undefined || (one !== undefined && one < first) ? one : first),
    undefined,
  );
}

/** A condition with the same cause is no news. Others join an incident that was opened just now and that nobody has acknowledged. */
function takes(incident: Incident, one: Urgent, at: Date): boolean {
  const { conditions, openedAt, acknowledgements } = incident;
  if ([...conditions.values()].some((known) => causeOf(known) === causeOf(one))) return true;
  const isNew = Math.abs(at.getTime() - openedAt.getTime()) <= JOIN_MS;
  // People who are handling the failure need not be told what it left in the stack.
  return conditions.size > 0 && isNew && (acknowledgements.length === 0 || isOfStack(one));
}

/** Conditions that failed runs leave behind: errors of functions, and dead letters. */
function isOfStack({ code }: { readonly code: string }): boolean {
  return code in FUNCTION_CONDITIONS || code in STACK_CONDITIONS;
}

function comesAndGoes(fresh: readonly Urgent[], incidents: readonly Incident[], at: Date): boolean {
  const causes = new Set(fresh.map(causeOf));
  return incidents.some(
    ({ resolved, conditions }) =>
      resolved !== undefined &&
      at.getTime() - resolved.at.getTime() < FLAP_MS &&
      [...conditions.values()].some(
        (one) => causes.has(causeOf(one)) && (one.goodSince !== undefined || !isOfStack(one)),
      ),
  );
}

// Whether all who speak of a system say the same: what `status` shows, what the published numbers make alarms do, and who says "well".
import {
  alarmsOf,
  storeLimits,
  thresholdOf,
  type AlarmConfig,
  type AlarmSubject,
  type ConfiguredAlarm,
  type Limits,
} from '../../lib/config/alarms.ts';
import type { Config } from '../../lib/config/config.ts';
import type { Severity } from '../../lib/policy/conditions/row.ts';
import {
  alarmOf,
  conditionOf,
  isBreached,
  type ConditionCode,
  type Finding,
} from '../../lib/policy/conditions/table.ts';
import { pointLimits, type SelectionPromise } from '../../lib/policy/recovery-points/facts.ts';
import { limitsOf, type Objectives } from '../../lib/policy/objectives.ts';

type Numbers = Readonly<Record<string, number | undefined>>;

/** What was said of one system at one time. */
export interface Said {
  readonly at: Date;
  readonly status: {
    readonly verdict: 'fine' | Severity;
    readonly sources: readonly {
      readonly source: string;
      readonly configured: boolean;
      readonly findings: readonly Finding[];
    }[];
    readonly store: { readonly findings: readonly Finding[] };
    readonly recoveryPoints?:
      | {
          readonly resources: readonly {
            readonly selection: string;
            readonly resource: string;
            readonly findings: readonly Finding[];
          }[];
        }
      | undefined;
  };
  /** By the names of metrics. */
  readonly published: {
    readonly sources: ReadonlyMap<string, Numbers>;
    readonly system: Numbers;
    /** By selection and resource, with a space between. @default - none */
    readonly resources?: ReadonlyMap<string, Numbers>;
  };
  readonly config: AlarmConfig & Pick<Config, 'capacityBytes' | 'aws'>;
  readonly objectives: ReadonlyMap<string, Objectives>;
  /** By selection. @default - none */
  readonly promises?: ReadonlyMap<string, SelectionPromise>;
}

/** Every disagreement between what `status` shows and what the alarms of the stack would do, in words; none of a good judgment. */
export function disagreements(said: Said): string[] {
  const { status, config } = said;
  const states = alarmsOf(config).flatMap((alarm) => stateOf(alarm, said) ?? []);
  const found = states.flatMap(({ label, number, goesOff, isSaid, isCovered }) => {
    if (isSaid && !goesOff) return [`${label}: status says it, and ${number} is no alarm`];
    const isSilent = goesOff && !isSaid && !isCovered;
    return isSilent ? [`${label} goes off at ${number}, and status is silent`] : [];
  });
  const isGrave = states.some(({ goesOff, severity }) => goesOff && severity === 'alarm');
  if (isGrave !== (status.verdict === 'alarm')) {
    const gravest = isGrave ? 'an alarm is grave' : 'no alarm is grave';
    found.push(`${gravest}, and status says ${status.verdict}`);
  }
  return found;
}

/** Whether an alarm goes off, and whether `status` says the same; undefined for one of which that cannot be told. */
function stateOf({ label, code, subject, watched }: ConfiguredAlarm, said: Said) {
  // CloudWatch remembers what the store held; nothing that is published once tells of it.
  if (code === 'growth' || !isJudged(subject)) return undefined;
  const threshold = thresholdOf(watched, limitsFor(said, subject));
  if (threshold === undefined) return undefined;
  const value = numbersOf(said, subject)[watched.metric];
  const shown = shownOf(said, subject);
  return {
    label,
    severity: conditionOf(code).severity,
    number: `${watched.metric} ${value ?? 'not published'}`,
    goesOff:
      value === undefined ? watched.silence === 'alarm' : isBreached(watched, value, threshold),
    isSaid: shown.some((one) => one.alarm === code),
    isCovered: shown.some((one) => one.covers.includes(code)),
  };
}

/** What is judged by what is looked at; the rest CloudWatch sees alone. */
type Judged = Extract<AlarmSubject, { readonly about: 'source' | 'resource' | 'store' }>;

function isJudged(subject: AlarmSubject): subject is Judged {
  return ['source', 'resource', 'store'].includes(subject.about);
}

function limitsFor({ objectives, promises, config, at }: Said, subject: Judged): Limits {
  if (subject.about === 'store') return storeLimits(config);
  if (subject.about === 'resource') {
    const promise = promises?.get(subject.selection);
    return promise === undefined ? {} : pointLimits(promise, at);
  }
  const promised = objectives.get(subject.source);
  return promised === undefined ? {} : limitsOf(promised, at);
}

function numbersOf({ published }: Said, subject: Judged): Numbers {
  if (subject.about === 'store') return published.system;
  if (subject.about === 'source') return published.sources.get(subject.source) ?? {};
  return published.resources?.get(`${subject.selection} ${subject.resource}`) ?? {};
}

interface Shown {
  readonly alarm: ConditionCode | undefined;
  /** The alarms of what it covers. */
  readonly covers: readonly (ConditionCode | undefined)[];
}

/** What `status` shows of a source or a resource; of the store, what it shows anywhere of sources or of itself. */
function shownOf({ status }: Said, subject: Judged): Shown[] {
  if (subject.about === 'resource') {
    const own = status.recoveryPoints?.resources.filter(
      (one) => one.selection === subject.selection && one.resource === subject.resource,
    );
    return (own ?? []).flatMap(({ findings }) => findings.map(({ code }) => showing(code, true)));
  }
  const source = subject.about === 'source' ? subject.source : undefined;
  const sources = status.sources.filter((one) => source === undefined || one.source === source);
  const shown = sources.flatMap(({ findings, configured }) =>
    findings.map(({ code }) => showing(code, configured)),
  );
  if (source !== undefined) return shown;
  return [...shown, ...status.store.findings.map(({ code }) => showing(code, true))];
}

function showing(code: ConditionCode, configured: boolean): Shown {
  const covers = (conditionOf(code).covers ?? []) as readonly ConditionCode[];
  return {
    alarm: alarmOf(code, configured),
    covers: covers.map((other) => alarmOf(other, configured)),
  };
}

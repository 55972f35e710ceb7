// Whether all who speak of a system say the same: what `status` shows, what the published numbers make alarms do, and who says "well".
import {
  alarmsOf,
  storeLimits,
  thresholdOf,
  type AlarmConfig,
  type ConfiguredAlarm,
} from '../../lib/config/alarms.ts';
import type { Config } from '../../lib/config/config.ts';
import type { Severity } from '../../lib/policy/condition.ts';
import {
  alarmOf,
  conditionOf,
  isBreached,
  type ConditionCode,
  type Finding,
} from '../../lib/policy/conditions.ts';
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
  };
  /** By the names of metrics. */
  readonly published: {
    readonly sources: ReadonlyMap<string, Numbers>;
    readonly system: Numbers;
  };
  readonly config: AlarmConfig & Pick<Config, 'capacityBytes' | 'aws'>;
  readonly objectives: ReadonlyMap<string, Objectives>;
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
  if (code === 'growth' || (subject.about !== 'source' && subject.about !== 'store'))
    return undefined;
  const source = subject.about === 'source' ? subject.source : undefined;
  const threshold = thresholdOf(watched, limitsFor(said, source));
  if (threshold === undefined) return undefined;
  const value = numbersOf(said, source)[watched.metric];
  const shown = shownOf(said, source);
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

function limitsFor({ objectives, config, at }: Said, source: string | undefined) {
  if (source === undefined) return storeLimits(config);
  const promised = objectives.get(source);
  return promised === undefined ? {} : limitsOf(promised, at);
}

function numbersOf({ published }: Said, source: string | undefined): Numbers {
  return source === undefined ? published.system : (published.sources.get(source) ?? {});
}

interface Shown {
  readonly alarm: ConditionCode | undefined;
  /** The alarms of what it covers. */
  readonly covers: readonly (ConditionCode | undefined)[];
}

/** What `status` shows of a source; of the store, what it shows anywhere. */
function shownOf({ status }: Said, source: string | undefined): Shown[] {
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

// Every alarm that the stack of a configuration has: the table of conditions, for each thing that can be in one.
import { alarmPrefix, directAlarmPrefix, resourceLabel } from '../names/alarms.ts';
import type { FunctionName, TaskName } from '../names/aws.ts';
import type { Limit, Watched } from '../policy/conditions/row.ts';
import {
  CONDITION_CODES,
  conditionOf,
  opensIncident,
  type ConditionCode,
} from '../policy/conditions/table.ts';
import { resourcesOf } from '../policy/recovery-points/facts.ts';
import { leastLockSeconds } from '../policy/upkeep.ts';
import type { AwsConfig, Config } from './config.ts';
import { eventRules } from './event-rules.ts';
import { escalates, functionsOf, tasksOf, type FunctionConfig } from './load/stack-keys.ts';

/** What an alarm is about. */
export type AlarmSubject =
  | { readonly about: 'source'; readonly source: string }
  | { readonly about: 'resource'; readonly selection: string; readonly resource: string }
  | { readonly about: 'store' }
  /** Which part of what the condition is about: there are more things than one alarm can look at. @default - the first */
  | { readonly about: 'stack'; readonly part?: number; readonly of?: 'lost-events' | 'lost-work' }
  | { readonly about: 'function'; readonly function: FunctionName }
  | { readonly about: 'task'; readonly task: TaskName };

export interface ConfiguredAlarm {
  /** As CloudWatch knows it: `holdfast-my-site/sources/site/late`. */
  readonly name: string;
  /** The same without the system: `site/late`. */
  readonly label: string;
  readonly code: ConditionCode;
  readonly subject: AlarmSubject;
  readonly watched: Watched;
  /** Stands apart by its name, so that it never starts `alert`: the function that tells otherwise may be what is wrong. */
  readonly direct: boolean;
  /** Tells the topic itself: what is direct, and no incident that `escalate` tells of. */
  readonly tellsTopic: boolean;
}

/** CloudWatch takes no more in an alarm on an expression. */
export const METRICS_OF_ALARM = 10;

/** What alarms depend on. */
export type AlarmConfig = Pick<Config, 'system'> & FunctionConfig;

/** The alarms of everything that is configured; whether one has a threshold, its limits say. */
export function alarmsOf(config: AlarmConfig): ConfiguredAlarm[] {
  return subjectsOf(config).flatMap((subject) =>
    CONDITION_CODES.flatMap((code) => {
      const { about, watched } = conditionOf(code);
      if (watched === undefined || !isAbout(subject, about, code)) return [];
      if (code === 'silent' && !(escalates(config) && isSilentAtWorst(subject))) return [];
      if (code === 'throttles' && isPublic(subject)) return [];
      const direct = isDirect(subject);
      const isTold = escalates(config) && opensIncident({ code }) && !isOfEscalation(subject);
      const tellsTopic = direct && !isTold;
      const label = labelOf(subject, code);
      const prefix = direct ? directAlarmPrefix(config.system) : alarmPrefix(config.system);
      const name = `${prefix}${FOLDERS[subject.about] ?? ''}${label}`;
      return [{ name, label, code, subject, watched, direct, tellsTopic }];
    }),
  );
}

/** What stands before the label in the name. */
const FOLDERS: Readonly<Partial<Record<AlarmSubject['about'], string>>> = {
  source: 'sources/',
  resource: 'recovery-points/',
};

/** The alarm that CloudWatch knows as `name`; undefined when the configuration has none of that name. */
export function alarmNamed(name: string, config: AlarmConfig): ConfiguredAlarm | undefined {
  return alarmsOf(config).find((alarm) => alarm.name === name);
}

/** What alarms depend on, as far as it is known. */
export type Limits = Readonly<Partial<Record<Limit, number | undefined>>>;

/** The limits of the store; undefined where no capacity is configured, or no stack locks. */
export function storeLimits({ capacityBytes, aws }: Pick<Config, 'capacityBytes' | 'aws'>): Limits {
  return { capacityBytes, leastLockSeconds: aws && leastLockSeconds(aws.lockDays) };
}

/** The threshold of an alarm; undefined where nothing is promised, and so there is no alarm. */
export function thresholdOf({ threshold, only }: Watched, limits: Limits): number | undefined {
  if (only !== undefined && limits[only] === undefined) return undefined;
  return typeof threshold === 'number' ? threshold : limits[threshold];
}

function subjectsOf(config: AlarmConfig): AlarmSubject[] {
  const { sources, aws } = config;
  return [
    ...sources.map(({ name }) => ({ about: 'source', source: name }) as const),
    ...resourceSubjects(aws?.recoveryPoints),
    { about: 'store' },
    ...functionsOf(config).map((name) => ({ about: 'function', function: name }) as const),
    ...tasksOf(config).map((task) => ({ about: 'task', task }) as const),
    { about: 'stack' },
    ...furtherParts(config),
  ];
}

function resourceSubjects(points: AwsConfig['recoveryPoints']): AlarmSubject[] {
  return (points?.selections ?? []).flatMap(({ name: selection, expected }) =>
    resourcesOf(expected).map((resource) => ({ about: 'resource', selection, resource }) as const),
  );
}

/** The rules and the functions of a stack, as many as an alarm can look at in each part, without the first. */
function furtherParts(config: FunctionConfig): AlarmSubject[] {
  const counts = {
    'lost-events': eventRules(config).length,
    'lost-work': functionsOf(config).length,
  } as const;
  return (['lost-events', 'lost-work'] as const).flatMap((of) =>
    Array.from({ length: Math.ceil(counts[of] / METRICS_OF_ALARM) - 1 }, (_, index) => ({
      ...({ about: 'stack', of } as const),
      part: index + 1,
    })),
  );
}

/** A task has no limits of its own: it fails, or it does not. Only rules and functions can number more than ten. */
function isAbout(subject: AlarmSubject, about: string, code: ConditionCode): boolean {
  if (subject.about === 'task') return code === 'errors';
  if (subject.about === 'stack' && subject.part !== undefined) return code === subject.of;
  return subject.about === about;
}

/** Whether its failures could not be reported through `alert`. */
function isDirect(subject: AlarmSubject): boolean {
  if (subject.about === 'stack') return true;
  return (
    subject.about === 'function' && ['alert', 'freshness', 'escalate'].includes(subject.function)
  );
}

function isOfEscalation(subject: AlarmSubject): boolean {
  return subject.about === 'function' && subject.function === 'escalate';
}

/** Strangers may call it as often as they like, and wake nobody by that. */
function isPublic(subject: AlarmSubject): boolean {
  return subject.about === 'function' && subject.function === 'acknowledge';
}

/** What runs by the clock, and without which nobody would hear of anything. */
function isSilentAtWorst(subject: AlarmSubject): boolean {
  return subject.about === 'function' && ['freshness', 'escalate'].includes(subject.function);
}

/** Whether `escalate` tells of an alarm, as of an incident; `alert` tells of all others. */
export function isEscalated(
  { code, tellsTopic }: Pick<ConfiguredAlarm, 'code' | 'tellsTopic'>,
  config: Pick<FunctionConfig, 'notify'>,
): boolean {
  return escalates(config) && opensIncident({ code }) && !tellsTopic;
}

function labelOf(subject: AlarmSubject, code: ConditionCode): string {
  switch (subject.about) {
    case 'source':
      return `${subject.source}/${code}`;
    case 'resource':
      return `${subject.selection}/${resourceLabel(subject.resource)}/${code}`;
    case 'store':
      return `store/${code}`;
    case 'function':
      return `functions/${subject.function}/${code}`;
    case 'task':
      return `tasks/${subject.task}/${code}`;
    case 'stack':
      return subject.part === undefined ? code : `${code}-${subject.part + 1}`;
  }
}

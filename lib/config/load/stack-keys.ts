// Which function of a stack serves which sources, and the keys by which they sign: what each may vouch for. Pure.
import {
  FUNCTIONS,
  isForDatabases,
  isForEscalation,
  isForRecoveryPoints,
  isSigner,
  resourceName,
  SIGNERS,
  signingAlias,
  TASKS,
} from '../../names/aws.ts';
import type { FunctionName, RunsOn, SignerName, TaskName } from '../../names/aws.ts';
import { isPostgres, isRemote, isTask, runsOn } from '../config.ts';
import type { AwsConfig, Config, SourceConfig } from '../config.ts';
import type { NotifyConfig } from '../notify.ts';
import {
  CHECKPOINT_EVENT,
  INCIDENTS_PREFIX,
  recordsPrefix,
  sourcePrefix,
  verbPrefix,
} from '../../format/layout.ts';

/** A key of the stack, and what its signatures count for. */
export interface StackKey {
  /** As in `trust`: `holdfast-my-site-verify`. */
  readonly name: string;
  readonly signer: SignerName;
  /** In the account and the region of the stack. */
  readonly alias: string;
  readonly prefixes: readonly string[];
  /** The events of incidents that it may vouch for; undefined where it writes none. */
  readonly events?: readonly string[];
}

/** What the functions of a stack depend on. */
export type FunctionConfig = Pick<Config, 'sources'> & {
  readonly aws?:
    | (Pick<AwsConfig, 'recoveryPoints'> &
        Partial<Pick<AwsConfig, 'reservedConcurrency' | 'acknowledgeUrl'>>)
    | undefined;
  readonly notify?:
    (Pick<NotifyConfig, 'sinks'> & Partial<Pick<NotifyConfig, 'recovery'>>) | undefined;
};

/** Whether the stack itself opens incidents and tells of them, by the sinks of the configuration. */
export function escalates({ notify }: Pick<FunctionConfig, 'notify'>): boolean {
  return (notify?.sinks.length ?? 0) > 0;
}

/** Whether the stack tries to end incidents by itself. */
export function recovers({ notify }: Pick<FunctionConfig, 'notify'>): boolean {
  return escalates({ notify }) && notify?.recovery !== 'off';
}

/**
 * Whether messages carry a link by which an incident is acknowledged. Strangers can open it, so there is one only where concurrency is
 * reserved: whatever they do, backups run.
 */
export function hasLinks({ aws, notify }: Pick<FunctionConfig, 'aws' | 'notify'>): boolean {
  const { reservedConcurrency, acknowledgeUrl } = aws ?? {};
  return escalates({ notify }) && reservedConcurrency === 'create' && acknowledgeUrl !== 'off';
}

/** The functions that the stack of a configuration has. */
export function functionsOf({ sources, aws, notify }: FunctionConfig): FunctionName[] {
  const withDatabases = sources.some(isPostgres);
  const withPoints = aws?.recoveryPoints !== undefined;
  return FUNCTIONS.filter(
    (name) =>
      (withDatabases || !isForDatabases(name)) &&
      (withPoints || !isForRecoveryPoints(name)) &&
      (escalates({ notify }) || !isForEscalation(name)) &&
      (hasLinks({ aws, notify }) || name !== 'acknowledge'),
  );
}

/** The selections of AWS Backup: sources of the records that the functions of recovery points write. */
export function selectionNames({ aws }: Pick<FunctionConfig, 'aws'>): string[] {
  return (aws?.recoveryPoints?.selections ?? []).map(({ name }) => name);
}

/** Whether something looks into the databases that AWS Backup restores for tests. */
export function looksIntoDatabases({ aws }: Pick<FunctionConfig, 'aws'>): boolean {
  const selections = aws?.recoveryPoints?.selections ?? [];
  return selections.some(({ restoreTest }) => restoreTest.postgres !== undefined);
}

/** The tasks that the stack of a configuration has: those with a source to serve, and the one that looks into restored databases. */
export function tasksOf(config: FunctionConfig): TaskName[] {
  return TASKS.filter((name) =>
    name === 'validate-recovery-point'
      ? looksIntoDatabases(config)
      : servedBy(name, config).some(isTask),
  );
}

/** The sources that a function serves, or a task in its place; those that serve the store as a whole serve all of them. */
export function servedBy(
  name: FunctionName,
  { sources }: Pick<Config, 'sources'>,
): readonly SourceConfig[] {
  switch (name) {
    case 'backup':
      return sources.filter(isRemote);
    case 'restore-test':
      return sources.filter((source) => !isPostgres(source));
    case 'database-backup':
    case 'database-restore-test':
      return sources.filter(isPostgres);
    default:
      return sources;
  }
}

/** Those of {@link servedBy} whose work is done by the function itself, or by the task in its place. */
export function servedOn(
  place: RunsOn,
  name: FunctionName,
  config: Pick<Config, 'sources'>,
): readonly SourceConfig[] {
  return servedBy(name, config).filter((source) => runsOn(source) === place);
}

/** Every key of the stack; none without one. */
export function stackKeys(config: Config): StackKey[] {
  const { system, aws } = config;
  if (aws === undefined) return [];
  return functionsOf(config)
    .filter(isSigner)
    .map((signer) => ({
      name: resourceName(system, signer),
      signer,
      alias: signingAlias(system, signer),
      prefixes: prefixesOf(signer, config),
      ...eventsOf(signer),
    }));
}

function eventsOf(signer: SignerName): Pick<StackKey, 'events'> {
  if (signer === 'acknowledge') return { events: ['acknowledged'] };
  return signer === 'escalate' ? { events: ESCALATED_EVENTS } : {};
}

/** What happens without anybody: it acknowledges nothing, and speaks for nobody. */
const ESCALATED_EVENTS: readonly string[] = [
  ...['opened', 'joined', 'recovered', 'relapsed', 'resolved', 'trying', 'tried'],
  ...['claim', 'sent', 'failed', CHECKPOINT_EVENT],
];

/**
 * What a signer vouches for. Where there is a database, two functions back up and two test restores, and where there are recovery
 * points, one more tests: then each vouches for records of its own sources or selections, and for no others.
 */
function prefixesOf(signer: SignerName, config: Config): string[] {
  if (SIGNERS[signer] === 'incident') return [INCIDENTS_PREFIX];
  if (isForRecoveryPoints(signer)) {
    return selectionNames(config).map((name) => recordsPrefix(SIGNERS[signer], name));
  }
  const names = servedBy(signer, config).map(({ name }) => name);
  const verb = SIGNERS[signer];
  const backups = verb === 'backup' ? names.map(sourcePrefix) : [];
  const withDatabases = config.sources.some(isPostgres);
  const withPoints = selectionNames(config).length > 0;
  const isShared = {
    backup: withDatabases,
    'restore-test': withDatabases || withPoints,
    verify: false,
    prune: false,
    incident: false,
  }[verb];
  const apart = isShared && names.length > 0;
  const records = apart ? names.map((name) => recordsPrefix(verb, name)) : [verbPrefix(verb)];
  return [...backups, ...records, ...repairsOf(signer, config)];
}

/** The records of repairs, by the one function that repairs. */
function repairsOf(signer: SignerName, config: Config): string[] {
  if (signer !== 'backup' || !recovers(config)) return [];
  return servedBy(signer, config).map(({ name }) => recordsPrefix('repair', name));
}

/** Those of {@link stackKeys} that `trust` does not name with all that they vouch for. */
export function unnamedStackKeys(config: Config): StackKey[] {
  return stackKeys(config).filter(
    ({ name, prefixes }) =>
      !config.trust.some(
        (one) =>
          one.name === name &&
          prefixes.every((prefix) => one.prefixes.some((own) => prefix.startsWith(own))),
      ),
  );
}

// What runs when something happens: a manifest is stored, a deployment has succeeded, an alarm changes, a job of AWS Backup ends.
import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import type { EventPattern, IRuleTarget } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { isPostgres, isTask } from '../../../config/config.ts';
import type { LargeSourceConfig, RemoteSourceConfig } from '../../../config/config.ts';
import {
  deploymentRule,
  ESCALATION_RULES,
  POINT_RULES,
  RECOVERY_RULES,
  recoverRule,
  RESTORED_DATABASE_RULE,
  storedRule,
  STORE_RULES,
} from '../../../config/event-rules.ts';
import { alarmPrefix, directAlarmPrefix } from '../../../names/alarms.ts';
import { isForEscalation, isForRecoveryPoints, ruleName } from '../../../names/aws.ts';
import type { FunctionName, TaskName } from '../../../names/aws.ts';
import { RESOURCE_TYPES } from '../../../names/resources.ts';
import { vaultName } from '../../../names/recovery-points.ts';
import { arnHere } from '../permissions.ts';
import { deploymentPattern } from './deployments.ts';
import type { Functions } from '../functions/functions.ts';
import type { Tasks } from '../functions/tasks.ts';
import {
  BACKUPS_PREFIX,
  INCIDENTS_PREFIX,
  sourcePrefix,
  verbPrefix,
} from '../../../format/layout.ts';
import { nameOfRule } from './rule-names.ts';
import type { Runs } from './schedules.ts';

export interface EventsProps {
  readonly system: string;
  readonly bucketName: string;
  /** Of the store within the bucket: empty, or ends in a slash. */
  readonly prefix: string;
  readonly functions: Functions;
  /** Undefined where nothing runs as a task. */
  readonly tasks: Tasks | undefined;
  readonly deadLetters: IQueue;
}

type Reaction = Runs & {
  readonly name: string;
  readonly about: string;
  readonly pattern: EventPattern;
  /** @default - the event as it is */
  readonly input?: RuleTargetInput;
};

const [STORED, ALARM] = STORE_RULES;
const [BACKUP_JOB, RESTORE_JOB, JOBS] = POINT_RULES;
const [ESCALATE_ALARM, ESCALATE_RECORD] = ESCALATION_RULES;
const STARTED = [
  'verify',
  'alert',
  'backup',
  'database-backup',
  'escalate',
] as const satisfies readonly FunctionName[];

/** Whose records say that a run has failed, or how a proof ended. */
const LOOKED_AT = ['backup', 'verify', 'restore-test', 'repair', 'recovery-point'] as const;

/** The rules of one system on the default bus. All rules share one right each to start a function and to leave dead letters. */
export class Events extends Construct {
  private readonly props: EventsProps;

  constructor(scope: Construct, id: string, props: EventsProps) {
    super(scope, id);
    this.props = props;
    const { system, functions } = props;
    this.letRulesAct();
    this.react({
      name: STORED,
      about: 'A backup was stored: verify it',
      pattern: this.stored(BACKUPS_PREFIX),
      runs: 'verify',
    });
    this.react({
      name: ALARM,
      about: 'An alarm has changed: tell people',
      pattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: alarmPrefix(system) }] },
      },
      runs: 'alert',
    });
    if (functions.all.some(({ name }) => isForRecoveryPoints(name))) this.reactToJobs();
    if (functions.all.some(({ name }) => isForEscalation(name))) this.escalate();
  }

  /** Each change of an alarm, and each record of a run that failed or of a proof, is looked at before the next minute. */
  private escalate(): void {
    const { system, bucketName, prefix } = this.props;
    this.react({
      name: ESCALATE_ALARM,
      about: 'An alarm has changed: open or end an incident',
      pattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: {
          alarmName: [alarmPrefix(system), directAlarmPrefix(system)].map((one) => ({
            prefix: one,
          })),
        },
      },
      runs: 'escalate',
    });
    this.react({
      name: ESCALATE_RECORD,
      about: 'A run has failed or a proof has ended: open or end an incident',
      pattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [bucketName] },
          object: {
            key: LOOKED_AT.map((verb) => ({ prefix: `${prefix}${verbPrefix(verb)}` })),
          },
        },
      },
      runs: 'escalate',
    });
  }

  /** What `escalate` has tried, it writes down: the record starts the functions that back up. Each sees whether the source is its own. */
  recoverBy(names: readonly (keyof typeof RECOVERY_RULES)[]): void {
    for (const name of names)
      this.react({
        name: RECOVERY_RULES[name],
        about: 'A backup is to be tried once more, or repaired',
        pattern: this.ordered('*'),
        runs: name,
      });
  }

  /** The same for a source of a task; the rule stands in `scope`. */
  recoverAsTask(source: LargeSourceConfig, scope: Construct): void {
    const { name } = source;
    this.react(
      {
        name: recoverRule(name),
        about: `${name} is to be backed up once more, or repaired`,
        pattern: this.ordered(`*_${name}`),
        runs: isPostgres(source) ? 'database-backup' : 'backup',
        asTask: true,
      },
      scope,
    );
  }

  /** That `escalate` has written down what is to be tried. */
  private ordered(detail: string): EventPattern {
    return this.created(`${INCIDENTS_PREFIX}*-trying-${detail}.json`);
  }

  /** Of both kinds of jobs, the function itself sees which are ours. */
  private reactToJobs(): void {
    this.react({
      name: BACKUP_JOB,
      about: 'AWS Backup has ended a backup job: write down what was backed up',
      pattern: {
        source: ['aws.backup'],
        detailType: ['Backup Job State Change'],
        detail: {
          state: ['COMPLETED', 'PARTIAL', 'FAILED', 'ABORTED', 'EXPIRED'],
          backupVaultName: [vaultName(this.props.system)],
        },
      },
      runs: 'record-recovery-point',
    });
    this.react({
      name: RESTORE_JOB,
      about: 'AWS Backup has restored something for a test: look inside',
      pattern: restoredForTests({}),
      runs: 'validate-recovery-point',
    });
    const asTask: readonly TaskName[] = this.props.tasks?.names ?? [];
    if (asTask.includes('validate-recovery-point')) this.reactToDatabases();
  }

  /**
   * Has a task look into databases that were restored; the function hears of them, too, and leaves them alone. Events say the type as AWS
   * Backup calls it: https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
   */
  private reactToDatabases(): void {
    const types = [RESOURCE_TYPES.aurora, RESOURCE_TYPES.rds];
    this.react({
      name: RESTORED_DATABASE_RULE,
      about: 'AWS Backup has restored a database for a test: look inside',
      pattern: restoredForTests({ resourceType: types }),
      runs: 'validate-recovery-point',
      asTask: true,
    });
  }

  /** Tells people of the jobs of AWS Backup. Which of them are ours, and worth telling, the function decides: not every event names the vault. */
  tellOfJobs(): void {
    this.react({
      name: JOBS,
      about: 'A job of AWS Backup has changed: tell people',
      pattern: {
        source: ['aws.backup'],
        detailType: [
          'Backup Job State Change',
          'Copy Job State Change',
          'Restore Job State Change',
        ],
      },
      runs: 'alert',
    });
  }

  /** Has what is stored of `source` verified by a task; the function hears of it, too, and leaves it alone. The rule stands in `scope`. */
  verifyAsTask({ name }: LargeSourceConfig, scope: Construct): void {
    this.react(
      {
        name: storedRule(name),
        about: `A backup of ${name} was stored: verify it`,
        pattern: this.stored(sourcePrefix(name)),
        runs: 'verify',
        asTask: true,
      },
      scope,
    );
  }

  /** That a manifest was stored below a prefix of the store. */
  private stored(below: string): EventPattern {
    return this.created(`${below}*/manifest.json`);
  }

  /** That an object was stored whose key in the store is of this form. */
  private created(wildcard: string): EventPattern {
    const { bucketName, prefix } = this.props;
    return {
      source: ['aws.s3'],
      detailType: ['Object Created'],
      detail: {
        bucket: { name: [bucketName] },
        object: { key: [{ wildcard: `${prefix}${wildcard}` }] },
      },
    };
  }

  /** Backs `source` up after each deployment that it names, by rules that stand in `scope`. */
  reactToDeployments(source: RemoteSourceConfig, scope: Construct): void {
    const { system } = this.props;
    for (const trigger of source.onDeployment) {
      this.react(
        {
          name: deploymentRule(source.name, trigger),
          about: `A deployment has succeeded: back up ${source.name}`,
          pattern: deploymentPattern(system, trigger),
          runs: 'backup',
          asTask: isTask(source),
          // The time of the event, so that one delivered twice is one backup.
          input: RuleTargetInput.fromObject({
            trigger: 'deploy',
            source: source.name,
            at: EventField.time,
          }),
        },
        scope,
      );
    }
  }

  /** A right for each rule would outgrow the policies of the functions and of the queue. */
  private letRulesAct(): void {
    const { system, functions, deadLetters } = this.props;
    const events = new ServicePrincipal('events.amazonaws.com');
    const rules = arnHere(this, 'events', `rule/${ruleName(system, '*')}`);
    const started = functions.all.filter(
      ({ name }) => isForRecoveryPoints(name) || (STARTED as readonly string[]).includes(name),
    );
    for (const one of started) {
      one.function.addPermission('Rules', { principal: events, sourceArn: rules });
    }
    deadLetters.addToResourcePolicy(
      new PolicyStatement({
        sid: 'RulesLeaveDeadLetters',
        principals: [events],
        actions: ['sqs:SendMessage'],
        resources: [deadLetters.queueArn],
        conditions: { ArnLike: { 'aws:SourceArn': rules } },
      }),
    );
  }

  private react(reaction: Reaction, scope: Construct = this): void {
    const { name, about, pattern, input } = reaction;
    const { system, deadLetters } = this.props;
    const target: IRuleTarget = {
      bind: () => ({
        ...this.startOf(reaction),
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: {
          maximumRetryAttempts: 10,
          maximumEventAgeInSeconds: Duration.hours(6).toSeconds(),
        },
        ...(input !== undefined && { input }),
      }),
    };
    new Rule(scope, name, {
      ruleName: nameOfRule(system, name),
      description: about,
      eventPattern: pattern,
      targets: [target],
    });
  }

  /** A function lets rules start it; a state machine is started under a role. */
  private startOf(what: Runs): { readonly arn: string; readonly role?: Role } {
    const { functions, tasks } = this.props;
    if (what.asTask !== true) return { arn: functions.of(what.runs).function.functionArn };
    if (tasks === undefined) throw new TypeError('this stack has no tasks');
    return { arn: tasks.of(what.runs).stateMachineArn, role: tasks.eventsRole };
  }
}

/** That a restore job of a test plan has ended. */
function restoredForTests(more: Readonly<Record<string, readonly string[]>>): EventPattern {
  return {
    source: ['aws.backup'],
    detailType: ['Restore Job State Change'],
    detail: {
      status: ['COMPLETED', 'FAILED', 'ABORTED'],
      restoreTestingPlanArn: [{ exists: true }],
      ...more,
    },
  };
}

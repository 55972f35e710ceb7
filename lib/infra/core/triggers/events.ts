// What runs when something happens: a manifest is stored, a deployment has succeeded, an alarm changes.
import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { RemoteSourceConfig } from '../../../config/config.ts';
import { deploymentRule, STORE_RULES } from '../../../config/event-rules.ts';
import { alarmPrefix } from '../../../names/alarms.ts';
import type { FunctionName } from '../../../names/aws.ts';
import { deploymentPattern } from './deployments.ts';
import type { Functions } from '../functions/functions.ts';

export interface EventsProps {
  readonly system: string;
  readonly bucketName: string;
  /** Of the store within the bucket: empty, or ends in a slash. */
  readonly prefix: string;
  readonly sources: readonly RemoteSourceConfig[];
  readonly functions: Functions;
  readonly deadLetters: IQueue;
}

interface Reaction {
  readonly name: string;
  readonly about: string;
  readonly pattern: EventPattern;
  readonly runs: FunctionName;
  /** @default - the event as it is */
  readonly input?: RuleTargetInput;
}

const [STORED, ALARM] = STORE_RULES;

/** The rules of one system on the default bus. */
export class Events extends Construct {
  /** In the order of their names in the configuration. */
  readonly rules: Rule[] = [];
  private readonly props: EventsProps;

  constructor(scope: Construct, id: string, props: EventsProps) {
    super(scope, id);
    this.props = props;
    const { system, bucketName, prefix, sources } = props;
    this.react({
      name: STORED,
      about: 'A backup was stored: verify it',
      pattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [bucketName] },
          object: { key: [{ wildcard: `${prefix}backups/*/manifest.json` }] },
        },
      },
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
    for (const source of sources) {
      for (const trigger of source.onDeployment) {
        this.react({
          name: deploymentRule(source.name, trigger),
          about: `A deployment has succeeded: back up ${source.name}`,
          pattern: deploymentPattern(system, trigger),
          runs: 'backup',
          // The time of the event, so that one delivered twice is one backup.
          input: RuleTargetInput.fromObject({
            trigger: 'deploy',
            source: source.name,
            at: EventField.time,
          }),
        });
      }
    }
  }

  private react({ name, about, pattern, runs, input }: Reaction): void {
    const { functions, deadLetters } = this.props;
    const target = new LambdaFunction(functions.of(runs).function, {
      deadLetterQueue: deadLetters,
      retryAttempts: 10,
      maxEventAge: Duration.hours(6),
      ...(input !== undefined && { event: input }),
    });
    const rule = { description: about, eventPattern: pattern, targets: [target] };
    this.rules.push(new Rule(this, name, rule));
  }
}

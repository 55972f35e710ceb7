// The way of messages: the topic that people subscribe to, the queue of what could not be delivered, and the key of both and of the logs.
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { messagesAlias, resourceName } from '../../names/aws.ts';
import { arnHere } from './permissions.ts';
import { onlyDeploymentsChange } from './retained-key.ts';

export interface MessagesProps {
  readonly system: string;
  /** Who subscribes; each address has to confirm. */
  readonly email: readonly string[];
  /** ARNs, or patterns of them, of the roles that may change the key. */
  readonly deployers: readonly string[];
}

/**
 * Services that encrypt under their own name. Without these rights alarms stay silent and queues stay empty; and not every call of
 * theirs says for which account it is, so no condition asks.
 */
const SERVICES = ['cloudwatch', 'events'] as const;

/** Goes with the stack: nothing here is a backup. */
export class Messages extends Construct {
  readonly key: Key;
  readonly topic: Topic;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { system, email, deployers }: MessagesProps) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: `Encrypts messages and logs of ${system}; no backup`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new Alias(this, 'Alias', {
      aliasName: messagesAlias(system),
      targetKey: this.key,
    });
    // Who disables it silences every alarm and loses every dead letter.
    this.key.addToResourcePolicy(onlyDeploymentsChange(deployers));
    this.letServicesEncrypt(system);
    this.topic = new Topic(this, 'Topic', {
      topicName: resourceName(system, 'messages'),
      displayName: `Holdfast ${system}`,
      masterKey: this.key,
      enforceSSL: true,
    });
    for (const address of email) this.topic.addSubscription(new EmailSubscription(address));
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    this.deadLetters = new Queue(this, 'DeadLetters', {
      queueName: resourceName(system, 'dead-letters'),
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: this.key,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
  }

  private letServicesEncrypt(system: string): void {
    for (const service of SERVICES) {
      this.key.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
          actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
          resources: ['*'],
        }),
      );
    }
    this.key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`logs.${Aws.REGION}.amazonaws.com`)],
        actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
        resources: ['*'],
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': ['lambda', 'vendedlogs/states'].map((of) =>
              arnHere(this, 'logs', `log-group:/aws/${of}/${resourceName(system, '*')}`),
            ),
          },
        },
      }),
    );
  }
}

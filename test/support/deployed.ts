// A system on the AWS of a test, as people meet it: its functions, metrics, alarms, messages and logs, and the command line beside it.
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
} from '@aws-sdk/client-cloudwatch';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { METRICS, resourceName, type FunctionName } from '../../lib/names/aws.ts';
import type { ResourceMetric, SourceMetric, SystemMetric } from '../../lib/names/metrics.ts';
import type { Ended, Place } from './command-line.ts';
import type { MiniStack } from './ministack.ts';

export interface Message {
  readonly subject: string;
  readonly text: string;
}

/** What `holdfast list --json` says of a backup, as far as tests ask. */
export interface Listed {
  readonly source: string;
  readonly id: string;
  readonly standing: string;
  readonly good: boolean;
  readonly why: string;
  readonly artifacts: readonly { readonly role: string; readonly key: string }[];
}

export class Deployed {
  readonly system: string;
  /** Every message of the topic that was read, in the order in which they came. */
  readonly messages: Message[] = [];
  private readonly aws: MiniStack;
  private readonly place: Place;
  private readonly lambda: LambdaClient;
  private readonly cloudWatch: CloudWatchClient;
  private readonly queues: SQSClient;
  private inbox = '';

  /** @param place - where the command line runs, with the system's holdfast.yaml in its site */
  constructor(system: string, { aws, place }: { aws: MiniStack; place: Place }) {
    this.system = system;
    this.aws = aws;
    this.place = place;
    this.lambda = new LambdaClient(aws.client);
    this.cloudWatch = new CloudWatchClient(aws.client);
    this.queues = new SQSClient(aws.client);
  }

  /** Subscribes a queue to the topic, as a person subscribes an address. */
  async subscribe(topic: string): Promise<void> {
    const QueueName = `${this.system}-inbox`;
    const { QueueUrl } = await this.queues.send(new CreateQueueCommand({ QueueName }));
    const { Attributes } = await this.queues.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    );
    const queue = Attributes?.['QueueArn'];
    const mayDeliver = {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnEquals: { 'aws:SourceArn': topic } },
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [mayDeliver] });
    await this.queues.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    await new SNSClient(this.aws.client).send(
      new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: queue }),
    );
    this.inbox = QueueUrl ?? '';
  }

  /** The message which says that `alarm` went off, at `from` or later. */
  async alarmMessage(alarm: string, from: Date): Promise<Message | undefined> {
    while (await this.readInbox());
    return this.messages.find(({ text }) => {
      const [, name] = /^ALARM: [^]*^alarm +(\S+)$/m.exec(text) ?? [];
      const [, since = ''] = /^since +(.+ UTC)$/m.exec(text) ?? [];
      // Messages tell times to the second.
      return name === alarm && Date.parse(since) >= Math.floor(from.getTime() / 1000) * 1000;
    });
  }

  private async readInbox(): Promise<boolean> {
    const { Messages = [] } = await this.queues.send(
      new ReceiveMessageCommand({
        QueueUrl: this.inbox,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 100_000,
      }),
    );
    for (const { Body = '{}' } of Messages) {
      const { Subject = '', Message = '' } = JSON.parse(Body) as Record<string, string>;
      this.messages.push({ subject: Subject, text: Message });
    }
    return Messages.length > 0;
  }

  /** What the function answers; an error with what it says when it fails. */
  async invoke(name: FunctionName, event: unknown): Promise<Record<string, unknown>> {
    const { Payload, FunctionError } = await this.lambda.send(
      new InvokeCommand({
        FunctionName: resourceName(this.system, name),
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
    const text = Buffer.from(Payload ?? []).toString();
    if (FunctionError !== undefined) throw new Error(`${name}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** The newest value of a metric in the last two hours. */
  metric(name: SourceMetric | SystemMetric, source?: string): Promise<number | undefined> {
    return this.measured(name, source === undefined ? {} : { Source: source });
  }

  /** The same of a resource that a selection names. */
  metricOf(name: ResourceMetric, selection: string, resource: string): Promise<number | undefined> {
    return this.measured(name, { Source: selection, Resource: resource });
  }

  private async measured(
    name: string,
    of: Readonly<Record<string, string>>,
  ): Promise<number | undefined> {
    const now = this.aws.now();
    const dimensions = { System: this.system, ...of };
    const { Datapoints = [] } = await this.cloudWatch.send(
      new GetMetricStatisticsCommand({
        Namespace: METRICS,
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        StartTime: new Date(now.getTime() - 2 * 3_600_000),
        EndTime: new Date(now.getTime() + 60_000),
        Period: 60,
        Statistics: ['Maximum'],
      }),
    );
    const at = ({ Timestamp }: { Timestamp?: Date | undefined }) => Timestamp?.getTime() ?? 0;
    return Datapoints.toSorted((a, b) => at(b) - at(a))[0]?.Maximum;
  }

  /** The state of each alarm, by the part of its name that follows the system. */
  async alarms(): Promise<Readonly<Record<string, string>>> {
    const prefix = resourceName(this.system, '').replace(/-$/, '');
    const { MetricAlarms = [] } = await this.cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: prefix, MaxRecords: 100 }),
    );
    return Object.fromEntries(
      MetricAlarms.map(({ AlarmName = '', StateValue = '' }) => [
        AlarmName.slice(prefix.length + 1).replace(/^sources\//, ''),
        StateValue,
      ]),
    );
  }

  /** Runs `holdfast` as somebody with all rights. */
  run(...args: string[]): Promise<Ended> {
    return this.place.run(args, { env: this.aws.env });
  }

  /** `holdfast list --json` */
  async list(...args: string[]): Promise<readonly Listed[]> {
    const { stdout, stderr } = await this.run('list', '--json', ...args);
    if (stdout === '') throw new Error(stderr);
    return (JSON.parse(stdout) as { backups: Listed[] }).backups;
  }
}

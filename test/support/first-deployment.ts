// First deployments that fail, and what is left of them in the account.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { Cdk } from './cdk.ts';
import { startMiniStack, type MiniStack } from './ministack.ts';
import { storyStart } from './story-start.ts';

/** A local AWS without any stack but that of the CDK. */
export interface Account {
  readonly aws: MiniStack;
  readonly cdk: Cdk;
}

/** The account of all tests of a file. It is made before the first of them, and ended after the last. */
export function accountOfTests(): () => Account {
  let account: Account | undefined;
  beforeAll(async () => {
    const aws = await startMiniStack({ enforce: true, startsAt: storyStart() });
    account = { aws, cdk: new Cdk(aws) };
    await account.cdk.bootstrap();
  }, 300_000);
  afterAll(async () => {
    await account?.aws.stop();
    await account?.cdk.remove();
  }, 60_000);
  return () => {
    if (account === undefined) throw new Error('the account is made before the first test');
    return account;
  };
}

/** A first deployment of `system` in which `id` cannot be made: it fails for that, and leaves nothing. */
export async function deployFailing(
  { aws, cdk }: Account,
  { system, config, id }: { readonly system: string; readonly config: string; readonly id: string },
): Promise<void> {
  aws.failAt(id);
  await expect(cdk.deploy(config)).rejects.toThrow('the test wants this to fail');
  aws.failAt(undefined);
  expect([id, await leftOf(system, aws)]).toEqual([id, []]);
}

/** Writes the configuration of a small system with one source, and returns its file. */
export function smallSystem(folder: string, system: string, region: string): string {
  const file = join(folder, `${system}.yaml`);
  writeFileSync(
    file,
    [
      'version: 1',
      `system: ${system}`,
      `store: s3://${system}-backups?region=${region}`,
      'aws: {}',
      'notify: { sinks: { topic: { kind: sns } } }',
      'sources:',
      `  assets: { kind: bucket, bucket: ${system}-assets, schedule: 0 3 * * *, rpo: 25h, onDeployment: [event] }`,
    ].join('\n'),
  );
  return file;
}

/** The ids of all resources that the templates of `config` make, with their types: of the stack first, then of those within it. */
export async function resourceIds(cdk: Cdk, config: string): Promise<[string, string][]> {
  const folder = await cdk.synth(config);
  const templates = readdirSync(folder).filter((one) => one.endsWith('.template.json'));
  return templates
    .toSorted((a, b) => Number(a.includes('nested')) - Number(b.includes('nested')))
    .flatMap((one) => {
      const { Resources = {} } = JSON.parse(readFileSync(join(folder, one), 'utf8')) as {
        Resources?: Record<string, { Type: string }>;
      };
      return Object.entries(Resources).map(([id, { Type }]): [string, string] => [id, Type]);
    });
}

/** The names of everything of `system` that is in the account: what a repeated deployment would stumble over. */
export async function leftOf(system: string, { client }: MiniStack): Promise<string[]> {
  const { Buckets = [] } = await new S3Client({ ...client, forcePathStyle: true }).send(
    new ListBucketsCommand({}),
  );
  const { Aliases = [] } = await new KMSClient(client).send(new ListAliasesCommand({}));
  const { Functions = [] } = await new LambdaClient(client).send(new ListFunctionsCommand({}));
  const { QueueUrls = [] } = await new SQSClient(client).send(new ListQueuesCommand({}));
  const { Schedules = [] } = await new SchedulerClient(client).send(new ListSchedulesCommand({}));
  const { MetricAlarms = [] } = await new CloudWatchClient(client).send(
    new DescribeAlarmsCommand({ AlarmNamePrefix: `holdfast-${system}` }),
  );
  const names = [
    ...Buckets.map(({ Name }) => Name),
    ...Aliases.map(({ AliasName }) => AliasName),
    ...Functions.map(({ FunctionName }) => FunctionName),
    ...QueueUrls,
    ...Schedules.map(({ GroupName, Name }) => `${GroupName ?? ''}/${Name ?? ''}`),
    ...MetricAlarms.map(({ AlarmName }) => AlarmName),
  ];
  return names.filter((name): name is string => name?.includes(system) === true);
}

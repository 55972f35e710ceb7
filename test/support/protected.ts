// What AWS Backup protects of the Automatron website, on the AWS of a test: a table and a bucket, and copies of both, made as if a restore
// test had restored them.
import {
  BackupClient,
  DescribeRestoreJobCommand,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ACCOUNT, type MiniStack } from './ministack.ts';

const ITEMS = 20;
const OBJECTS = 12;

/** What is said of a restore job in the end. */
export interface Validated {
  readonly status: string | undefined;
  readonly message: string | undefined;
}

export interface RestoreTest {
  readonly recoveryPoint: string;
  readonly type: 'DynamoDB' | 'S3';
  /** The name of what was restored. */
  readonly created: string;
  /** The name of the restore testing plan that is said to have started it. */
  readonly plan: string;
}

export class Protected {
  private readonly aws: MiniStack;

  constructor(aws: MiniStack) {
    this.aws = aws;
  }

  /** A table of enquiries; always with the same items. */
  async table(name: string): Promise<void> {
    const dynamoDb = new DynamoDBClient(this.aws.client);
    await dynamoDb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      }),
    );
    const requests = Array.from({ length: ITEMS }, (_, number) => ({
      PutRequest: { Item: enquiry(number) },
    }));
    await dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
  }

  /** A bucket of videos; always with the same objects, but for those that `instead` says. */
  async bucket(name: string, instead: Readonly<Record<string, string>> = {}): Promise<void> {
    const s3 = new S3Client(this.aws.client);
    await s3.send(new CreateBucketCommand({ Bucket: name }));
    await s3.send(
      new PutBucketVersioningCommand({
        Bucket: name,
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    );
    for (let number = 0; number < OBJECTS; number += 1) {
      const Key = videoName(number);
      const Body = instead[Key] ?? `frames of ${Key}\n`.repeat(1 + number);
      await s3.send(new PutObjectCommand({ Bucket: name, Key, Body }));
    }
  }

  /** Says that a plan has restored something for a test, and returns the id of the job. */
  async restored({ recoveryPoint, type, created, plan }: RestoreTest): Promise<string> {
    const name = { DynamoDB: 'targetTableName', S3: 'DestinationBucketName' }[type];
    const { region } = this.aws;
    const { RestoreJobId = '' } = await new BackupClient(this.aws.client).send(
      new StartRestoreJobCommand({
        RecoveryPointArn: recoveryPoint,
        ResourceType: type,
        IamRoleArn: `arn:aws:iam::${ACCOUNT}:role/restore-tests`,
        Metadata: {
          [name]: created,
          restoreTestingPlanArn: `arn:aws:backup:${region}:${ACCOUNT}:restore-testing-plan:${plan}`,
        },
      }),
    );
    return RestoreJobId;
  }

  /** What AWS Backup was told of the test; undefined while it was told nothing. */
  async validated(job: string): Promise<Validated | undefined> {
    const { ValidationStatus, ValidationStatusMessage } = await new BackupClient(
      this.aws.client,
    ).send(new DescribeRestoreJobCommand({ RestoreJobId: job }));
    return ValidationStatus === 'VALIDATING'
      ? undefined
      : { status: ValidationStatus, message: ValidationStatusMessage };
  }
}

/** The name of one of the objects in {@link Protected.bucket}. */
export function videoName(number: number): string {
  return `videos/${number % 3}/video-${number}.txt`;
}

function enquiry(number: number): Record<string, AttributeValue> {
  return {
    id: { S: `enquiry-${number}` },
    text: { S: `question ${number}` },
    seen: { BOOL: true },
  };
}

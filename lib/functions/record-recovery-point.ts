// What the function does with an event about a backup job. Of it only the id of the job is believed: what it is, AWS Backup is asked.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { openBackupReader } from '../recovery-points/aws-backup.ts';
import { recordRecoveryPoint, type RecordingReport } from '../recovery-points/record.ts';
import { jobOfEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { recoveryPointsOf } from './recovery-points-of.ts';

/** Writes down what the resource of a backup job held. `USAGE` for an event about something else. */
export async function record(
  { engine, config }: Invocation,
  event: unknown,
): Promise<RecordingReport> {
  const job = jobOfEvent(event, 'backup');
  const clients = { dynamoDb: new DynamoDBClient({}), s3: new S3Client({}) };
  const service = openBackupReader({ signal: engine.signal });
  return recordRecoveryPoint({ engine, service, clients, ...recoveryPointsOf(config) }, job);
}

// What the function does with an event about a restore job. Of it only the id of the job is believed: what it is, AWS Backup is asked.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { openBackupActor } from '../recovery-points/aws-backup-actions.ts';
import { openBackupReader } from '../recovery-points/aws-backup.ts';
import { lookInside } from '../recovery-points/validate/look-inside.ts';
import {
  validateRecoveryPoint,
  type ValidationReport,
} from '../recovery-points/validate/validate.ts';
import type { Lookers } from '../recovery-points/validate/look.ts';
import { jobOfEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { recoveryPointsOf } from './recovery-points-of.ts';

/**
 * Looks into what a restore job has restored for a test; into databases, where `databases` is given. `USAGE` for an event about something
 * else.
 */
export async function validate(
  { engine, config, runsOn }: Invocation,
  event: unknown,
  databases?: Lookers['databases'],
): Promise<ValidationReport> {
  const job = jobOfEvent(event, 'restore');
  const lookers = {
    dynamoDb: new DynamoDBClient({}),
    s3: new S3Client({}),
    ...(databases !== undefined && { databases }),
  };
  // What was found out must be told also when the time is nearly over.
  const service = { ...openBackupReader(), ...openBackupActor() };
  return validateRecoveryPoint(
    {
      ...{ engine, service, runsOn, ...recoveryPointsOf(config) },
      look: (restored) => lookInside(restored, lookers),
    },
    job,
  );
}

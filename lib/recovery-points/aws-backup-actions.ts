// What AWS Backup is asked to do, by its SDK. Nothing here deletes, shortens or unlocks anything.
import {
  GetRecoveryPointRestoreMetadataCommand,
  PutRestoreValidationResultCommand,
  StartBackupJobCommand,
  StartRestoreJobCommand,
  type BackupClient,
} from '@aws-sdk/client-backup';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import { HoldfastError } from '../errors.ts';
import { backupClient, type BackupPlace } from './aws-backup.ts';
import type { BackupActor } from './service.ts';

/** As soon as it can: AWS Backup takes no shorter windows, and counts these in minutes. */
const START_MINUTES = 60;
const COMPLETE_MINUTES = 12 * 60;

/** AWS Backup of a region, to be acted on; by default where this runs. */
export function openBackupActor({ signal, ...place }: BackupPlace = {}): BackupActor {
  return backupActor(backupClient(place), signal);
}

/** What `client` does. */
export function backupActor(client: BackupClient, signal?: AbortSignal): BackupActor {
  const sending = signal === undefined ? {} : { abortSignal: signal };
  return {
    async startBackup({ vault, resource, role, token, keepDays, tags }) {
      const command = new StartBackupJobCommand({
        BackupVaultName: vault,
        ResourceArn: resource,
        IamRoleArn: role,
        IdempotencyToken: token,
        StartWindowMinutes: START_MINUTES,
        CompleteWindowMinutes: COMPLETE_MINUTES,
        Lifecycle: { DeleteAfterDays: keepDays },
        RecoveryPointTags: tags,
      });
      const call = { thing: `a backup of ${resource}`, doing: 'cannot be started' };
      const { BackupJobId } = await done(client.send(command, sending), call);
      return idOf(BackupJobId, call.thing);
    },
    async startRestore({ point, role, type, metadata, token }) {
      const command = new StartRestoreJobCommand({
        RecoveryPointArn: point,
        IamRoleArn: role,
        ResourceType: type,
        Metadata: metadata,
        IdempotencyToken: token,
      });
      const call = { thing: `a restore of ${point}`, doing: 'cannot be started' };
      const { RestoreJobId } = await done(client.send(command, sending), call);
      return idOf(RestoreJobId, call.thing);
    },
    async metadata(vault, point) {
      const command = new GetRecoveryPointRestoreMetadataCommand({
        BackupVaultName: vault,
        RecoveryPointArn: point,
      });
      const call = { thing: `the recovery point ${point}`, doing: 'cannot be asked for metadata' };
      const { RestoreMetadata = {} } = await done(client.send(command, sending), call);
      return RestoreMetadata;
    },
    async report(restoreJob, status, message) {
      const command = new PutRestoreValidationResultCommand({
        RestoreJobId: restoreJob,
        ValidationStatus: status,
        ValidationStatusMessage: message,
      });
      const thing = `the test of the restore job ${restoreJob}`;
      await done(client.send(command, sending), { thing, doing: 'cannot be reported' });
    },
  };
}

async function done<T>(answer: Promise<T>, call: Parameters<typeof awsError>[1]): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const failure = awsFailure(error);
    if (failure === undefined || !REFUSALS.has(failure.name)) throw awsError(error, call);
    // What it says names parameters of the order, and is all that tells which one it does not take.
    throw new HoldfastError('USAGE', `${call.thing} ${call.doing}: ${failure.message}`, {
      hint: 'AWS Backup refuses the order as it is.',
      cause: failure,
    });
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'InvalidParameterValueException',
  'InvalidRequestException',
  'MissingParameterValueException',
]);

function idOf(id: string | undefined, thing: string): string {
  if (id !== undefined && id !== '') return id;
  throw new HoldfastError('STORE_UNAVAILABLE', `AWS Backup named no job for ${thing}`);
}

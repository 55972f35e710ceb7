// AWS Backup, asked by its SDK. This file and that of its actions alone import it.
import {
  BackupClient,
  DescribeBackupJobCommand,
  DescribeBackupVaultCommand,
  DescribeRegionSettingsCommand,
  DescribeRestoreJobCommand,
  paginateListCopyJobs,
  paginateListProtectedResources,
  paginateListRecoveryPointsByBackupVault,
  type DescribeBackupVaultOutput,
  type RecoveryPointByBackupVault,
} from '@aws-sdk/client-backup';
import type { AwsPlace } from '../aws/aws-place.ts';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import type { PointSeen } from '../policy/recovery-points/standing.ts';
import type {
  BackupReader,
  CopyJobSeen,
  JobSeen,
  PointFilter,
  ProtectedResourceSeen,
  RestoreJobSeen,
  VaultSeen,
} from './service.ts';

/** AWS Backup gives no more in one page. */
const PAGE = 1000;
/** An account has few calls a second, which everybody in it shares. */
const ATTEMPTS = 6;
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

/** Where and how long AWS Backup is asked. */
export interface BackupPlace extends AwsPlace {
  readonly signal?: AbortSignal | undefined;
}

/** A client of AWS Backup that waits and tries again where it is throttled. */
export function backupClient({ region, endpoint }: AwsPlace = {}): BackupClient {
  return new BackupClient({
    maxAttempts: ATTEMPTS,
    requestHandler: TIMEOUTS,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  });
}

/** AWS Backup of a region, to be looked at; by default where this runs. */
export function openBackupReader({ signal, ...place }: BackupPlace = {}): BackupReader {
  return backupReader(backupClient(place), signal);
}

/** What `client` tells. */
export function backupReader(client: BackupClient, signal?: AbortSignal): BackupReader {
  const sending = signal === undefined ? {} : { abortSignal: signal };
  const paging = { client, pageSize: PAGE };
  return {
    async vault(name) {
      try {
        const command = new DescribeBackupVaultCommand({ BackupVaultName: name });
        return vaultSeen(await client.send(command, sending));
      } catch (error) {
        if (awsFailure(error)?.name === 'ResourceNotFoundException') return undefined;
        throw awsError(error, { thing: `the vault ${name}`, doing: 'cannot be described' });
      }
    },
    async *points(vault, { resource, since }: PointFilter = {}) {
      const input = { BackupVaultName: vault, ByResourceArn: resource, ByCreatedAfter: since };
      const pages = paginateListRecoveryPointsByBackupVault(paging, input, sending);
      const call = { thing: `the vault ${vault}`, doing: 'cannot be listed' };
      for await (const { RecoveryPoints = [] } of told(pages, call))
        for (const one of RecoveryPoints) yield pointSeen(one);
    },
    async optIns() {
      const call = { thing: 'the settings of AWS Backup', doing: 'cannot be read' };
      const command = new DescribeRegionSettingsCommand({});
      const { ResourceTypeOptInPreference = {} } = await answered(
        client.send(command, sending),
        call,
      );
      return ResourceTypeOptInPreference;
    },
    async backupJob(id) {
      const command = new DescribeBackupJobCommand({ BackupJobId: id });
      const call = { thing: `the backup job ${id}`, doing: 'cannot be described' };
      return jobSeen(id, await answered(client.send(command, sending), call));
    },
    async restoreJob(id) {
      const command = new DescribeRestoreJobCommand({ RestoreJobId: id });
      const call = { thing: `the restore job ${id}`, doing: 'cannot be described' };
      return restoreJobSeen(id, await answered(client.send(command, sending), call));
    },
    async *copyJobs(vaultArn, { resource, since }: PointFilter = {}) {
      const input = {
        ByDestinationVaultArn: vaultArn,
        ByResourceArn: resource,
        ByCreatedAfter: since,
      };
      const pages = paginateListCopyJobs(paging, input, sending);
      const call = { thing: `copies into ${vaultArn}`, doing: 'cannot be listed' };
      for await (const { CopyJobs = [] } of told(pages, call))
        for (const one of CopyJobs) yield copyJobSeen(one);
    },
    async *protectedResources() {
      const pages = paginateListProtectedResources(paging, {}, sending);
      const call = { thing: 'what AWS Backup protects', doing: 'cannot be listed' };
      for await (const { Results = [] } of told(pages, call))
        for (const one of Results) yield protectedSeen(one);
    },
  };
}

type Call = Parameters<typeof awsError>[1];

async function answered<T>(answer: Promise<T>, call: Call): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw awsError(error, call);
  }
}

async function* told<T>(pages: AsyncIterable<T>, call: Call): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (error) {
    throw awsError(error, call);
  }
}

function vaultSeen({ Locked, LockDate, ...vault }: DescribeBackupVaultOutput): VaultSeen {
  const { BackupVaultArn = '', EncryptionKeyArn = '', MinRetentionDays, MaxRetentionDays } = vault;
  return {
    arn: BackupVaultArn,
    created: vault.CreationDate,
    key: EncryptionKeyArn === '' ? undefined : EncryptionKeyArn,
    points: vault.NumberOfRecoveryPoints ?? 0,
    lock:
      Locked === true
        ? { minDays: MinRetentionDays, maxDays: MaxRetentionDays, finalFrom: LockDate }
        : undefined,
  };
}

/** What AWS does not say of when something was made is as old as can be: then it is never taken for fresh. */
const UNDATED = new Date(0);

function pointSeen(point: RecoveryPointByBackupVault): PointSeen {
  const { CreationDate = UNDATED, CreatedBy, CalculatedLifecycle } = point;
  return {
    arn: point.RecoveryPointArn ?? '',
    resource: point.ResourceArn ?? '',
    type: point.ResourceType ?? '',
    state: point.Status ?? 'unknown',
    message: point.StatusMessage,
    created: CreationDate,
    completed: point.CompletionDate,
    bytes: point.BackupSizeInBytes,
    plan: CreatedBy?.BackupPlanArn,
    planName: CreatedBy?.BackupPlanName,
    rule: CreatedBy?.BackupRuleName,
    deleteAt: CalculatedLifecycle?.DeleteAt,
  };
}

interface JobOutput {
  readonly State?: string | undefined;
  readonly Status?: string | undefined;
  readonly StatusMessage?: string | undefined;
  readonly MessageCategory?: string | undefined;
  readonly CreationDate?: Date | undefined;
  readonly CompletionDate?: Date | undefined;
  readonly PercentDone?: string | undefined;
  readonly ResourceArn?: string | undefined;
  readonly RecoveryPointArn?: string | undefined;
  readonly BackupSizeInBytes?: number | undefined;
}

/** What jobs of all kinds have in common. */
function jobParts(id: string, job: JobOutput) {
  const percent = Number(job.PercentDone);
  return {
    id,
    state: job.State ?? job.Status ?? 'unknown',
    message: job.StatusMessage,
    category: job.MessageCategory,
    created: job.CreationDate ?? UNDATED,
    completed: job.CompletionDate,
    percent: job.PercentDone === undefined || Number.isNaN(percent) ? undefined : percent,
  };
}

function jobSeen(
  id: string,
  job: JobOutput & {
    readonly BackupVaultArn?: string | undefined;
    readonly CreatedBy?: { readonly BackupPlanArn?: string | undefined } | undefined;
  },
): JobSeen {
  return {
    ...jobParts(id, job),
    resource: job.ResourceArn ?? '',
    vault: job.BackupVaultArn ?? '',
    point: job.RecoveryPointArn,
    bytes: job.BackupSizeInBytes,
    plan: job.CreatedBy?.BackupPlanArn,
  };
}

function restoreJobSeen(
  id: string,
  job: JobOutput & {
    readonly SourceResourceArn?: string | undefined;
    readonly CreatedResourceArn?: string | undefined;
    readonly CreatedBy?: { readonly RestoreTestingPlanArn?: string | undefined } | undefined;
    readonly RecoveryPointCreationDate?: Date | undefined;
    readonly ValidationStatus?: string | undefined;
  },
): RestoreJobSeen {
  return {
    ...jobParts(id, job),
    resource: job.SourceResourceArn,
    point: job.RecoveryPointArn ?? '',
    createdResource: job.CreatedResourceArn,
    testingPlan: job.CreatedBy?.RestoreTestingPlanArn,
    pointCreated: job.RecoveryPointCreationDate,
    validation: job.ValidationStatus,
  };
}

function copyJobSeen(
  job: JobOutput & {
    readonly CopyJobId?: string | undefined;
    readonly ResourceType?: string | undefined;
    readonly DestinationRecoveryPointArn?: string | undefined;
  },
): CopyJobSeen {
  return {
    ...jobParts(job.CopyJobId ?? '', job),
    resource: job.ResourceArn ?? '',
    type: job.ResourceType ?? '',
    copy: job.DestinationRecoveryPointArn,
  };
}

function protectedSeen(one: {
  readonly ResourceArn?: string | undefined;
  readonly ResourceType?: string | undefined;
  readonly LastBackupTime?: Date | undefined;
}): ProtectedResourceSeen {
  const { ResourceArn = '', ResourceType = '', LastBackupTime } = one;
  return { arn: ResourceArn, type: ResourceType, lastBackup: LastBackupTime };
}

// What EventBridge says when a job of AWS Backup has changed its state, as far as it is about a system of ours. Pure.
import * as z from 'zod/mini';
import type { Config } from '../config/config.ts';
import { POINT_ROLES, pointRoleName, testPlanName, vaultName } from '../names/recovery-points.ts';
import { parseVault } from '../names/resources.ts';

const KINDS = {
  'Backup Job State Change': 'backup',
  'Copy Job State Change': 'copy',
  'Restore Job State Change': 'restore',
} as const;

/** A change of the state of a job. */
export interface JobChange {
  readonly kind: 'backup' | 'copy' | 'restore';
  readonly id: string;
  /** As AWS calls it; any text. */
  readonly state: string;
  readonly message: string | undefined;
  readonly category: string | undefined;
  readonly at: Date;
  /** What is backed up, copied or restored; undefined where AWS does not say it. */
  readonly resource: string | undefined;
  /** Of a copy, where it goes. */
  readonly to: string | undefined;
  /** What a restore made. */
  readonly created: string | undefined;
  /** Whether AWS Backup restored for a test. */
  readonly isTest: boolean;
}

const text = z.catch(z.optional(z.string()), undefined);
const ID = /^[A-Fa-f0-9-]{36}$/;

const jobEvent = z.object({
  source: z.literal('aws.backup'),
  'detail-type': z.enum(Object.keys(KINDS) as [keyof typeof KINDS]),
  time: text,
  detail: z.object({
    backupJobId: text,
    copyJobId: text,
    restoreJobId: text,
    state: text,
    status: text,
    statusMessage: text,
    messageCategory: text,
    resourceArn: text,
    sourceResourceArn: text,
    backupVaultArn: text,
    sourceBackupVaultArn: text,
    destinationBackupVaultArn: text,
    createdResourceArn: text,
    restoreTestingPlanArn: text,
    iamRoleArn: text,
  }),
});
type Detail = z.infer<typeof jobEvent>['detail'];

/** Whether an event is about a job of AWS Backup, of whomever. */
export function isJobEvent(event: unknown): boolean {
  return z.safeParse(jobEvent, event).success;
}

/** The change that an event describes; undefined for one of another kind, and for a job of another system or plan. */
export function jobChange(
  event: unknown,
  config: Pick<Config, 'system' | 'aws'>,
): JobChange | undefined {
  const { success, data } = z.safeParse(jobEvent, event);
  if (!success) return undefined;
  const kind = KINDS[data['detail-type']];
  const { detail } = data;
  const id = detail[`${kind}JobId`];
  // Backup and copy jobs have a state, restore jobs a status.
  const state = detail.state ?? detail.status;
  const at = new Date(data.time ?? '');
  if (id === undefined || !ID.test(id) || state === undefined || Number.isNaN(at.getTime()))
    return undefined;
  if (!isOurs(kind, detail, config)) return undefined;
  return {
    ...{ kind, id, state, at },
    message: detail.statusMessage,
    category: detail.messageCategory,
    resource: detail.sourceResourceArn ?? detail.resourceArn,
    to: detail.destinationBackupVaultArn,
    created: detail.createdResourceArn,
    isTest: detail.restoreTestingPlanArn !== undefined,
  };
}

function isOurs(
  kind: JobChange['kind'],
  { backupVaultArn, sourceBackupVaultArn, restoreTestingPlanArn, iamRoleArn = '' }: Detail,
  { system, aws }: Pick<Config, 'system' | 'aws'>,
): boolean {
  const isOurVault = (arn = '') => parseVault(arn)?.name === vaultName(system);
  if (kind === 'backup') return isOurVault(backupVaultArn);
  if (kind === 'copy') return isOurVault(sourceBackupVaultArn);
  if (restoreTestingPlanArn !== undefined) {
    // AWS Backup appends an id to the name.
    const name = /:restore-testing-plan:(\w+)(-[0-9a-f-]{36})?$/.exec(restoreTestingPlanArn)?.[1];
    const selections = aws?.recoveryPoints?.selections ?? [];
    return selections.some((one) => testPlanName(system, one.name) === name);
  }
  if (aws === undefined) return false;
  const place = { system, region: aws.region };
  const roles = Object.keys(POINT_ROLES) as (keyof typeof POINT_ROLES)[];
  return roles.some((role) => iamRoleArn.endsWith(`:role/${pointRoleName(place, role)}`));
}

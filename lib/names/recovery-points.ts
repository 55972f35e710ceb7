// What AWS Backup knows our things by. Pure: the stack gives these names, and functions and the command line find things by them.
import { createHash } from 'node:crypto';

import { globalName, resourceName, type StackPlace } from './aws.ts';

/** `holdfast-my-site`: the vault of a system, and that of its copies in another region or account. */
export function vaultName(system: string): string {
  return resourceName(system, '').replace(/-$/, '');
}

/** The alias of the key by which the vault encrypts. */
export function vaultAlias(system: string): string {
  return `alias/${resourceName(system, 'recovery-points')}`;
}

/** `holdfast-my-site-recovery-points` */
export function recoveryPointStackName(system: string): string {
  return resourceName(system, 'recovery-points');
}

/** `holdfast-my-site-database`: the plan of a selection, and the selection within it. */
export function planName(system: string, selection: string): string {
  return fitted(resourceName(system, selection), 50);
}

/**
 * `holdfast_my_site__database`: the restore testing plan of a selection. Its ARN ends in this name, a hyphen, and what AWS adds; no
 * name of another one begins alike.
 */
export function testPlanName(system: string, selection: string): string {
  const plain = (text: string) => text.replaceAll('-', '_');
  const name = `holdfast_${plain(system)}__${plain(selection)}`;
  const isClear = !`${system} ${selection}`.includes('--');
  if (isClear && name.length <= 50) return name;
  return `${name.slice(0, 50 - DIGITS - 2)}__${digestOf(`${system} ${selection}`)}`;
}

/** The roles of a system for AWS Backup. */
export const POINT_ROLES = {
  /** By which AWS Backup makes recovery points and copies. */
  backup: 'backup-jobs',
  /** By which AWS Backup restores for tests. */
  test: 'restore-tests',
  /** By which AWS Backup restores for good, into new resources. */
  restore: 'restore-jobs',
} as const;

/** `holdfast-my-site-eu-central-1-backup-jobs`: one of the {@link POINT_ROLES} of a system. */
export function pointRoleName(place: StackPlace, role: keyof typeof POINT_ROLES): string {
  return globalName(place, POINT_ROLES[role]);
}

/** `holdfast-my-site-eu-central-1-start-restores`: the role by which people start restore jobs, and do nothing else. */
export function restorerRoleName(place: StackPlace): string {
  return globalName(place, 'start-restores');
}

const DIGITS = 8;

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGITS);
}

/** `name`, or its beginning and a digest of it where it is longer than `most`. */
function fitted(name: string, most: number): string {
  return name.length <= most ? name : `${name.slice(0, most - DIGITS - 1)}-${digestOf(name)}`;
}

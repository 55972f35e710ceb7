// The roles by which AWS Backup works for a system: one makes recovery points, one restores for tests, one restores for good.
import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import type { StackPlace } from '../../names/aws.ts';
import { pointRoleName, type POINT_ROLES } from '../../names/recovery-points.ts';
import { parseResource, RESOURCE_KINDS, type ResourceKind } from '../../names/resources.ts';
import { managedPolicies } from '../core/policies.ts';
import { ANY_OF_KIND, backupRights } from './backup-rights.ts';
import { Restorer } from './restorer.ts';
import { neverInto, restoreRights } from './restore-rights.ts';
import type { RecoveryPointVault } from './vault.ts';

export interface PointRolesProps extends StackPlace {
  readonly selections: readonly SelectionConfig[];
  readonly vault: RecoveryPointVault;
}

/** What AWS calls what a restore test makes. */
const TESTED = 'awsbackup-restore-test-*';

const ABOUT = {
  backup: 'AWS Backup makes recovery points and copies by it',
  test: 'AWS Backup restores for tests by it',
  restore: 'AWS Backup restores into new resources by it',
} as const satisfies Record<keyof typeof POINT_ROLES, string>;

/** Nobody but AWS Backup, for this account, can act by any of them; people by one of their own. */
export class PointRoles extends Construct {
  readonly backup: Role;
  readonly test: Role;
  readonly restore: Role;
  /** By which people have AWS Backup restore. */
  readonly people: Role;
  readonly policies: readonly ManagedPolicy[];

  constructor(scope: Construct, id: string, props: PointRolesProps) {
    super(scope, id);
    const { selections, vault } = props;
    const kinds = RESOURCE_KINDS.filter((kind) =>
      selections.some((selection) => selection.kinds.includes(kind)),
    );
    const keys = keysOf(props);
    const targets = selections.flatMap(({ copies }) => copies.map(({ arn }) => arn));
    const live = kinds.flatMap((kind) => resourcesOf(kind, selections));
    const making = this.role('backup', props, [
      ...kinds.flatMap((kind) => backupRights(kind, { resources: resourcesOf(kind, selections) })),
      ...(targets.length === 0 ? [] : copy([...new Set(targets)], vault.arn)),
      ...(selections.some(({ resources }) => resources.length === 0) ? [findByTags()] : []),
      ...keys,
    ]);
    const restoring = (names: string) =>
      kinds.flatMap((kind) =>
        restoreRights(kind, { names, resources: resourcesOf(kind, selections) }),
      );
    const testing = this.role('test', props, [...restoring(TESTED), ...keys]);
    const recovering = this.role('restore', props, [
      ...restoring('*'),
      ...neverInto(live.filter((arn) => !arn.includes('*'))),
      ...keys,
    ]);
    this.backup = making.role;
    this.test = testing.role;
    this.restore = recovering.role;
    const people = new Restorer(this, 'people', {
      ...{ system: props.system, region: props.region },
      ...{ kinds, resources: live, vaultArn: vault.arn, restore: this.restore },
    });
    this.people = people.role;
    this.policies = [making, testing, recovering, people].flatMap(({ policies }) => policies);
  }

  private role(
    which: keyof typeof POINT_ROLES,
    place: PointRolesProps,
    statements: readonly PolicyStatement[],
  ): { readonly role: Role; readonly policies: readonly ManagedPolicy[] } {
    const name = pointRoleName(place, which);
    const policies = managedPolicies(this, `${which}-policy`, {
      name,
      description: ABOUT[which],
      statements,
    });
    const role = new Role(this, `${which}-role`, {
      roleName: name,
      description: ABOUT[which],
      assumedBy: new ServicePrincipal('backup.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
      managedPolicies: [...policies],
    });
    role.node.addDependency(...policies);
    return { role, policies };
  }
}

/** The ARNs of what is protected of a kind; a pattern for all of them where tags select. */
function resourcesOf(kind: ResourceKind, selections: readonly SelectionConfig[]): string[] {
  const of = selections.filter(({ kinds }) => kinds.includes(kind));
  if (of.some(({ resources }) => resources.length === 0)) return [ANY_OF_KIND[kind]];
  const arns = of.flatMap(({ resources }) => resources);
  return [...new Set(arns.filter((arn) => parseResource(arn)?.kind === kind))];
}

/** Recovery points have ARNs of many services: where copies may go is what counts. */
function copy(targets: string[], own: string): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['backup:CopyFromBackupVault'],
      resources: ['*'],
      conditions: { 'ForAllValues:ArnEquals': { 'backup:CopyTargets': targets } },
    }),
    new PolicyStatement({
      actions: ['backup:DescribeBackupVault', 'backup:CopyIntoBackupVault'],
      resources: [own, ...targets],
    }),
  ];
}

/** AWS knows no resources here. */
function findByTags(): PolicyStatement {
  return new PolicyStatement({ actions: ['tag:GetResources'], resources: ['*'] });
}

/** The key of the vault, and those of the resources. */
function keysOf({ vault, selections }: PointRolesProps): PolicyStatement[] {
  const use = [
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:Decrypt',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
    'kms:GenerateDataKey',
    'kms:GenerateDataKeyWithoutPlaintext',
  ];
  const named = [...new Set(selections.flatMap(({ keys }) => keys))];
  const grant = (resources: string[]) =>
    new PolicyStatement({
      actions: ['kms:CreateGrant'],
      resources,
      conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    });
  return [
    vault.key.allow(use),
    vault.key.allow(['kms:CreateGrant'], { 'kms:GrantIsForAWSResource': 'true' }),
    ...(named.length === 0
      ? []
      : [new PolicyStatement({ actions: use, resources: named }), grant(named)]),
  ];
}

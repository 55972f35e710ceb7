// The role by which people restore a recovery point: it starts restore jobs of AWS Backup, under the role that restores into new resources,
// and can do nothing else.
import { Aws, Duration } from 'aws-cdk-lib';
import { AccountPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StackPlace } from '../../names/aws.ts';
import { restorerRoleName } from '../../names/recovery-points.ts';
import type { ResourceKind } from '../../names/resources.ts';
import { managedPolicies } from '../core/policies.ts';
import { here } from './backup-rights.ts';

export interface RestorerProps extends StackPlace {
  readonly kinds: readonly ResourceKind[];
  /** The ARNs of what is protected; a pattern for all of a kind where tags select. */
  readonly resources: readonly string[];
  readonly vaultArn: string;
  /** By which AWS Backup restores. */
  readonly restore: Role;
}

/** A restore may take a night. */
const SESSION = Duration.hours(12);

/** `holdfast-my-site-eu-central-1-start-restores` */
export class Restorer extends Construct {
  readonly role: Role;
  readonly policies: readonly ManagedPolicy[];

  constructor(scope: Construct, id: string, props: RestorerProps) {
    super(scope, id);
    const { system, region } = props;
    const name = restorerRoleName({ system, region });
    const description = `People start restores of ${system} into new resources by it; it asks for a second factor`;
    this.policies = managedPolicies(this, 'policy', {
      ...{ name, description, statements: rights(props) },
    });
    this.role = new Role(this, 'Role', {
      roleName: name,
      description,
      // Who of the account may assume it is said by their own policies.
      assumedBy: new AccountPrincipal(Aws.ACCOUNT_ID).withConditions({
        Bool: { 'aws:MultiFactorAuthPresent': 'true' },
      }),
      managedPolicies: [...this.policies],
      maxSessionDuration: SESSION,
    });
    this.role.node.addDependency(...this.policies);
  }
}

/** Finding a recovery point, starting its restore under one role alone, and following it. */
function rights({ kinds, resources, vaultArn, restore }: RestorerProps): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['backup:DescribeBackupVault', 'backup:ListRecoveryPointsByBackupVault'],
      resources: [vaultArn],
    }),
    new PolicyStatement({
      actions: ['backup:GetRecoveryPointRestoreMetadata', 'backup:StartRestoreJob'],
      resources: [...new Set(kinds.flatMap((kind) => pointsOf(kind, resources)))],
    }),
    // Jobs are no resources to IAM.
    new PolicyStatement({ actions: ['backup:DescribeRestoreJob'], resources: ['*'] }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [restore.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'backup.amazonaws.com' } },
    }),
  ];
}

/** Recovery points have ARNs of AWS Backup, or of the service whose snapshots they are. */
function pointsOf(kind: ResourceKind, resources: readonly string[]): string[] {
  const own = here('backup', 'recovery-point:*');
  switch (kind) {
    case 'aurora':
      return [own, here('rds', 'cluster-snapshot:awsbackup:*')];
    case 'dynamodb':
      return [own, ...resources.filter(isTable).map((table) => `${table}/backup/*`)];
    case 'ebs':
      return [`arn:${Aws.PARTITION}:ec2:${Aws.REGION}::snapshot/*`];
    case 'efs':
    case 's3':
      return [own];
    case 'rds':
      return [own, here('rds', 'snapshot:awsbackup:*')];
  }
}

function isTable(arn: string): boolean {
  return arn.split(':')[2] === 'dynamodb';
}

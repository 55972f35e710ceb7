// The vault of recovery points, its key, and what nobody may do to either. Of no region in particular: copies go to one like it.
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnBackupVault } from 'aws-cdk-lib/aws-backup';
import {
  AccountPrincipal,
  AnyPrincipal,
  Effect,
  PolicyDocument,
  PolicyStatement,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { denyToAllBut } from '../core/deployers.ts';
import { RetainedKey } from '../core/retained-key.ts';

/** How long the vault may keep what is in it, in days; AWS Backup fails every job that asks for less or more. */
export interface VaultLock {
  readonly minDays: number;
  readonly maxDays: number;
  /** After how many days the lock is final; undefined for governance mode, in which it never is. */
  readonly finalAfterDays: number | undefined;
}

export interface RecoveryPointVaultProps {
  readonly vaultName: string;
  /** Of its key, with `alias/` before it. */
  readonly keyAlias: string;
  readonly description: string;
  readonly lock: VaultLock;
  /** Finds the vault and the key that an earlier stack has left instead of making them. */
  readonly adopt: boolean;
  /** ARNs, or patterns of them, of the roles that may change vault, key and policies. */
  readonly deployers: readonly string[];
  /** ARNs of the roles that may delete recovery points in governance mode. */
  readonly breakGlassRoles: readonly string[];
  /** ARNs of the only vaults to which copies may go. */
  readonly copyTargets: readonly string[];
  /**
   * Other accounts whose copies are taken in.
   * @default - none
   */
  readonly admits?: readonly string[];
}

/** Made once, and found again by name where an earlier stack has left it. */
export class RecoveryPointVault extends Construct {
  readonly arn: string;
  readonly key: RetainedKey;

  constructor(scope: Construct, id: string, props: RecoveryPointVaultProps) {
    super(scope, id);
    const { vaultName, keyAlias, description, lock, adopt, deployers } = props;
    this.key = new RetainedKey(this, 'Key', {
      ...{ alias: keyAlias, description, use: 'encrypt', adopt, deployers },
    });
    this.arn = Stack.of(this).formatArn({
      service: 'backup',
      resource: 'backup-vault',
      resourceName: vaultName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    if (adopt) return;
    const { minDays, maxDays, finalAfterDays } = lock;
    const vault = new CfnBackupVault(this, 'Vault', {
      backupVaultName: vaultName,
      encryptionKeyArn: this.key.arn,
      accessPolicy: vaultPolicy(props),
      lockConfiguration: {
        minRetentionDays: minDays,
        maxRetentionDays: maxDays,
        ...(finalAfterDays !== undefined && { changeableForDays: finalAfterDays }),
      },
    });
    vault.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  }
}

/** What ends a recovery point, or brings its end nearer, or takes it out of the vault. */
const ENDING = [
  'backup:DeleteRecoveryPoint',
  'backup:UpdateRecoveryPointLifecycle',
  'backup:DisassociateRecoveryPoint',
  'backup:DisassociateRecoveryPointFromParent',
];
/** What takes a protection away altogether. No deployment does it: the template never lacks lock or policy. */
const UNPROTECTING = [
  'backup:DeleteBackupVaultLockConfiguration',
  'backup:DeleteBackupVaultAccessPolicy',
  'backup:DeleteBackupVaultNotifications',
  'backup:AssociateBackupVaultMpaApprovalTeam',
  'backup:DisassociateBackupVaultMpaApprovalTeam',
];
/** What a deployment changes; a vault is deleted by one that fails as the first, and only while it is empty. */
const CONFIGURING = [
  'backup:PutBackupVaultLockConfiguration',
  'backup:PutBackupVaultAccessPolicy',
  'backup:PutBackupVaultNotifications',
  'backup:DeleteBackupVault',
];

function vaultPolicy(props: RecoveryPointVaultProps): PolicyDocument {
  const { deployers, breakGlassRoles, copyTargets, admits = [] } = props;
  const resources = ['*'];
  return new PolicyDocument({
    statements: [
      denyToAllBut(breakGlassRoles, { sid: 'OnlyBreakGlassEnds', actions: ENDING, resources }),
      denyToAllBut(breakGlassRoles, {
        sid: 'OnlyBreakGlassUnprotects',
        actions: UNPROTECTING,
        resources,
      }),
      denyToAllBut([...deployers, ...breakGlassRoles], {
        sid: 'OnlyDeploymentsConfigure',
        actions: CONFIGURING,
        resources,
      }),
      new PolicyStatement({
        sid: 'CopiesGoWhereTheConfigurationSays',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['backup:CopyFromBackupVault'],
        resources,
        ...(copyTargets.length > 0 && {
          conditions: { 'ForAnyValue:ArnNotEquals': { 'backup:CopyTargets': [...copyTargets] } },
        }),
      }),
      ...(admits.length === 0
        ? []
        : [
            new PolicyStatement({
              sid: 'CopiesOfOtherAccounts',
              principals: admits.map((account) => new AccountPrincipal(account)),
              actions: ['backup:CopyIntoBackupVault'],
              resources,
            }),
          ]),
    ],
  });
}

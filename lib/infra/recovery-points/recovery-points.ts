// What AWS Backup does for one system: the vault, a plan and restore tests for each selection, and the roles for both.
import { Annotations, Aws, CfnRule, Fn, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Config } from '../../config/config.ts';
import type { RecoveryPointsConfig } from '../../config/recovery-points.ts';
import { HoldfastError } from '../../errors.ts';
import { vaultAlias, vaultName } from '../../names/recovery-points.ts';
import { parseResource, RESOURCE_TYPES } from '../../names/resources.ts';
import { acknowledgeWildcards } from '../core/acknowledged.ts';
import { deployingRoles } from '../core/deployers.ts';
import { checkLimits } from '../core/limits/check.ts';
import { rulesOf, SelectionPlan } from './plans.ts';
import { RestoreTesting } from './restore-testing.ts';
import { PointRoles } from './roles.ts';
import { RecoveryPointVault, type VaultLock } from './vault.ts';

export interface RecoveryPointsProps {
  readonly config: Config;
}

/** Goes into a stack of the region of the resources, beside the core. The vault and its key outlive it. */
export class RecoveryPoints extends Construct {
  readonly vault: RecoveryPointVault;
  readonly roles: PointRoles;

  constructor(scope: Construct, id: string, { config }: RecoveryPointsProps) {
    super(scope, id);
    const { system, aws } = config;
    const points = aws?.recoveryPoints;
    if (aws === undefined || points === undefined) {
      throw new HoldfastError('CONFIG_INVALID', `${config.file} has no aws.recoveryPoints`, {
        hint: 'Say there what AWS Backup shall protect; docs/configuration.md describes it.',
      });
    }
    const { selections } = points;
    this.vault = new RecoveryPointVault(this, 'Vault', {
      vaultName: vaultName(system),
      keyAlias: vaultAlias(system),
      description: `Encrypts the recovery points of ${system}`,
      lock: lockOf(points),
      adopt: aws.storage === 'existing',
      deployers: deployingRoles(this, aws.deployingRoles),
      breakGlassRoles: aws.breakGlassRoles,
      copyTargets: [...new Set(selections.flatMap(({ copies }) => copies.map(({ arn }) => arn)))],
    });
    this.roles = new PointRoles(this, 'Roles', {
      ...{ system, region: aws.region, selections, vault: this.vault },
    });
    for (const selection of selections) {
      const plan = new SelectionPlan(this, `Plan-${selection.name}`, {
        ...{ system, selection, role: this.roles.backup },
      });
      plan.node.addDependency(this.vault);
      const tests = new RestoreTesting(this, `Tests-${selection.name}`, {
        ...{ system, selection, vaultArn: this.vault.arn, role: this.roles.test },
      });
      tests.node.addDependency(this.vault);
    }
    for (const policy of this.roles.policies) acknowledgeWildcards(policy);
    checkLimits(this, config, new Map());
    demandAccount(this, points);
    sayWhatAwsMustAllow(this, points);
    sayWhatIsFinal(this, vaultName(system), points);
  }
}

/** What is configured, or else exactly what the plans ask for. */
export function lockOf({ lock, selections }: RecoveryPointsConfig): VaultLock {
  const kept = selections.flatMap((one) => rulesOf(one).map(({ keepDays }) => keepDays));
  const minDays = lock.minDays ?? Math.min(...kept);
  const maxDays = lock.maxDays ?? Math.max(...kept);
  return {
    minDays,
    // AWS takes no lock whose bounds are the same.
    maxDays: Math.max(maxDays, minDays + 1),
    finalAfterDays: lock.mode === 'compliance' ? lock.graceDays : undefined,
  };
}

/** Where only the deployment knows the account, it stops unless that is the one of the resources: AWS Backup would find none of them. */
function demandAccount(scope: Construct, { selections }: RecoveryPointsConfig): void {
  if (!Token.isUnresolved(Stack.of(scope).account)) return;
  const arns = selections.flatMap(({ expected }) => expected.arns ?? []);
  for (const account of new Set(arns.flatMap((arn) => parseResource(arn)?.account ?? []))) {
    new CfnRule(scope, `Account${account}`, {
      assertions: [
        {
          assert: Fn.conditionEquals(Aws.ACCOUNT_ID, account),
          assertDescription: `What aws.recoveryPoints names belongs to the account ${account}, and so must the stack`,
        },
      ],
    });
  }
}

/** AWS Backup leaves out, without a word, what is of a kind that its settings of the region leave out; no template can change them. */
function sayWhatAwsMustAllow(scope: Construct, { selections }: RecoveryPointsConfig): void {
  const kinds = [...new Set(selections.flatMap((one) => one.kinds))].sort();
  const types = kinds.map((kind) => RESOURCE_TYPES[kind]).join(', ');
  Annotations.of(scope).addInfoV2(
    'holdfast:opt-in',
    `AWS Backup protects ${types} only where its settings of this region say so (Settings, Service opt-in); no template can set them. \`holdfast doctor\` looks.`,
  );
}

function sayWhatIsFinal(scope: Construct, vault: string, points: RecoveryPointsConfig): void {
  const { minDays, maxDays, finalAfterDays } = lockOf(points);
  if (finalAfterDays === undefined) return;
  Annotations.of(scope).addWarningV2(
    'holdfast:vault-compliance',
    [
      `aws.recoveryPoints.lock.mode is compliance: ${finalAfterDays} days after the vault ${vault} is made, its lock is final.`,
      `From then on nobody can delete a recovery point before its time, or change what the vault accepts: ${minDays} to ${maxDays} days;`,
      'not you, not an administrator, not AWS. Storage is paid for until then.',
    ].join(' '),
  );
}

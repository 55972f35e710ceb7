// A plan of AWS Backup for each selection: rules that make recovery points in the vault and copies elsewhere, and what they are for.
import { CfnBackupPlan, CfnBackupSelection } from 'aws-cdk-lib/aws-backup';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { HoldfastError } from '../../errors.ts';
import { planName, vaultName } from '../../names/recovery-points.ts';
import {
  COMPLETION_WINDOW_MINUTES,
  planRules,
  START_WINDOW_MINUTES,
  type PointRule,
} from '../../policy/recovery-points/tiers.ts';
import { ANY_OF_KIND } from './backup-rights.ts';

export interface PlanProps {
  readonly system: string;
  readonly selection: SelectionConfig;
  /** By which AWS Backup makes recovery points. */
  readonly role: IRole;
}

/** The rules of the plan of a selection. `CONFIG_INVALID` for a schedule that the configuration would have refused. */
export function rulesOf(selection: SelectionConfig): readonly PointRule[] {
  const rules = planRules(selection);
  if (typeof rules !== 'string') return rules;
  throw new HoldfastError('CONFIG_INVALID', `got ${selection.schedule}: ${rules}`, {
    hint: `Correct the schedule of the selection ${selection.name}.`,
  });
}

/** The plan of one selection, and what it protects. */
export class SelectionPlan extends Construct {
  readonly plan: CfnBackupPlan;
  readonly selection: CfnBackupSelection;

  constructor(scope: Construct, id: string, { system, selection, role }: PlanProps) {
    super(scope, id);
    const name = planName(system, selection.name);
    const tags = { 'holdfast:system': system, 'holdfast:selection': selection.name };
    this.plan = new CfnBackupPlan(this, 'Plan', {
      backupPlan: {
        backupPlanName: name,
        backupPlanRule: rulesOf(selection).map((rule) =>
          ruleOf(rule, { vault: vaultName(system), selection, tags }),
        ),
      },
      backupPlanTags: tags,
    });
    this.selection = new CfnBackupSelection(this, 'Selection', {
      backupPlanId: this.plan.attrBackupPlanId,
      backupSelection: {
        selectionName: name,
        iamRoleArn: role.roleArn,
        ...matched(selection),
      },
    });
    // AWS Backup tries the role when it takes the selection.
    this.selection.node.addDependency(role);
  }
}

interface Surroundings {
  readonly vault: string;
  readonly selection: SelectionConfig;
  readonly tags: Readonly<Record<string, string>>;
}

function ruleOf(
  { name, tier, expression, keepDays, coldAfterDays }: PointRule,
  { vault, selection, tags }: Surroundings,
): CfnBackupPlan.BackupRuleResourceTypeProperty {
  const isContinuous = tier === 'continuous';
  const lifecycle = {
    deleteAfterDays: keepDays,
    ...(coldAfterDays !== undefined && {
      moveToColdStorageAfterDays: coldAfterDays,
      optInToArchiveForSupportedResources: selection.kinds.includes('ebs'),
    }),
  };
  return {
    ruleName: name,
    targetBackupVault: vault,
    scheduleExpression: expression,
    scheduleExpressionTimezone: selection.timeZone,
    startWindowMinutes: START_WINDOW_MINUTES,
    completionWindowMinutes: COMPLETION_WINDOW_MINUTES,
    enableContinuousBackup: isContinuous,
    lifecycle,
    recoveryPointTags: { ...tags, 'holdfast:tier': tier },
    // A copy of a continuous recovery point is a snapshot; the other rules make copies of theirs.
    ...(!isContinuous &&
      selection.copies.length > 0 && {
        copyActions: selection.copies.map(({ arn }) => ({
          destinationBackupVaultArn: arn,
          lifecycle,
        })),
      }),
  };
}

/** ARNs as they are; or all of some kinds that have every tag: a list of tags would take what has one of them. */
function matched({ resources, tags, kinds }: SelectionConfig) {
  if (resources.length > 0) return { resources: [...resources] };
  return {
    resources: kinds.map((kind) => ANY_OF_KIND[kind]),
    conditions: {
      StringEquals: Object.entries(tags).map(([key, value]) => ({
        ConditionKey: `aws:ResourceTag/${key}`,
        ConditionValue: value,
      })),
    },
  };
}

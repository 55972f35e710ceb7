// A restore testing plan for each selection: AWS Backup restores the newest recovery points, and our function looks into what it made.
import { CfnRestoreTestingPlan, CfnRestoreTestingSelection } from 'aws-cdk-lib/aws-backup';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { testPlanName } from '../../names/recovery-points.ts';
import { parseResource, RESOURCE_TYPES, type ResourceKind } from '../../names/resources.ts';
import { VALIDATION_HOURS } from '../../policy/recovery-points/validation.ts';
import { schedulerCrons, timesOfDay } from '../../policy/scheduler-cron.ts';
import { rulesOf } from './plans.ts';

export interface RestoreTestingProps {
  readonly system: string;
  readonly selection: SelectionConfig;
  readonly vaultArn: string;
  /** By which AWS Backup restores. */
  readonly role: IRole;
}

/** AWS Backup begins within it, each test at some moment. */
const START_WINDOW_HOURS = 4;
/** After the recovery point is made. */
const HOURS_AFTER = 6;
/** A selection of a restore testing plan takes no more ARNs. */
const MOST_ARNS = 30;
const DATABASES: readonly ResourceKind[] = ['aurora', 'rds'];

/** The restore testing plan of one selection; nothing where it is never tested. */
export class RestoreTesting extends Construct {
  constructor(scope: Construct, id: string, props: RestoreTestingProps) {
    super(scope, id);
    const { system, selection, vaultArn, role } = props;
    const { everyDays } = selection.restoreTest;
    if (everyDays === undefined) return;
    const name = testPlanName(system, selection.name);
    const plan = new CfnRestoreTestingPlan(this, 'Plan', {
      restoreTestingPlanName: name,
      scheduleExpression: testSchedule(selection.schedule, everyDays),
      scheduleExpressionTimezone: selection.timeZone,
      startWindowHours: START_WINDOW_HOURS,
      recoveryPointSelection: {
        algorithm: 'LATEST_WITHIN_WINDOW',
        includeVaults: [vaultArn],
        recoveryPointTypes: ['SNAPSHOT'],
        selectionWindowDays: Math.min(365, keptDays(selection)),
      },
    });
    for (const { kind, arns, number } of tested(selection)) {
      const suffix = number === 0 ? '' : `_${number + 1}`;
      const tests = new CfnRestoreTestingSelection(this, `${kind}${suffix}`, {
        restoreTestingPlanName: name,
        restoreTestingSelectionName: `${kind}${suffix}`,
        protectedResourceType: RESOURCE_TYPES[kind],
        iamRoleArn: role.roleArn,
        protectedResourceArns: arns,
        validationWindowHours: VALIDATION_HOURS,
        ...(arns[0] === '*' && {
          protectedResourceConditions: {
            stringEquals: Object.entries(selection.tags).map(([key, value]) => ({
              key: `aws:ResourceTag/${key}`,
              value,
            })),
          },
        }),
        restoreMetadataOverrides: overrides(kind, selection),
      });
      tests.addResourceDependency(plan);
      tests.node.addDependency(role);
    }
  }
}

/** Some hours after the first recovery point of the day is due, on every so many days of the month. */
function testSchedule(schedule: string, everyDays: number): string {
  const { hours, minutes } = timesOfDay(schedule);
  const hour = ((hours[0] ?? 0) + HOURS_AFTER) % 24;
  const days = Array.from({ length: 31 }, (_, index) => index + 1).filter(
    (day) => (day - 1) % everyDays === 0,
  );
  const [expression = ''] = schedulerCrons(
    `${minutes[0] ?? 0} ${hour} ${everyDays === 1 ? '*' : days.join(',')} * *`,
  );
  return expression;
}

function keptDays(selection: SelectionConfig): number {
  const snapshots = rulesOf(selection).filter(({ tier }) => tier !== 'continuous');
  return Math.min(...snapshots.map(({ keepDays }) => keepDays));
}

interface Tested {
  readonly kind: ResourceKind;
  readonly arns: string[];
  readonly number: number;
}

function tested({ kinds, resources }: SelectionConfig): Tested[] {
  return kinds.flatMap((kind) => {
    if (resources.length === 0) return [{ kind, arns: ['*'], number: 0 }];
    const arns = resources.filter((arn) => parseResource(arn)?.kind === kind);
    const pages = Math.ceil(arns.length / MOST_ARNS);
    return Array.from({ length: pages }, (_, number) => ({
      ...{ kind, number },
      arns: arns.slice(number * MOST_ARNS, (number + 1) * MOST_ARNS),
    }));
  });
}

/** Left alone, AWS Backup takes the default subnet group and the default security group. */
function overrides(
  kind: ResourceKind,
  { restoreTest: { subnetGroup, securityGroups } }: SelectionConfig,
): Record<string, string> {
  if (!DATABASES.includes(kind)) return {};
  return {
    ...(subnetGroup !== undefined && { dbSubnetGroupName: subnetGroup }),
    ...(securityGroups.length > 0 && { vpcSecurityGroupIds: JSON.stringify(securityGroups) }),
  };
}

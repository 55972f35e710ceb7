// The stack of recovery points, beside the core: it can be made, changed and removed without touching the store.
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../../config/config.ts';
import { recoveryPointStackName, vaultName } from '../../names/recovery-points.ts';
import { RecoveryPoints } from './recovery-points.ts';

export interface RecoveryPointsStackProps {
  readonly config: Config;
  /** The stack with the functions that watch and test. */
  readonly core: Stack;
}

/** `holdfast-my-site-recovery-points` */
export class RecoveryPointsStack extends Stack {
  readonly points: RecoveryPoints;

  constructor(scope: Construct, { config, core }: RecoveryPointsStackProps) {
    const { system, aws } = config;
    const stackName = recoveryPointStackName(system);
    super(scope, stackName, {
      stackName,
      description: `Holdfast: recovery points of ${system} in AWS Backup`,
      env: {
        ...(aws?.account !== undefined && { account: aws.account }),
        ...(aws !== undefined && { region: aws.region }),
      },
      terminationProtection: aws?.terminationProtection ?? false,
      tags: { 'holdfast:system': system },
    });
    this.points = new RecoveryPoints(this, 'RecoveryPoints', { config });
    this.addStackDependency(core);
    new CfnOutput(this, 'Vault', {
      value: vaultName(system),
      description: 'Where the recovery points are',
    });
    const { roles } = this.points;
    new CfnOutput(this, 'RestoreJobsRole', {
      value: roles.restore.roleArn,
      description: 'AWS Backup restores by it, into new resources alone',
    });
    new CfnOutput(this, 'StartRestoresRole', {
      value: roles.people.roleArn,
      description: 'People start restores by it, and do nothing else',
    });
  }
}

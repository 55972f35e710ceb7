// The stack of recovery points of a configuration, beside a core that is as good as empty: the core has tests of its own.
import { CfnWaitConditionHandle, Stack, type App } from 'aws-cdk-lib';
import type { Config } from '../../lib/config/config.ts';
import { RecoveryPointsStack } from '../../lib/infra/recovery-points/stack.ts';
import { deployedFrom, flags, sparkWith, type Deployed } from './stacks.ts';
import { newApp } from './apps.ts';

export const COPIES = 'arn:aws:backup:eu-west-1:123456789012:backup-vault:copies';
/** How a block of selections begins. */
export const SELECTED = 'recoveryPoints:\n    selections:';
const UNDO = 'undo: 14d';
const POINTS = `${UNDO}
  ${SELECTED}
      cluster:
        resources: ['arn:aws:rds:eu-central-1:123456789012:cluster:spark-bloom-flow']
        schedule: 0 4 * * *
        rpo: 24h
        rto: 4h
        continuous: 14d
        restoreTest: { every: never }
      activity:
        resources: ['arn:aws:dynamodb:eu-central-1:123456789012:table/spark-bloom-flow-activity']
        schedule: 0 5 * * *
        rpo: 24h
        rto: 4h`;

/** Spark Bloom Flow with a cluster and a table that AWS Backup protects, and with parts of that replaced. */
export function sparkPoints(...more: readonly (readonly [string, string])[]): Promise<Config> {
  return sparkWith([UNDO, POINTS], ...more);
}

/** Not synthesized; CloudFormation's own checks are left to the tests that ask for them. */
export function pointsStackOf(
  config: Config,
  { checked = false } = {},
): { app: App; stack: RecoveryPointsStack } {
  const app = newApp({ context: flags(), checked });
  const region = config.aws?.region;
  const core = new Stack(app, 'core', { env: region === undefined ? {} : { region } });
  new CfnWaitConditionHandle(core, 'Nothing');
  return { app, stack: new RecoveryPointsStack(app, { config, core }) };
}

/** Its template with everything known filled in. */
export async function deployedPoints(config: Config | Promise<Config>): Promise<Deployed> {
  return deployedFrom(pointsStackOf(await config).stack);
}

/** Spark Bloom Flow with every kind of resource, by tags and by ARNs, and with all that can be asked for. */
export function everyKind(): Promise<Config> {
  return sparkPoints([
    SELECTED,
    `${SELECTED}
      tagged: { tags: { app: spark, backup: 'yes' }, expect: 3, kinds: [ebs, efs], schedule: 0 3 * * 0, coldAfter: 30d }
      uploads: { resources: ['arn:aws:s3:::spark-uploads'], schedule: 30 2 * * *, continuous: 35d, copies: [{ vault: '${COPIES}' }] }
      instance: { resources: ['arn:aws:rds:eu-central-1:123456789012:db:spark'], schedule: 0 1 * * *, restoreTest: { subnetGroup: private, securityGroups: [sg-0a1b2c3d] } }`,
  ]);
}

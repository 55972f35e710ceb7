// From what the file says about AWS to what the program uses. Pure.
import assert from 'node:assert/strict';

import { DAY_MS } from '../../durations.ts';
import { s3PlaceOf } from '../../names/store-place.ts';
import type { AwsConfig, DeploymentTrigger } from '../config.ts';
import type { ConfigShape } from '../schema/configuration.ts';
import { recoveryPointsOf } from './resolve-recovery-points.ts';
import { durationMs, sizeBytes, wholeGiB } from '../units.ts';

/** The trigger that `codepipeline:site` names. */
export function deploymentTrigger(text: string): DeploymentTrigger {
  const [by, name] = text.split(':') as [DeploymentTrigger['by'], string | undefined];
  return { by, name };
}

const CONTENT_MONTHS = { month: 1, quarter: 3, 'half-year': 6 } as const;

/** How the stack is made; the region is that of the store in the file, whatever a flag says about where to look now. */
export function awsOf(shape: ConfigShape): AwsConfig | undefined {
  const { aws, store } = shape;
  if (aws === undefined) return undefined;
  const region = s3PlaceOf(store)?.region;
  assert(region !== undefined, 'a stack without a region passed the rules');
  return {
    account: aws.account,
    region,
    storage: aws.storage,
    lockMode: aws.lock.mode,
    lockDays: aws.lock.days,
    undoDays: durationMs(aws.undo) / DAY_MS,
    storageClass: aws.storageClass,
    contentMonths: CONTENT_MONTHS[aws.verifyContent],
    reservedConcurrency: aws.reservedConcurrency,
    acknowledgeUrl: aws.acknowledgeUrl,
    terminationProtection: aws.terminationProtection === 'on',
    deployingRoles: aws.deployingRoles,
    breakGlassRoles: aws.breakGlassRoles,
    logDays: durationMs(aws.logRetention) / DAY_MS,
    databases: { ...aws.databases, vpc: aws.databases.vpc },
    recoveryPoints: recoveryPointsOf(shape),
    tasks: {
      vcpus: aws.tasks.vcpus,
      diskGiB: wholeGiB(sizeBytes(aws.tasks.disk)),
      vpc: aws.tasks.vpc ?? aws.databases.vpc,
    },
  };
}

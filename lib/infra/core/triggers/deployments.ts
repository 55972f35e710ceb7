// Which events say that a deployment has succeeded: after it, configuration is backed up.
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import type { DeploymentTrigger } from '../../../config/config.ts';
import { DEPLOYMENT_EVENT } from '../../../names/aws.ts';

/** The pattern of the events by which `trigger` reports success. */
export function deploymentPattern(system: string, { by, name }: DeploymentTrigger): EventPattern {
  const named = name === undefined ? [] : [name];
  switch (by) {
    case 'codepipeline':
      return {
        source: ['aws.codepipeline'],
        detailType: ['CodePipeline Pipeline Execution State Change'],
        detail: { state: ['SUCCEEDED'], pipeline: named },
      };
    case 'codedeploy':
      return {
        source: ['aws.codedeploy'],
        detailType: ['CodeDeploy Deployment State-change Notification'],
        detail: { state: ['SUCCESS'], application: named },
      };
    case 'amplify':
      return {
        source: ['aws.amplify'],
        detailType: ['Amplify Deployment Status Change'],
        detail: { jobStatus: ['SUCCEED'], appId: named },
      };
    case 'ecs':
      return {
        source: ['aws.ecs'],
        detailType: ['ECS Deployment State Change'],
        // The ARN of a service ends in its name, after that of its cluster.
        resources: named.map((service) => ({ wildcard: `*/${service}` })) as unknown as string[],
        detail: { eventName: ['SERVICE_DEPLOYMENT_COMPLETED'] },
      };
    case 'event':
      return {
        source: [DEPLOYMENT_EVENT.source],
        detailType: [DEPLOYMENT_EVENT.detailType],
        detail: { system: [system] },
      };
  }
}

// Functions in a network of the user: where they stand, and what Lambda may do there in their name.
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { VpcConfig } from '../../config/config.ts';
import { arnHere } from './permissions.ts';

/** Where the interfaces of a function are made. */
export function placeIn({ subnets, securityGroups }: VpcConfig): CfnFunction.VpcConfigProperty {
  return { subnetIds: [...subnets], securityGroupIds: [...securityGroups] };
}

/**
 * What Lambda needs to connect a function to `vpc`. It acts under the role of the function, so the function itself is denied the
 * same: the condition holds for calls that come out of its code.
 */
export function joinNetwork(
  scope: Construct,
  { subnets, securityGroups }: VpcConfig,
  functionArn: string,
): PolicyStatement[] {
  const interfaces = arnHere(scope, 'ec2', 'network-interface/*');
  const created = [
    interfaces,
    ...subnets.map((id) => arnHere(scope, 'ec2', `subnet/${id}`)),
    ...securityGroups.map((id) => arnHere(scope, 'ec2', `security-group/${id}`)),
  ];
  return [
    new PolicyStatement({ actions: ['ec2:CreateNetworkInterface'], resources: created }),
    new PolicyStatement({ actions: CHANGES, resources: [interfaces] }),
    // EC2 knows no resources of what only looks.
    new PolicyStatement({ actions: LOOKS, resources: ['*'] }),
    new PolicyStatement({
      effect: Effect.DENY,
      actions: ['ec2:CreateNetworkInterface', ...CHANGES, ...LOOKS],
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  ];
}

const CHANGES = [
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];
const LOOKS = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];

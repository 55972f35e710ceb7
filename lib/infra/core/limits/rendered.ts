// What a template will say once it is deployed, as long as it can get: names and ARNs in place of what refers to them.
import { CfnElement, CfnResource, Stack, Token } from 'aws-cdk-lib';
import { partitionOf } from '../../../names/aws.ts';

/** Where properties keep the name of what they make. */
const NAMES = [
  'bucketName',
  'functionName',
  'roleName',
  'managedPolicyName',
  'topicName',
  'queueName',
  'logGroupName',
  'stateMachineName',
  'clusterName',
  'family',
  'name',
] as const;
/** What an id of AWS's making takes: that of a key, or a name that CloudFormation makes. */
const MADE_NAME = 'x'.repeat(64);
/** As long as the names of a service and of a kind of resource in any ARN of ours. */
const SERVICE_AND_KIND = 'states:task-definition/';

/** Fills in what only the deployment knows, in anything that was resolved for `stack`. */
export function rendererOf(stack: Stack): (resolved: unknown) => unknown {
  const place = placeOf(stack);
  const found = new Map<string, CfnResource>();
  const nameOf = (id: string): string => {
    if (found.size === 0) for (const one of resourcesOf(stack)) found.set(idOf(stack, one), one);
    const properties = (found.get(id) ?? {}) as Readonly<Record<string, unknown>>;
    const name = NAMES.map((one) => properties[one]).find(
      (one) => typeof one === 'string' && !Token.isUnresolved(one),
    );
    return typeof name === 'string' ? name : MADE_NAME;
  };
  const arnOf = (id: string): string =>
    [
      ...['arn', place['AWS::Partition'], SERVICE_AND_KIND],
      ...[place['AWS::Region'], place['AWS::AccountId'], nameOf(id)],
    ].join(':');
  const render = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(render);
    if (typeof value !== 'object' || value === null) return value;
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': joined } = value as Record<string, unknown>;
    // What refers to a topic or a policy stands for its ARN, which is longer than a name.
    if (typeof Ref === 'string') return place[Ref] ?? arnOf(Ref);
    if (Array.isArray(attribute)) return arnOf(String(attribute[0]));
    if (Array.isArray(joined)) {
      const [separator, parts] = joined as [string, unknown[]];
      return parts.map((part) => String(render(part))).join(separator);
    }
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, render(one)]));
  };
  return render;
}

/** The resources of `stack` itself, without those of stacks within it. */
export function resourcesOf(stack: Stack): CfnResource[] {
  return stack.node
    .findAll()
    .filter((one): one is CfnResource => CfnResource.isCfnResource(one) && Stack.of(one) === stack);
}

/** The id of an element within its template. */
export function idOf(stack: Stack, element: CfnElement): string {
  return String(stack.resolve(element.logicalId));
}

/** JSON as IAM counts it: without whitespace. */
export function charactersOf(rendered: unknown): number {
  return JSON.stringify(rendered).replaceAll(/\s/g, '').length;
}

function placeOf({ region }: Stack): Readonly<Record<string, string>> {
  const known = Token.isUnresolved(region) ? 'ap-southeast-2' : region;
  return {
    'AWS::Partition': partitionOf(known),
    'AWS::Region': known,
    'AWS::AccountId': '111122223333',
    'AWS::URLSuffix': known.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com',
    'AWS::StackName': 'x'.repeat(128),
    'AWS::NoValue': '',
  };
}

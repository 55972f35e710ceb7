// Stacks made from configurations, as the CDK app makes them, and their templates with everything known filled in.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NestedStack } from 'aws-cdk-lib';
import type { App, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { Template } from 'aws-cdk-lib/assertions';
import { loadConfig } from '../../lib/config/load/load.ts';
import type { Config } from '../../lib/config/config.ts';
import { HoldfastStack } from '../../lib/infra/core/stack.ts';
import { newApp, type AppOptions } from './apps.ts';
import { withoutRecoveryPoints } from './examples.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const SPARK = join(ROOT, 'examples/spark-bloom-flow/holdfast.yaml');
export const AUTOMATRON = join(ROOT, 'examples/automatron-website/holdfast.aws.yaml');

export const ACCOUNT = '111122223333';
export const NOW = new Date('2026-11-22T12:00:00Z');

/** The flags with which the app is made. */
export function flags(): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
  };
  return context;
}

export function configOf(configPath: string): Promise<Config> {
  const where = { cwd: ROOT, home: '/home/nobody', env: {}, now: NOW, configPath };
  return Promise.resolve().then(() => loadConfig(where));
}

/** The configuration of Spark Bloom Flow with parts of its text replaced. */
export function sparkWith(
  ...replacements: readonly (readonly [string, string])[]
): Promise<Config> {
  const spark = readFileSync(SPARK, 'utf8');
  // Recovery points of a test stand for those of the example.
  const own = replacements.some(([, to]) => to.includes('recoveryPoints:'));
  let text = own ? withoutRecoveryPoints(spark) : spark;
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`the example does not contain ${from}`);
    text = text.replace(from, to);
  }
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml');
  writeFileSync(file, text);
  return configOf(file);
}

/** What gives Spark Bloom Flow recovery points of a table and of a bucket. */
export const WITH_POINTS = [
  '  undo: 14d',
  `  undo: 14d
  recoveryPoints:
    selections:
      tables:
        resources: ['arn:aws:dynamodb:eu-central-1:111122223333:table/tasks']
        keys: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab']
        schedule: '0 5 * * *'
      uploads:
        resources: ['arn:aws:s3:::spark-bloom-flow-uploads']
        schedule: '0 6 * * *'`,
] as const;

/** A cluster and an instance whose restored databases a task asks; it needs the network of tasks or databases. */
export const WITH_ASKED = [
  '  undo: 14d',
  `  undo: 14d
  recoveryPoints:
    selections:
      servers:
        resources:
          - arn:aws:rds:eu-central-1:111122223333:cluster:spark
          - arn:aws:rds:eu-central-1:111122223333:db:spark
        keys: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab']
        schedule: '0 5 * * *'
        restoreTest: { postgres: { database: app, checks: [SELECT true] } }`,
] as const;

/** The stack of `config` in an app of its own, not synthesized. */
export function stackOf(
  config: Config,
  options: Omit<AppOptions, 'context'> = {},
): { app: App; stack: HoldfastStack } {
  const app = newApp({ ...options, context: flags() });
  return { app, stack: new HoldfastStack(app, { config, now: NOW }) };
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

/** A template whose references are filled in: ARNs and names are what they will be. */
export interface Deployed {
  readonly template: Template;
  readonly resources: Readonly<Record<string, Resource>>;
  /** Those of one type, by their logical ids. */
  ofType(type: string): [string, Resource][];
}

export async function deployed(config: Config | Promise<Config>): Promise<Deployed> {
  return deployedFrom(stackOf(await config).stack);
}

export function deployedFrom(stack: Stack): Deployed {
  const all = allResourcesOf(stack);
  const resources = fill(all, all, stack.region) as Record<string, Resource>;
  return {
    template: Template.fromJSON({ Resources: all }),
    resources,
    ofType: (type) => Object.entries(resources).filter(([, { Type }]) => Type === type),
  };
}

/** The resources of a stack and of all within it, by ids that are theirs alone. */
export function allResourcesOf(stack: Stack): Record<string, Resource> {
  const own = resourcesOf(stack);
  const all = { ...own };
  // What stands in the stacks of sources is what those stacks wait for, too, and is told what their parameters say.
  for (const { stack: nested, id } of nestedIn(stack)) {
    const { DependsOn = [], Properties } = own[id] as Resource;
    const parameters = (Properties['Parameters'] ?? {}) as Record<string, unknown>;
    for (const [within, resource] of Object.entries(resourcesOf(nested))) {
      all[`${id}${within}`] = { ...withParameters(resource, parameters), DependsOn };
    }
  }
  return all;
}

function resourcesOf(stack: Stack): Record<string, Resource> {
  return (Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> }).Resources;
}

/** The stacks within `stack`, with the ids of the resources that they are in it. */
export function nestedIn(stack: Stack): { readonly stack: NestedStack; readonly id: string }[] {
  const isNested = (one: IConstruct): one is NestedStack => NestedStack.isNestedStack(one);
  return stack.node
    .findAll()
    .filter(isNested)
    .map((nested) => ({
      stack: nested,
      id: String(stack.resolve(nested.nestedStackResource?.logicalId)),
    }));
}

/** `resource` with the values of `parameters` in place of references to them. */
function withParameters(resource: Resource, parameters: Record<string, unknown>): Resource {
  return JSON.parse(JSON.stringify(resource), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const { Ref } = value as { Ref?: unknown };
    return typeof Ref === 'string' && Ref in parameters ? parameters[Ref] : value;
  }) as Resource;
}

/** What `holdfast-…-NAME` may do, as one policy. */
export function policyOf(stack: Deployed, name: string): { Statement: Statement[] } {
  const found = stack
    .ofType('AWS::IAM::ManagedPolicy')
    .find(([, { Properties }]) => String(Properties['ManagedPolicyName']).endsWith(`-${name}`));
  if (found === undefined) throw new Error(`no policy of ${name}`);
  return found[1].Properties['PolicyDocument'] as { Statement: Statement[] };
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Record<string, Record<string, unknown>>;
}

function fill(value: unknown, all: Record<string, Resource>, region: string): unknown {
  if (Array.isArray(value)) return value.map((one) => fill(one, all, region));
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': joined } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return PSEUDO(region)[Ref] ?? nameOf(Ref, all, region);
  if (Array.isArray(attribute)) return arnOf(String(attribute[0]), all, region);
  if (Array.isArray(joined)) {
    const [separator, parts] = joined as [string, unknown[]];
    return parts.map((part) => String(fill(part, all, region))).join(separator);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, fill(one, all, region)]),
  );
}

const PSEUDO = (region: string): Record<string, string> => ({
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::URLSuffix': 'amazonaws.com',
});

const NAMES = ['BucketName', 'FunctionName', 'RoleName', 'TopicName', 'QueueName', 'LogGroupName'];

function nameIn(properties: Record<string, unknown>): string | undefined {
  return NAMES.map((name) => properties[name]).find((name) => typeof name === 'string');
}

function nameOf(id: string, all: Record<string, Resource>, region: string): string {
  const { Type, Properties } = all[id] ?? { Type: '', Properties: {} };
  if (Type === 'AWS::SNS::Topic' || Type === 'AWS::IAM::ManagedPolicy')
    return arnOf(id, all, region);
  return nameIn(Properties) ?? id;
}

/** The form of the ARN of each type that policies name. */
const ARNS: Record<string, (name: string, place: string) => string> = {
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name}`,
  'AWS::Lambda::Function': (name, place) => `arn:aws:lambda:${place}:function:${name}`,
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  'AWS::IAM::ManagedPolicy': (name) => `arn:aws:iam::${ACCOUNT}:policy/${name}`,
  'AWS::SNS::Topic': (name, place) => `arn:aws:sns:${place}:${name}`,
  'AWS::SQS::Queue': (name, place) => `arn:aws:sqs:${place}:${name}`,
  'AWS::Logs::LogGroup': (name, place) => `arn:aws:logs:${place}:log-group:${name}:*`,
  'AWS::KMS::Key': (name, place) => `arn:aws:kms:${place}:key/${name}`,
};

function arnOf(id: string, all: Record<string, Resource>, region: string): string {
  const { Type, Properties } = all[id] ?? { Type: '', Properties: {} };
  return ARNS[Type]?.(nameIn(Properties) ?? id, `${region}:${ACCOUNT}`) ?? `arn:of:${id}`;
}

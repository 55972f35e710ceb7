// Whatever is configured fits what AWS takes, or is an error at its line; and the document says what is checked.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CfnOutput, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import fc from 'fast-check';
import { HoldfastError } from '../../../../lib/errors.ts';
import {
  MOST_NESTED_RESOURCES,
  MOST_TEMPLATE_BYTES,
  RESOURCE_LIMITS,
  TEMPLATE_LIMITS,
} from '../../../../lib/infra/core/limits/limits.ts';
import {
  configOf,
  deployedFrom,
  nestedIn,
  ROOT,
  stackOf,
  type Deployed,
} from '../../../support/stacks.ts';

const STORE = 's3://shop-backups?region=eu-central-1';

function write(lines: readonly string[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** What synthesis of `file` refuses; undefined when it refuses nothing. */
async function refusal(file: string): Promise<HoldfastError | undefined> {
  return refusalOf(stackOf(await configOf(file)).stack);
}

function refusalOf(stack: Stack): HoldfastError | undefined {
  try {
    Template.fromStack(stack);
    return undefined;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error;
  }
}

const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
const words = (most: number) => fc.stringMatching(new RegExp(`^[a-z0-9]{1,${most}}$`));
const common = fc.record({
  schedule: fc.constantFrom('0 3 * * *', '30 2 1 * 0', '15 4 * * 1-5'),
  timeZone: fc.constantFrom('UTC', 'europe/berlin'),
  restoreTest: fc.constantFrom('{ every: day }', '{ every: never }', '{ every: month }'),
});
const triggers = fc.uniqueArray(
  fc.oneof(
    fc.constant('event'),
    fc.stringMatching(/^[A-Za-z0-9._-]{1,60}$/).map((one) => `codepipeline:${one}`),
  ),
  { maxLength: 3 },
);
const runOn = fc.constantFrom('function', 'task');
const NETWORK = {
  id: 'vpc-0a1b2c3d',
  subnets: ['subnet-0a1b2c3d'],
  securityGroups: ['sg-0a1b2c3d'],
};
const source = fc.oneof(
  fc
    .record({ bucket: words(40), prefix: words(200), onDeployment: triggers, runOn })
    .map((own) => ({
      kind: 'bucket',
      ...own,
      bucket: `b${own.bucket}xx`,
      prefix: `${own.prefix}/`,
    })),
  fc.record({ repository: words(30), token: words(200) }).map(({ repository, token }) => ({
    kind: 'github',
    repository: `me/${repository}`,
    token: `secret:${token}`,
  })),
  fc
    .record({ path: fc.array(words(80), { minLength: 1, maxLength: 3 }), secret: words(60) })
    .map(({ path, secret }) => ({
      kind: 'parameters',
      paths: path.map((one) => `/${one}/`),
      secretNames: [secret],
      secrets: 'include',
    })),
  fc.record({ connection: words(80), runOn }).map(({ connection, runOn: runsOn }) => ({
    kind: 'postgres',
    connection: `secret:${connection}`,
    runOn: runsOn,
  })),
);
const configuration = fc
  .record({
    system: fc.stringMatching(/^[a-z]([a-z0-9-]{0,31}[a-z0-9])?$/),
    sources: fc.uniqueArray(fc.tuple(name, source, common), {
      minLength: 1,
      maxLength: 60,
      selector: ([own]) => own,
      size: 'max',
    }),
    roles: fc.uniqueArray(words(30), { maxLength: 20 }),
    email: fc.uniqueArray(words(20), { maxLength: 20 }),
  })
  .map(({ system, sources, roles, email }) => [
    'version: 1',
    `system: ${system}`,
    `store: ${STORE}`,
    `aws: ${JSON.stringify({ tasks: { vpc: NETWORK }, deployingRoles: roles.map((one) => `arn:aws:iam::111122223333:role/${one}`) })}`,
    `notify: ${JSON.stringify({ email: email.map((one) => `${one}@example.com`) })}`,
    'sources:',
    ...sources.map(([own, kind, { schedule, timeZone, restoreTest }]) => {
      const options = Object.entries(kind).map(([key, one]) => `${key}: ${JSON.stringify(one)}`);
      return `  ${own}: { ${[...options, `schedule: ${schedule}`, `timeZone: ${timeZone}`, `restoreTest: ${restoreTest}`].join(', ')} }`;
    }),
  ]);

/** How resources are named, and how long a name may be. */
const NAMES: Readonly<Record<string, readonly [string, number]>> = {
  'AWS::IAM::Role': ['RoleName', 64],
  'AWS::Scheduler::Schedule': ['Name', 64],
  'AWS::Events::Rule': ['Name', 64],
  'AWS::StepFunctions::StateMachine': ['StateMachineName', 80],
  'AWS::CloudWatch::Alarm': ['AlarmName', 255],
};

/** What exceeds a limit, found in the finished templates and not by what the code looks with. */
function excessesIn(stack: Deployed): string[] {
  const found: string[] = [];
  const must = (what: string, got: number, most: number) => {
    if (got > most) found.push(`${what}: ${got}`);
  };
  const text = (value: unknown) => JSON.stringify(value).replaceAll(/\s/g, '');
  for (const [id, { Type, Properties }] of Object.entries(stack.resources)) {
    const at = `${Type} ${id}`;
    if (Type === 'AWS::IAM::ManagedPolicy')
      must(at, text(Properties['PolicyDocument']).length, 6144);
    if (Type === 'AWS::IAM::Role')
      must(at, ((Properties['ManagedPolicyArns'] ?? []) as unknown[]).length, 10);
    if (Type === 'AWS::S3::BucketPolicy')
      must(at, text(Properties['PolicyDocument']).length, 20_480);
    if (Type === 'AWS::KMS::Key') must(at, text(Properties['KeyPolicy']).length, 32_768);
    if (Type === 'AWS::SQS::QueuePolicy') must(at, text(Properties['PolicyDocument']).length, 8192);
    if (Type === 'AWS::Lambda::Function') must(at, text(Properties['Environment']).length, 4096);
    const [name, longest] = NAMES[Type] ?? [];
    if (name !== undefined) must(at, String(Properties[name]).length, longest ?? 0);
    if (Type === 'AWS::CloudWatch::Dashboard') {
      const widgets = String(Properties['DashboardBody']).match(/"alarms":\[[^\]]*\]/g) ?? [];
      for (const one of widgets) must(at, one.split('arn:').length - 1, 100);
    }
  }
  return found;
}

test('any configuration of up to sixty sources fits every limit, or is an error at a line of it', async () => {
  await fc.assert(
    fc.asyncProperty(configuration, async (lines) => {
      const { stack } = stackOf(await configOf(write(lines)));
      const refused = refusalOf(stack);
      if (refused !== undefined) {
        expect(refused.code).toBe('CONFIG_INVALID');
        expect(refused.message).toMatch(/holdfast\.yaml:\d+:\d+: (sources|aws|system)/);
        return;
      }
      expect(excessesIn(deployedFrom(stack))).toEqual([]);
      const templates = [stack, ...nestedIn(stack).map((one) => one.stack)];
      for (const one of templates) {
        const template = Template.fromStack(one).toJSON() as {
          Resources: object;
          Outputs?: object;
        };
        expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
        expect(Object.keys(template.Outputs ?? {}).length).toBeLessThanOrEqual(200);
        expect(JSON.stringify(template, undefined, 1).length).toBeLessThanOrEqual(1_000_000);
      }
    }),
    { numRuns: 3 },
  );
}, 300_000);

const HEAD = ['version: 1', 'system: shop', `store: ${STORE}`];

test('more than ten policies hold is an error at the sources', async () => {
  const sources = Array.from(
    { length: 60 },
    (_, index) =>
      `  s${index}: { kind: bucket, bucket: shop-${index}, prefix: ${'p'.repeat(900)}/ }`,
  );
  const refused = await refusal(write([...HEAD, 'aws: {}', 'sources:', ...sources]));
  expect(refused?.message).toMatch(
    /holdfast\.yaml:5:1: sources: .*: \d+ managed policies of a role; allowed: 10 \(https:/,
  );
});

test('more roles than the policy of a bucket holds is an error at their line', async () => {
  const roles = Array.from(
    { length: 400 },
    (_, index) => `arn:aws:iam::111122223333:role/r${index}`,
  );
  const refused = await refusal(
    write([
      ...HEAD,
      'aws:',
      `  deployingRoles: ${JSON.stringify(roles)}`,
      'sources:',
      '  assets: { kind: bucket, bucket: shop-assets }',
    ]),
  );
  expect(refused?.message).toMatch(
    /holdfast\.yaml:5:3: aws\.deployingRoles: .*: \d+ bytes in the policy of a bucket; allowed: 20480/,
  );
});

test('more layers than a function takes is an error at their line', async () => {
  const layers = Array.from(
    { length: 6 },
    (_, index) => `arn:aws:lambda:eu-central-1:111122223333:layer:l${index}:1`,
  );
  const file = write([
    ...HEAD,
    'aws:',
    `  databases: { package: zip, layers: ${JSON.stringify(layers)} }`,
    'sources:',
    "  database: { kind: postgres, connection: 'secret:database' }",
  ]);
  await expect(configOf(file)).rejects.toThrow(
    /holdfast\.yaml:5:30: aws\.databases\.layers: got a list; allowed: a list of at most 5,/,
  );
});

test('more deployments than the stack of a source holds is an error at that source', async () => {
  const pipelines = Array.from({ length: 300 }, (_, index) => `codepipeline:p${index}`);
  const refused = await refusal(
    write([
      ...HEAD,
      'aws: {}',
      'sources:',
      '  assets: { kind: bucket, bucket: shop-assets }',
      `  other: { kind: bucket, bucket: shop-other, onDeployment: ${JSON.stringify([...pipelines, ...pipelines.map((one) => `${one}x`)])} }`,
    ]),
  );
  expect(refused?.message).toMatch(
    /holdfast\.yaml:7:3: sources\.other: other: \d+ resources of a stack; allowed: 500/,
  );
});

test('what a team has in the same stack counts', async () => {
  const { stack } = stackOf(
    await configOf(
      write([...HEAD, 'aws: {}', 'sources:', '  assets: { kind: bucket, bucket: shop-assets }']),
    ),
  );
  for (let index = 0; index < 201; index += 1) {
    const value = new Queue(stack, `Queue${index}`).queueName;
    new CfnOutput(stack, `Output${index}`, { value });
  }
  expect(() => Template.fromStack(stack)).toThrow(/\d+ outputs of a stack; allowed: 200/);
});

test('more actions than an alarm takes are an error', async () => {
  const { stack } = stackOf(
    await configOf(
      write([...HEAD, 'aws: {}', 'sources:', '  assets: { kind: bucket, bucket: shop-assets }']),
    ),
  );
  const actions = Array.from(
    { length: 6 },
    (_, index) => new SnsAction(new Topic(stack, `Topic${index}`)),
  );
  const [alarm] = stack.node.findAll().filter((one) => one instanceof Alarm);
  alarm?.addOkAction(...actions);
  expect(() => Template.fromStack(stack)).toThrow(
    /6 actions of an alarm for one state; allowed: 5/,
  );
});

test('the document names every limit that is checked, with its number and its source', () => {
  const text = readFileSync(join(ROOT, 'docs/aws-limits.md'), 'utf8');
  const limits = [
    ...Object.values(RESOURCE_LIMITS).flat(),
    ...TEMPLATE_LIMITS,
    MOST_TEMPLATE_BYTES,
    MOST_NESTED_RESOURCES,
  ];
  const missing = limits
    .map(({ what, most, source: from }) => `| ${what} | ${most} | <${from}> |`)
    .filter((row) => !text.includes(row));
  expect(missing).toEqual([]);
});

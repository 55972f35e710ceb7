// What five packs of rules and CloudFormation's own checks find: nothing that is not acknowledged with its reason.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  AwsSolutionsChecks,
  HIPAASecurityChecks,
  NIST80053R5Checks,
  PCIDSS321Checks,
  ServerlessChecks,
} from 'cdk-nag';
import type { Config } from '../../../lib/config/config.ts';
import type { HoldfastStack } from '../../../lib/infra/core/stack.ts';
import {
  AUTOMATRON,
  ROOT,
  SPARK,
  WITH_ASKED,
  WITH_POINTS,
  configOf,
  flags,
  sparkWith,
  stackOf,
} from '../../support/stacks.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

/** The names of the rules that something in the stack of `config` breaks. */
function findings(config: Config, change?: (stack: HoldfastStack) => void): string[] {
  jest.spyOn(console, 'error').mockReturnValue();
  const { app, stack } = stackOf(config, { checked: true });
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new HIPAASecurityChecks(app),
    new NIST80053R5Checks(app),
    new PCIDSS321Checks(app),
    new ServerlessChecks(app),
  );
  change?.(stack);
  try {
    app.synth();
  } catch (error) {
    if (!String(error).includes('ValidationFailed')) throw error;
  }
  const report = join(app.outdir, 'validation-report.json');
  const { pluginReports } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName));
}

interface Report {
  readonly pluginReports: readonly { readonly violations: readonly { ruleName: string }[] }[];
}

const VPC = 'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

test.each([
  ['Spark Bloom Flow', () => configOf(SPARK)],
  [
    'recovery points of what has tags',
    () =>
      sparkWith([
        WITH_POINTS[0],
        WITH_POINTS[1].replace(
          /resources: .*tasks.*/,
          'tags: { backup: daily }\n        expect: 2\n        kinds: [dynamodb, s3]',
        ),
      ]),
  ],
  ['Automatron', () => configOf(AUTOMATRON)],
  [
    'a store at a prefix, tasks of a database and of a bucket, and values of secrets',
    () =>
      sparkWith(
        ['s3://spark-bloom-flow-backups', 's3://spark-bloom-flow-backups/a/b'],
        ['secretNames: ', 'secrets: include\n    secretNames: '],
        ['databases: { package: image, postgres: 17 }', `databases: { ${VPC} }`],
        ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
        WITH_ASKED,
        ['    rpo: 7d\n', '    rpo: 7d\n    runOn: task\n    onDeployment: [event]\n'],
      ),
  ],
  [
    'a stack of a stated account that adopts its storage, with tasks',
    () =>
      sparkWith(
        ['databases: { package: image, postgres: 17 }', `databases: { ${VPC} }`],
        ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
        ['    rpo: 7d\n', '    rpo: 7d\n    runOn: task\n    onDeployment: [event]\n'],
        ['undo: 14d', 'undo: 14d\n  storage: existing\n  account: "123456789012"'],
      ),
  ],
])('%s breaks no rule', async (_name, config) => {
  expect(findings(await config())).toEqual([]);
});

test('what is not acknowledged is found', async () => {
  const found = findings(await configOf(SPARK), (stack) => new Bucket(stack, 'Careless'));
  expect(found).toEqual(
    expect.arrayContaining([
      'AwsSolutions-S1',
      'AwsSolutions-S10',
      'HIPAA.Security-S3BucketVersioningEnabled',
    ]),
  );
});

test("CloudFormation's own checks are errors", () => {
  expect(flags()['@aws-cdk/core:validateAgainstDefaultRules']).toBe(true);
});

test('one file acknowledges', () => {
  const folder = join(ROOT, 'lib/infra');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => readFileSync(join(folder, file), 'utf8').includes('.acknowledge('));
  expect(files).toEqual(['core/acknowledged.ts']);
});

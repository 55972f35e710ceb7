// The templates of both examples, before CloudFormation itself sees them: cfn-lint knows every property and its limits.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { Cdk } from '../support/cdk.ts';
import { need } from '../needs/need.ts';

const run = promisify(execFile);
const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
/** The CDK states dependencies that follow from references anyway. */
const IGNORED = ['W3005'];

const programs = need('ministack');
const cdk = new Cdk({ env: {}, region: 'us-east-1' });
afterAll(() => cdk.remove());

const textOf = (example: string) => readFileSync(join(EXAMPLES, example), 'utf8');
const SPARK_BLOOM_FLOW = textOf('spark-bloom-flow/holdfast.yaml');
/** The same with a task that looks into the restored cluster, as its comments say. */
const LOOKED_INTO = SPARK_BLOOM_FLOW.replace(
  'restoreTest: { every: 3d, ',
  'restoreTest: { every: 3d, postgres: { database: app, checks: [SELECT true] }, ',
).replace(
  '\n  recoveryPoints:\n',
  '\n  tasks: { vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] } }\n  recoveryPoints:\n',
);

test.each([
  ['spark-bloom-flow', SPARK_BLOOM_FLOW],
  ['automatron-website', textOf('automatron-website/holdfast.aws.yaml')],
  ['spark-bloom-flow with a look into the restored cluster', LOOKED_INTO],
])(
  'cfn-lint has nothing to say about the stacks of %s',
  async (_of, text) => {
    const config = join(cdk.folder, 'linted.yaml');
    writeFileSync(config, text);
    const folder = await cdk.synth(config);
    const templates = readdirSync(folder)
      .filter((file) => file.endsWith('.template.json'))
      .map((file) => join(folder, file));
    // The stack, and one in it for each source.
    expect(templates.length).toBeGreaterThan(1);
    const linter = join(programs(), 'cfn-lint');
    const lint = run(linter, ['--ignore-checks', ...IGNORED, '--', ...templates]).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    );
    const { stdout, stderr } = await lint;
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  },
  120_000,
);

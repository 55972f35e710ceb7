// The templates of both examples, before CloudFormation itself sees them: cfn-lint knows every property and its limits.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
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

test.each(['spark-bloom-flow/holdfast.yaml', 'automatron-website/holdfast.aws.yaml'])(
  'cfn-lint has nothing to say about the stacks of %s',
  async (example) => {
    const folder = await cdk.synth(join(EXAMPLES, example));
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

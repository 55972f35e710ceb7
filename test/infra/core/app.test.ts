// `node bin/app.ts`, as the CDK runs it: stacks from a right configuration, and words about a wrong one.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Config } from '../../../lib/config/config.ts';
import { HoldfastSystem } from '../../../lib/infra/core/system.ts';
import { HoldfastStack } from '../../../lib/infra/core/stack.ts';
import {
  AUTOMATRON,
  NOW,
  ROOT,
  SPARK,
  configOf,
  flags,
  sparkWith,
  stackOf,
} from '../../support/stacks.ts';
import { newApp } from '../../support/apps.ts';

/** With neither credentials of AWS nor a home in which some could lie. */
function runApp(configPath: string, env: Record<string, string> = {}) {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-app-'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'bin/app.ts')], {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      ...env,
      PATH: process.env['PATH'],
      HOME: outdir,
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...flags(), config: configPath }),
    },
  });
  return { status, stdout, stderr, outdir };
}

test('makes the stack of a configuration', () => {
  const { status, stderr, outdir } = runApp(SPARK);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(existsSync(join(outdir, 'holdfast-spark-bloom-flow.template.json'))).toBe(true);
});

test('no secret of the machine that deploys gets into the templates or the code of functions', () => {
  const secrets = {
    HOLDFAST_SIGNING_KEY: 'canary-of-the-signing-key',
    DATABASE_URL: 'postgres://app:canary-of-the-password@db/app',
    AWS_SECRET_ACCESS_KEY: 'canary-of-the-deployer',
  };
  // It names the first of them.
  expect(readFileSync(AUTOMATRON, 'utf8')).toContain('env:HOLDFAST_SIGNING_KEY');
  const { status, outdir } = runApp(AUTOMATRON, secrets);
  expect(status).toBe(0);
  const files = readdirSync(outdir, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  expect(files.some(({ name }) => name === 'index.js')).toBe(true);
  const found = files
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file, 'utf8').includes('canary-of-'));
  expect(found).toEqual([]);
});

describe('a configuration that is wrong', () => {
  test('stops before any stack, with the line that causes it', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'holdfast-app-')), 'holdfast.yaml');
    writeFileSync(
      file,
      [
        'version: 1',
        'system: shop',
        'store: s3://shop-backups?region=eu-central-1',
        'sources:',
        '  assets: { kind: bucket, bucket: shop-assets, schedule: 0 3 * * 0, rpo: 24h }',
        'aws: {}',
      ].join('\n'),
    );
    const { status, stderr, outdir } = runApp(file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/holdfast\.yaml:5:\d+: sources\.assets\.rpo: /);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(existsSync(join(outdir, 'manifest.json'))).toBe(false);
  });

  test('that is not there is named', () => {
    const { status, stderr } = runApp('/nowhere/holdfast.yaml');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*\/nowhere\/holdfast\.yaml/);
  });
});

describe('constructs in an app of a team', () => {
  test('give the same stack, whatever flags the app has', async () => {
    const config = await configOf(SPARK);
    const [bare, ours] = [{}, flags()].map((context) => {
      const app = newApp({ context });
      const { Resources } = Template.fromStack(
        new HoldfastStack(app, { config, now: NOW }),
      ).toJSON() as { Resources: Record<string, { Type: string }> };
      return Object.fromEntries(Object.entries(Resources).map(([id, { Type }]) => [id, Type]));
    });
    expect(bare).toEqual(ours);
  });

  test('refuse a configuration without aws', async () => {
    const config = { ...(await configOf(SPARK)), aws: undefined };
    expect(() => stackOf(config)).toThrow(/has no `aws`/);
  });

  describe('in a stack of another place than the store', () => {
    const place = async (env: { region?: string; account?: string }, aws = {}) => {
      const config = await configOf(SPARK);
      const app = newApp();
      const stack = new Stack(app, 'Own', { env });
      const own = { ...config, aws: { ...config.aws, ...aws } } as Config;
      new HoldfastSystem(stack, 'Backups', { config: own, now: NOW });
      return stack;
    };

    test('are an error', async () => {
      await expect(place({ region: 'us-east-1' })).rejects.toThrow(
        'the stack Own is in the region us-east-1; allowed: eu-central-1, that of the store',
      );
      const env = { region: 'eu-central-1', account: '111122223333' };
      await expect(place(env, { account: '444455556666' })).rejects.toThrow(
        'the stack Own is in the account 111122223333; allowed: 444455556666',
      );
    });

    test('stop a deployment where only that knows the place', async () => {
      const template = Template.fromStack(await place({}));
      const { Rules } = template.toJSON() as { Rules: object };
      expect(JSON.stringify(Rules)).toContain(
        '{"Fn::Equals":[{"Ref":"AWS::Region"},"eu-central-1"]}',
      );
      // Names carry the region all the same: it is that of the store.
      template.hasResourceProperties('AWS::IAM::Role', {
        RoleName: 'holdfast-spark-bloom-flow-eu-central-1-prune',
      });
    });
  });

  test('refuse a folder as a store', async () => {
    const config = { ...(await configOf(SPARK)), store: '/backups' };
    expect(() => stackOf(config)).toThrow(/store in .* is \/backups; allowed: an s3:\/\/ URL/);
  });

  test('refuse a name that functions could not carry', async () => {
    const config = { ...(await configOf(SPARK)), system: 'a'.repeat(41) };
    const aws = config.aws && { ...config.aws, recoveryPoints: undefined };
    expect(() => stackOf({ ...config, aws })).toThrow(/has 41 characters; allowed on AWS: 33/);
    expect(() => stackOf(config)).toThrow(/has 41 characters; allowed on AWS: 31/);
  });

  test('let other roles deploy', async () => {
    const role = 'arn:aws:iam::111122223333:role/pipeline';
    const config = await sparkWith(['undo: 14d', `undo: 14d\n  deployingRoles: ['${role}']`]);
    const { app, stack } = stackOf(config);
    const { template } = app.synth().getStackArtifact(stack.artifactId) as { template: unknown };
    const text = JSON.stringify(template);
    expect(text).toContain(role);
    expect(text).not.toContain('cfn-exec-role');
  });
});

// The Automatron website with its store on AWS: backed up from outside, proven there, and none of it lost when the stack is.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudFormationClient,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Cdk } from '../support/cdk.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { Deployed } from '../support/deployed.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { writeNextSite } from '../support/next-site.ts';
import { storyStart } from '../support/story-start.ts';
import { until } from '../support/until.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../examples/automatron-website/holdfast.aws.yaml', import.meta.url),
);
const SYSTEM = 'automatron-website';

let aws: MiniStack;
let place: Place;
let cdk: Cdk;
let system: Deployed;
let config: string;

beforeAll(async () => {
  aws = await startMiniStack({ enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  writeNextSite(place.site, {});
  // The pipeline's own key instead of the one that stands in the example.
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  config = join(place.site, 'holdfast.yaml');
  const example = readFileSync(EXAMPLE, 'utf8');
  const own = example.replace(/publicKey: .*/, `publicKey: ${publicKey.toString('base64')}`);
  expect(own).not.toBe(example);
  writeFileSync(config, own);
  system = new Deployed(SYSTEM, {
    aws: { ...aws, env: { ...aws.env, HOLDFAST_SIGNING_KEY: privateKey } },
    place,
  });
  await cdk.bootstrap();
  await cdk.deploy(config);
}, 600_000);

afterAll(async () => {
  await aws.stop();
  await cdk.remove();
  await place.remove();
}, 60_000);

/** Backs the site up as its pipeline does, and waits for the function that proves it. */
async function backUp(): Promise<string> {
  const { exit, stdout, stderr } = await system.run(
    'backup',
    'site',
    '--trigger',
    'pre-deploy',
    '--json',
  );
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const known = /"id": "([^"]+)"/.exec(stdout)?.[1] ?? '';
  return until(`the backup ${known} is proven`, async () =>
    (await system.list('site')).some(({ id, good }) => id === known && good) ? known : undefined,
  );
}

test('what a pipeline stores is proven by the stack, and pruned by nobody else', async () => {
  await backUp();
  expect(await system.invoke('restore-test', { source: 'site', at: aws.now() })).toMatchObject({
    verdict: 'proven',
  });
  expect(await system.invoke('prune', {})).toBeDefined();
}, 180_000);

test('a deployment that would leave the bucket of the backups behind is refused, and changes nothing', async () => {
  const moved = join(place.site, 'moved.yaml');
  const text = readFileSync(config, 'utf8');
  const other = text.replace(/^(store: s3:\/\/[a-z-]+)/m, '$1-new');
  expect(other).not.toBe(text);
  writeFileSync(moved, other);
  const { exit, stdout } = await cdk.holdfast('deploy', '--yes', '--json', '--config', moved);
  const { error } = JSON.parse(stdout) as {
    error: { code: string; message: string; hint: string };
  };
  expect({ exit, code: error.code }).toEqual({ exit: 1, code: 'DEPLOYMENT_REFUSED' });
  expect(error.message).toMatch(
    /HoldfastStorageBucket\w+ \(AWS::S3::Bucket\): (replace|may be replaced)$/m,
  );
  expect(error.hint).toMatch(/--give-up HoldfastStorage/);
  const same = await cdk.holdfast('deploy', '--dry-run', '--json', '--config', config);
  expect(JSON.parse(same.stdout)).toMatchObject({ dryRun: true, changes: [] });
}, 120_000);

test('destroyed and deployed again, the stack adopts the store with all that is in it', async () => {
  const before = await system.list();
  const formation = new CloudFormationClient(aws.client);
  await formation.send(
    new UpdateTerminationProtectionCommand({
      StackName: `holdfast-${SYSTEM}`,
      EnableTerminationProtection: false,
    }),
  );
  await cdk.destroy(config);
  // With no stack at all, whoever has the store's keys still sees everything.
  expect(await system.list()).toEqual(before);

  const adopted = readFileSync(config, 'utf8').replace('aws:\n', 'aws:\n  storage: existing\n');
  writeFileSync(config, adopted);
  await cdk.deploy(config);
  expect(await system.list()).toEqual(before);
  const later = await backUp();
  expect((await system.list()).map(({ id }) => id)).toEqual(
    expect.arrayContaining([...before.map(({ id }) => id), later]),
  );
  expect(await system.invoke('restore-test', { source: 'site', at: aws.now() })).toMatchObject({
    verdict: 'proven',
  });
}, 600_000);

test('no role was refused anything, and no function has logged a key', () => {
  const log = aws.log();
  expect(log).toContain(`holdfast-${SYSTEM}-verify`);
  expect(log.match(/^refused: .*$/gm) ?? []).toEqual([]);
  expect(log).not.toContain('PRIVATE KEY');
});

// A first deployment that fails leaves nothing behind, and is repeated without any repair.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Cdk } from '../support/cdk.ts';
import { leftOf, resourceIds, smallSystem } from '../support/first-deployment.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { storyStart } from '../support/story-start.ts';

let aws: MiniStack;
let cdk: Cdk;

beforeAll(async () => {
  aws = await startMiniStack({ enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  await cdk.bootstrap();
}, 300_000);

afterAll(async () => {
  await aws.stop();
  await cdk.remove();
}, 60_000);

test.each([
  ['the policy of the bucket', 'early', /StorageBucketPolicy/],
  ['an alarm of a source', 'inner', /^assetslate/],
  ['the schedule that comes last', 'final', /Schedulesfreshness/],
])(
  'where %s cannot be made',
  async (_what, system, id) => {
    const config = smallSystem(cdk.folder, system, aws.region);
    const [failing] = (await resourceIds(cdk, config)).find(([one]) => id.test(one)) ?? [];
    expect(failing).toBeDefined();
    aws.failAt(failing);
    await expect(cdk.deploy(config)).rejects.toThrow('the test wants this to fail');
    expect(await leftOf(system, aws)).toEqual([]);
    aws.failAt(undefined);
    const { outputs } = await cdk.deploy(config);
    expect(outputs).toMatchObject({ Bucket: `${system}-backups` });
    expect(await leftOf(system, aws)).toContain(`${system}-backups`);
  },
  400_000,
);

// The same as `first-deployment.deploy.test.ts`, with every resource of the stack and of the stacks within it.
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

test('whatever cannot be made, nothing is left, and the deployment succeeds in the end', async () => {
  const config = smallSystem(cdk.folder, 'swept', aws.region);
  const ids = await resourceIds(cdk, config);
  expect(ids.length).toBeGreaterThan(100);
  for (const [id] of ids) {
    aws.failAt(id);
    await expect(cdk.deploy(config)).rejects.toThrow('the test wants this to fail');
    expect([id, await leftOf('swept', aws)]).toEqual([id, []]);
  }
  aws.failAt(undefined);
  await cdk.deploy(config);
}, 7_200_000);

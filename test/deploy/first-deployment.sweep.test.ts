// The same as `first-deployment.deploy.test.ts`, with every resource of the stack and of the stacks within it.
import { expect, test } from '@jest/globals';
import {
  accountOfTests,
  deployFailing,
  resourceIds,
  smallSystem,
} from '../support/first-deployment.ts';

const account = accountOfTests();

test('whatever cannot be made, nothing is left, and the deployment succeeds in the end', async () => {
  const { aws, cdk } = account();
  const system = 'swept';
  const config = smallSystem(cdk.folder, system, aws.region);
  const ids = await resourceIds(cdk, config);
  expect(ids.length).toBeGreaterThan(100);
  for (const [id] of ids) await deployFailing(account(), { system, config, id });
  await cdk.deploy(config);
}, 7_200_000);

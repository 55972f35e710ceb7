// A first deployment that fails leaves nothing behind, and is repeated without any repair.
import { expect, test } from '@jest/globals';
import {
  accountOfTests,
  deployFailing,
  leftOf,
  resourceIds,
  smallSystem,
} from '../support/first-deployment.ts';

const account = accountOfTests();

test.each([
  ['the policy of the bucket', 'early', /StorageBucketPolicy/],
  ['an alarm of a source', 'inner', /^assetslate/],
  ['the schedule that comes last', 'final', /Schedulesfreshness/],
])(
  'where %s cannot be made',
  async (_what, system, wanted) => {
    const { aws, cdk } = account();
    const config = smallSystem(cdk.folder, system, aws.region);
    const [id = ''] = (await resourceIds(cdk, config)).find(([one]) => wanted.test(one)) ?? [];
    expect(id).toMatch(wanted);
    await deployFailing(account(), { system, config, id });
    const { outputs } = await cdk.deploy(config);
    expect(outputs).toMatchObject({ Bucket: `${system}-backups` });
    expect(await leftOf(system, aws)).toContain(`${system}-backups`);
  },
  400_000,
);

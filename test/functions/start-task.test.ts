// Starting the task that backs up, at a Step Functions on this machine.
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import process from 'node:process';
import { openMachines } from '../../lib/functions/start-task.ts';
import { ACCOUNT, startMiniStack, type MiniStack } from '../support/ministack.ts';

const SOURCE = 'a-source-with-a-name-of-sixty-three-characters-which-is-the-most';
const trigger = (minute: number) =>
  ({ kind: 'pre-deploy', at: new Date(Date.UTC(2026, 10, 22, 3, minute)) }) as const;
const DEFINITIONS = {
  'holdfast-shop-backup': { Type: 'Pass', End: true },
  'holdfast-shop-failing': { Type: 'Fail', Error: 'States.TaskFailed', Cause: 'its log says why' },
  'holdfast-shop-slow': { Type: 'Wait', Seconds: 600, End: true },
};
const signal = AbortSignal.timeout(60_000);

let aws: MiniStack;
beforeAll(async () => {
  aws = await startMiniStack();
  Object.assign(process.env, aws.env);
  const client = new SFNClient(aws.client);
  for (const [name, state] of Object.entries(DEFINITIONS)) {
    const definition = JSON.stringify({ StartAt: 'It', States: { It: state } });
    const roleArn = `arn:aws:iam::${ACCOUNT}:role/any`;
    await client.send(new CreateStateMachineCommand({ name, definition, roleArn }));
  }
}, 120_000);
afterAll(async () => {
  await aws.stop();
});

function request(machine: string, minute: number) {
  return {
    machine,
    region: aws.region,
    account: ACCOUNT,
    source: SOURCE,
    trigger: trigger(minute),
  };
}

test('the same trigger is one execution, which is found with and without the account', async () => {
  using machines = openMachines(aws.region, signal);
  const machine = 'holdfast-shop-backup';
  const first = await machines.start(request(machine, 1));
  expect(first).toMatch(
    /:execution:holdfast-shop-backup:20261122T030100000Z-pre-deploy-[0-9a-f]{16}$/,
  );
  await machines.assertWell(first, machine);
  expect(await machines.start({ ...request(machine, 1), account: undefined })).toBe(first);
  expect(await machines.start(request(machine, 2))).not.toBe(first);
});

test('one that still runs is well, and started once', async () => {
  using machines = openMachines(aws.region, signal);
  const slow = await machines.start(request('holdfast-shop-slow', 1));
  await machines.assertWell(slow, 'holdfast-shop-slow');
  expect(await machines.start(request('holdfast-shop-slow', 1))).toBe(slow);
});

test('one that has failed is told with the error of its machine', async () => {
  using machines = openMachines(aws.region, signal);
  const machine = 'holdfast-shop-failing';
  const failing = await machines.start(request(machine, 1));
  const ended = async (): Promise<unknown> => {
    for (;;) {
      const error: unknown = await machines.assertWell(failing, machine).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) return error;
    }
  };
  expect(await ended()).toMatchObject({
    code: 'COMMAND_FAILED',
    message: 'the task holdfast-shop-failing has ended as FAILED: States.TaskFailed',
  });
});

test.each([ACCOUNT, undefined])(
  'a machine that is not there is said to be missing (account %s)',
  async (account) => {
    using machines = openMachines(aws.region, signal);
    const unknown = { ...request('holdfast-shop-none', 1), account };
    await expect(machines.start(unknown)).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('holdfast-shop-none'),
    });
  },
);

// A task: the same handler, told by variables what a function is told by its event and context, and an exit code for an answer.
import { expect, jest, test } from '@jest/globals';
import type { FunctionContext } from '../../lib/functions/deadline.ts';
import { runTask } from '../../lib/functions/task.ts';
import { TASKS, type TaskName } from '../../lib/names/aws.ts';
import { captureLog } from '../lambda/stage.ts';

const ENVIRONMENT = {
  HOLDFAST_TASK_EVENT: '{"source":"database","at":"2026-11-22T02:00:00Z"}',
  HOLDFAST_TASK_REQUEST: 'execution-1',
  HOLDFAST_TASK_NAME: 'holdfast-shop-database-backup',
  HOLDFAST_TASK_SECONDS: '60',
};

function handlers(act: () => Promise<unknown> = () => Promise.resolve({})) {
  const seen: { event: unknown; context: FunctionContext }[] = [];
  const handler = (event: unknown, context: FunctionContext) => {
    seen.push({ event, context });
    return act();
  };
  const unused = () => Promise.reject(new Error('another handler was asked'));
  const all = Object.fromEntries(TASKS.map((name) => [name, unused])) as Record<
    TaskName,
    typeof unused
  >;
  return { seen, handlers: { ...all, 'database-backup': handler } };
}

test('hands the event to the handler, with a name, an id and the time that there is', async () => {
  const { seen, handlers: given } = handlers();
  expect(await runTask('database-backup', ENVIRONMENT, given)).toBe(0);
  expect(seen).toMatchObject([
    {
      event: { source: 'database', at: '2026-11-22T02:00:00Z' },
      context: {
        functionName: 'holdfast-shop-database-backup',
        awsRequestId: 'execution-1',
        runsOn: 'task',
      },
    },
  ]);
  const left = seen[0]?.context.getRemainingTimeInMillis() ?? 0;
  expect(left).toBeGreaterThan(50_000);
  expect(left).toBeLessThanOrEqual(60_000);
});

test.each([
  ['STORE_DENIED', 1],
  ['CONFIG_INVALID', 1],
  ['STORE_UNAVAILABLE', 75],
  ['UNEXPECTED', 75],
])('tells by its exit code whether to begin again after %s', async (code, exit) => {
  const error = Object.assign(new Error('as a handler throws it'), { name: code });
  const failing = handlers(() => Promise.reject(error)).handlers;
  expect(await runTask('database-backup', ENVIRONMENT, failing)).toBe(exit);
});

test.each([
  ['another name', 'database-drop', {}],
  ['no name', undefined, {}],
  ['no event', 'database-backup', { HOLDFAST_TASK_EVENT: undefined }],
  ['an event that is not one', 'database-backup', { HOLDFAST_TASK_EVENT: '{' }],
  ['no time', 'database-backup', { HOLDFAST_TASK_SECONDS: 'all day' }],
])('ends with 1, and says why, when it is given %s', async (_, name, changes) => {
  const lines: string[] = [];
  captureLog(lines);
  const { seen, handlers: given } = handlers();
  const ended = await runTask(name, { ...ENVIRONMENT, ...changes }, given);
  jest.restoreAllMocks();
  expect({ ended, seen }).toEqual({ ended: 1, seen: [] });
  expect(lines.join('\n')).toContain('state machine of the stack');
});

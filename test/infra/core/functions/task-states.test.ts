// The states of a task's machine, with its expressions evaluated: what is tried again, how often, and after which pauses.
import { describe, expect, test } from '@jest/globals';
import jsonata from 'jsonata';
import { IS_FOR_GOOD, statesAround } from '../../../../lib/infra/core/functions/task-states.ts';
import { EXIT_FOR_GOOD, EXIT_FOR_NOW } from '../../../../lib/names/aws.ts';

/** As Step Functions gives the cause of a task of ECS that ended. */
const stopped = (ExitCode?: number) => ({
  Error: 'States.TaskFailed',
  Cause: JSON.stringify({
    Attachments: [],
    Containers: [
      {
        ContainerArn: 'arn:aws:ecs:x',
        ...(ExitCode !== undefined && { ExitCode }),
        Name: 'database',
      },
    ],
    StopCode: 'EssentialContainerExited',
    StoppedReason: 'Essential container in task exited',
  }),
});

const isForGood = (errorOutput: object): Promise<unknown> =>
  jsonata(IS_FOR_GOOD).evaluate({}, { states: { errorOutput } });

describe('an error of a task', () => {
  test.each([
    ['a program that says that it failed for good', stopped(EXIT_FOR_GOOD), true],
    ['a program that says that it may end otherwise', stopped(EXIT_FOR_NOW), false],
    ['a program that ran out of memory', stopped(137), false],
    ['a task whose image could not be fetched', stopped(), false],
    ['a busy service', { Error: 'ECS.ThrottlingException', Cause: 'Rate exceeded' }, false],
    ['no capacity', { Error: 'AmazonECS.Unknown', Cause: 'Capacity is unavailable' }, false],
    [
      'a right that is missing',
      { Error: 'ECS.AccessDeniedException', Cause: 'not authorized' },
      true,
    ],
    ['a cluster that is gone', { Error: 'ECS.ClusterNotFoundException', Cause: 'gone' }, true],
  ])('of %s is judged', async (_name, error, expected) => {
    expect(await isForGood(error)).toBe(expected);
  });
});

interface State {
  readonly Type: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Next?: string;
  readonly Default?: string;
  readonly Seconds?: string;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[];
  readonly Catch?: readonly {
    readonly Assign: Readonly<Record<string, unknown>>;
    readonly Next: string;
  }[];
}

interface Walk {
  readonly ended: 'done' | 'failed';
  readonly told: readonly unknown[];
  readonly pauses: readonly unknown[];
  readonly error?: unknown;
}

/** Walks through the states as Step Functions does; each attempt of the task fails with the next error, or succeeds. */
// eslint-disable-next-line complexity -- one branch for each type of state
async function walk(errors: readonly object[]): Promise<Walk> {
  const { StartAt, States } = statesAround({ Type: 'Task' }) as {
    StartAt: string;
    States: Readonly<Record<string, State>>;
  };
  const variables: Record<string, unknown> = {};
  const input = { source: 'database' };
  const told: unknown[] = [];
  const pauses: unknown[] = [];
  const evaluate = (value: unknown, states: object): Promise<unknown> => {
    const [, expression] = /^\{% (.*) %\}$/s.exec(String(value)) ?? [];
    return expression === undefined
      ? Promise.resolve(value)
      : jsonata(expression).evaluate({}, { ...variables, states });
  };
  const assign = async (given: State['Assign'], states: object) => {
    const values = await Promise.all(
      Object.entries(given ?? {}).map(async ([name, one]) => [name, await evaluate(one, states)]),
    );
    Object.assign(variables, Object.fromEntries(values));
  };
  for (let name = StartAt, steps = 0; steps < 500; steps += 1) {
    const state: State | undefined = States[name];
    if (state === undefined) throw new Error(`no state ${name}`);
    if (state.Type === 'Fail') return { ended: 'failed', told, pauses, error: variables['error'] };
    if (state.Type === 'Task') {
      const error = errors[told.length];
      told.push(variables['event']);
      if (error === undefined) return { ended: 'done', told, pauses };
      const [caught] = state.Catch ?? [];
      await assign(caught?.Assign, { input, errorOutput: error });
      name = caught?.Next ?? '';
      continue;
    }
    if (state.Seconds !== undefined) pauses.push(await evaluate(state.Seconds, { input }));
    let chosen: string | undefined;
    for (const { Condition, Next } of state.Choices ?? []) {
      if (chosen === undefined && (await evaluate(Condition, { input })) === true) chosen = Next;
    }
    await assign(state.Assign, { input });
    name = chosen ?? state.Next ?? state.Default ?? '';
  }
  throw new Error('it never ends');
}

describe('a machine', () => {
  const event = { source: 'database' };

  test('hands the event on, and ends with its task', async () => {
    expect(await walk([])).toEqual({ ended: 'done', told: [event], pauses: [] });
  });

  test('tries again with the same event, after longer and longer pauses, three times in all', async () => {
    const busy = stopped(EXIT_FOR_NOW);
    expect(await walk([busy])).toEqual({ ended: 'done', told: [event, event], pauses: [60] });
    expect(await walk([busy, busy, busy, busy])).toEqual({
      ended: 'failed',
      told: [event, event, event],
      pauses: [60, 120],
      error: 'States.TaskFailed',
    });
  });

  const noRoom = {
    Error: 'ECS.AmazonECSException',
    Cause:
      '{"failures":[{"reason":"You’ve reached the limit on the number of vCPUs you can run concurrently."}]}',
  };

  test('waits for room for five hours, as a new account runs a few vCPUs at once', async () => {
    const { ended, told, pauses, error } = await walk(Array.from({ length: 100 }, () => noRoom));
    expect({ ended, error }).toEqual({ ended: 'failed', error: 'ECS.AmazonECSException' });
    expect(told).toHaveLength(24);
    expect(pauses.slice(0, 6)).toEqual([60, 120, 240, 480, 900, 900]);
    const hours = (pauses as number[]).reduce((sum, one) => sum + one, 0) / 3600;
    expect(hours).toBeGreaterThan(4.9);
    expect(hours).toBeLessThan(5.1);
  });

  test('does not count a wait for room as an attempt', async () => {
    const busy = stopped(EXIT_FOR_NOW);
    const errors = [noRoom, noRoom, noRoom, noRoom, busy, noRoom, busy];
    const { ended, pauses } = await walk(errors);
    expect(ended).toBe('done');
    expect(pauses).toEqual([60, 120, 240, 480, 60, 900, 120]);
  });

  test('fails at once where nothing would change', async () => {
    expect(await walk([stopped(EXIT_FOR_GOOD)])).toMatchObject({ ended: 'failed', told: [event] });
  });
});

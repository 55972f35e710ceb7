// The states of a machine that runs one task: it waits for room and for its end, and tries again only what may end otherwise.
import { EXIT_FOR_GOOD } from '../../../names/aws.ts';

/** How often a task is begun at most, and how long the first pause is; each pause is twice as long as the one before. */
const ATTEMPTS = 3;
const PAUSE_SECONDS = 60;

/**
 * How often room is asked for, and the longest pause between: five hours in all. A new account may run a few vCPUs at once, and the tasks of
 * several sources are due at the same minute.
 */
const ASKED_FOR_ROOM = 24;
const MOST_SECONDS = 900;

/** What Amazon ECS answers when the same request may be taken later; nothing has begun then. All its other answers stay as they are. */
const PASSING = [
  'ECS.ServerException',
  'ECS.ThrottlingException',
  'ECS.AmazonECSException',
  'AmazonECS.Unknown',
];

/**
 * Whether an error will be the same the next time: the program said so by its exit code, or ECS refused the request. A task that ended
 * without an exit code was ended by something else: its image could not be fetched, or its host went away.
 */
export const IS_FOR_GOOD = [
  "$states.errorOutput.Error = 'States.TaskFailed'",
  `? $contains($states.errorOutput.Cause, /"ExitCode":\\s*${EXIT_FOR_GOOD}[^0-9]/)`,
  `: $not($states.errorOutput.Error in [${PASSING.map((one) => `'${one}'`).join(', ')}])`,
].join(' ');

/** The definition of a machine that has `run` done with the event that started it, which is in `$event`. */
export function statesAround(run: Readonly<Record<string, unknown>>): object {
  return {
    Comment: 'Runs a task and waits for its end',
    QueryLanguage: 'JSONata',
    StartAt: 'Begin',
    States: {
      Begin: {
        Type: 'Pass',
        Assign: { event: '{% $states.input %}', attempt: 1, asked: 1 },
        Next: 'Run',
      },
      Run: {
        ...run,
        Catch: [
          {
            // Stands for every error but the end of the time.
            ErrorEquals: ['States.TaskFailed'],
            Assign: {
              isForGood: `{% ${IS_FOR_GOOD} %}`,
              hasBegun: "{% $states.errorOutput.Error = 'States.TaskFailed' %}",
              error: '{% $states.errorOutput.Error %}',
              cause: '{% $states.errorOutput.Cause %}',
            },
            Next: 'Judge',
          },
        ],
        End: true,
      },
      Judge: {
        Type: 'Choice',
        Choices: [
          {
            Condition: `{% $isForGood or $attempt >= ${ATTEMPTS} or $asked >= ${ASKED_FOR_ROOM} %}`,
            Next: 'Give up',
          },
          { Condition: '{% $hasBegun %}', Next: 'Pause' },
        ],
        Default: 'Wait for room',
      },
      'Wait for room': {
        Type: 'Wait',
        Seconds: `{% $min([${MOST_SECONDS}, ${PAUSE_SECONDS} * $power(2, $asked - 1)]) %}`,
        Assign: { asked: '{% $asked + 1 %}' },
        Next: 'Run',
      },
      Pause: {
        Type: 'Wait',
        Seconds: `{% ${PAUSE_SECONDS} * $power(2, $attempt - 1) %}`,
        Assign: { attempt: '{% $attempt + 1 %}' },
        Next: 'Run',
      },
      'Give up': { Type: 'Fail', Error: '{% $error %}', Cause: '{% $cause %}' },
    },
  };
}

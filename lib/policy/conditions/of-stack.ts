// What can be wrong with the functions of a stack, and with what starts them. A part of the table in table.ts.
import { COUNTED, type Condition } from './row.ts';

/** The share of a function's time. */
export const NEAR_TIMEOUT_SHARE = 0.9;

export const FUNCTION_CONDITIONS = {
  errors: {
    about: 'function',
    severity: 'alarm',
    sentence: 'NAME failed; its log says why',
    means: 'What this function does was not done; other alarms tell when that begins to matter.',
    next: ['Its log names the code of the error; holdfast explain CODE what to do.'],
    runbook: 'alarm-errors',
    watched: { metric: 'Errors', ...COUNTED, silence: 'fine' },
  },
  silent: {
    about: 'function',
    severity: 'alarm',
    sentence: 'NAME has not run for half an hour',
    means:
      'Nobody looks at the system any more, or nobody is told: silence does not mean that all is well.',
    next: [
      'Look at its schedule and its role: was one of them changed or deleted?',
      'holdfast deploy makes them again.',
    ],
    runbook: 'alarm-silent',
    watched: {
      metric: 'Invocations',
      breach: 'below',
      threshold: 1,
      // Each of five minutes.
      points: 6,
      silence: 'alarm',
    },
  },
  throttles: {
    about: 'function',
    severity: 'watch',
    sentence: 'NAME was not started because too many run at once; it is tried again for six hours',
    means: 'Runs wait for others; they are tried again.',
    next: ['Raise the quota of concurrent runs of the account, or spread the schedules.'],
    runbook: 'alarm-throttles',
    watched: { metric: 'Throttles', ...COUNTED, silence: 'fine' },
  },
  duration: {
    about: 'function',
    severity: 'watch',
    sentence: 'NAME takes nearly all of its time, LIMIT',
    means: 'When it takes all of its time, it is stopped, and what it does is not done.',
    next: [
      'Split the largest source, or back it up from the command line, in CI or by AWS Backup.',
    ],
    runbook: 'alarm-duration',
    watched: {
      metric: 'Duration',
      breach: 'above',
      threshold: 'nearTimeoutMs',
      silence: 'fine',
    },
  },
} as const satisfies Record<string, Condition>;

const NEXT_OF_LOST = [
  'holdfast status says what has not run since then; start it again.',
  'Look at the dead-letter queue, its policy, and the key of messages: was one of them changed?',
];

export const STACK_CONDITIONS = {
  'dead-letters': {
    about: 'stack',
    severity: 'alarm',
    sentence: 'An event or a run was given up; the queue of dead letters holds it',
    means: 'A run or a message did not happen, and nobody will try it again.',
    next: ['Look into the queue; then start again what did not run.'],
    runbook: 'alarm-dead-letters',
    watched: {
      metric: 'ApproximateNumberOfMessagesVisible',
      ...COUNTED,
      silence: 'fine',
    },
  },
  'lost-runs': {
    about: 'stack',
    severity: 'alarm',
    sentence: 'A schedule could not start its run, and no dead letter could be kept of it',
    means: 'A scheduled run did not happen, and nobody will try it again.',
    next: NEXT_OF_LOST,
    runbook: 'alarm-lost-runs',
    watched: {
      metric: 'InvocationsFailedToBeSentToDeadLetterCount',
      ...COUNTED,
      silence: 'fine',
    },
  },
  'lost-events': {
    about: 'stack',
    severity: 'alarm',
    sentence: 'An event could not be delivered, and no dead letter could be kept of it',
    means: 'A proof, a backup after a deployment, or a message about an alarm did not happen.',
    next: NEXT_OF_LOST,
    runbook: 'alarm-lost-events',
    watched: { metric: 'InvocationsFailedToBeSentToDlq', ...COUNTED, silence: 'fine' },
  },
  'lost-work': {
    about: 'stack',
    severity: 'alarm',
    sentence: 'A function gave up an event, and no dead letter could be kept of it',
    means: 'What that function should have done was not done, and nobody will try it again.',
    next: NEXT_OF_LOST,
    runbook: 'alarm-lost-work',
    watched: { metric: 'DeadLetterErrors', ...COUNTED, silence: 'fine' },
  },
} as const satisfies Record<string, Condition>;
export type StackCode = keyof typeof STACK_CONDITIONS;

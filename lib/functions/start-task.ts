// Starting the task of a stack that backs up from outside, by its state machine, and looking whether it goes on.
import { createHash } from 'node:crypto';
import {
  DescribeExecutionCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { HoldfastError } from '../errors.ts';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import { backupId, type Trigger } from '../format/ids.ts';
import type { Manifest } from '../format/manifest.ts';
import { partitionOf } from '../names/aws.ts';
import { backupReport, type BackupReport } from './reports.ts';

export interface TaskRequest {
  /** The name of the state machine. */
  readonly machine: string;
  readonly region: string;
  /** Undefined for that of the credentials. */
  readonly account: string | undefined;
  readonly source: string;
  readonly trigger: Trigger;
}

/** The state machines of a region. */
export interface Machines extends Disposable {
  /**
   * Starts the backup, and gives the ARN of its execution. The same trigger is one execution: where it was started before, that is what it gives.
   *
   * `STORE_DENIED` when it may not be started, or its state machine does not exist.
   */
  readonly start: (request: TaskRequest) => Promise<string>;
  /** `COMMAND_FAILED` for an execution that has failed, was ended, or took too long; resolves for one that runs or has succeeded. */
  readonly assertWell: (execution: string, machine: string) => Promise<void>;
}

export function openMachines(region: string, signal: AbortSignal): Machines {
  const client = new SFNClient({ region });
  return {
    start: (request) => start(client, request, signal),
    assertWell: (execution, machine) => assertWell(client, { execution, machine, signal }),
    [Symbol.dispose]: () => client.destroy(),
  };
}

/** What a task that is waited for has made. */
export function storedReport(manifest: Manifest): BackupReport {
  return backupReport('made', manifest);
}

async function start(
  client: SFNClient,
  request: TaskRequest,
  signal: AbortSignal,
): Promise<string> {
  const { machine, source, trigger } = request;
  const arn = await arnOf(client, request, signal);
  const input = JSON.stringify({
    trigger: trigger.kind,
    source,
    at: trigger.at.toISOString(),
  });
  const name = executionName(source, trigger);
  try {
    const command = new StartExecutionCommand({ stateMachineArn: arn, name, input });
    const { executionArn = '' } = await client.send(command, { abortSignal: signal });
    return executionArn;
  } catch (error) {
    // Of one that has ended; one that still runs is given as if it had been started now.
    if (awsFailure(error)?.name === 'ExecutionAlreadyExists')
      return `${arn.replace(':stateMachine:', ':execution:')}:${name}`;
    throw awsError(error, { thing: `the state machine ${machine}`, doing: 'cannot be started' });
  }
}

/** At most 80 characters: the name of a source would not fit. */
function executionName(source: string, trigger: Trigger): string {
  const digest = createHash('sha256').update(source).digest('hex').slice(0, 16);
  return `${backupId(trigger)}-${digest}`;
}

async function arnOf(
  client: SFNClient,
  { machine, region, account }: TaskRequest,
  signal: AbortSignal,
): Promise<string> {
  if (account !== undefined)
    return `arn:${partitionOf(region)}:states:${region}:${account}:stateMachine:${machine}`;
  let nextToken: string | undefined;
  do {
    const command = new ListStateMachinesCommand({ nextToken });
    const page = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw awsError(error, {
        thing: 'Step Functions',
        doing: 'cannot be asked for its state machines',
      });
    });
    const found = page.stateMachines?.find(({ name }) => name === machine)?.stateMachineArn;
    if (found !== undefined) return found;
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  throw new HoldfastError('STORE_DENIED', `there is no state machine ${machine} in ${region}`, {
    hint: 'Deploy the stack, or sign in to its account; `aws.account` says which one that is.',
  });
}

interface Watched {
  readonly execution: string;
  readonly machine: string;
  readonly signal: AbortSignal;
}

async function assertWell(
  client: SFNClient,
  { execution, machine, signal }: Watched,
): Promise<void> {
  const command = new DescribeExecutionCommand({ executionArn: execution });
  const { status = '', error } = await client
    .send(command, { abortSignal: signal })
    .catch((thrown: unknown) => {
      throw awsError(thrown, { thing: `the execution ${execution}`, doing: 'cannot be looked at' });
    });
  if (status === 'RUNNING' || status === 'SUCCEEDED') return;
  const why = error === undefined ? '' : `: ${error}`;
  throw new HoldfastError('COMMAND_FAILED', `the task ${machine} has ended as ${status}${why}`, {
    hint: `Its log says why: /aws/lambda/${machine} in CloudWatch Logs, in a stream that begins with task. This trigger will not be retried. Fix the cause, then start a new run.`,
  });
}

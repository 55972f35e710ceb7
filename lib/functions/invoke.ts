// Starting the backup function of a stack from outside, and taking its answer for what it is.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import { persist } from '../network/persist.ts';
import type { BackupReport } from './reports.ts';

export interface BackupRequest {
  readonly functionName: string;
  /** Undefined for that of the environment. */
  readonly region: string | undefined;
  readonly source: string;
  readonly trigger: 'manual' | 'pre-deploy';
  readonly at: Date;
  readonly signal: AbortSignal;
}

/** How long to wait when the function is busy with another backup. */
const BUSY_MS = 5_000;

/**
 * Has the function make a backup and waits for it. Asking twice is harmless: the same time gives the same backup.
 *
 * Whatever the function fails with is thrown as it was there. `STORE_DENIED` when it may not be invoked, or does not exist;
 * `COMMAND_FAILED` when it died without saying why; `CANCELLED` when the signal is aborted.
 */
export async function invokeBackup(request: BackupRequest): Promise<BackupReport> {
  const { functionName, region, signal } = request;
  const client = new LambdaClient(region === undefined ? {} : { region });
  const Payload = JSON.stringify({
    trigger: request.trigger,
    source: request.source,
    at: request.at.toISOString(),
  });
  const command = new InvokeCommand({ FunctionName: functionName, Payload });
  const isBusy = (error: unknown) => awsFailure(error)?.name === 'TooManyRequestsException';
  try {
    const { FunctionError, Payload: answer } = await persist(
      () => client.send(command, { abortSignal: signal }),
      { signal, again: (error) => (isBusy(error) ? BUSY_MS : undefined) },
    );
    const text = Buffer.from(answer ?? []).toString('utf8');
    if (FunctionError !== undefined) throw failureOf(text, functionName);
    return reportOf(text, functionName);
  } catch (error) {
    throw awsError(error, { thing: `the function ${functionName}`, doing: 'cannot be invoked' });
  } finally {
    client.destroy();
  }
}

/** The answer, which may be that of another function, or of one from another version. */
function reportOf(answer: string, functionName: string): BackupReport {
  const { outcome, source, id, status, problems, problemCount, bytes } = jsonOf(answer);
  if (
    isOutcome(outcome) &&
    isStatus(status) &&
    typeof source === 'string' &&
    typeof id === 'string' &&
    Array.isArray(problems) &&
    typeof problemCount === 'number' &&
    typeof bytes === 'number'
  ) {
    const listed = problems as BackupReport['problems'];
    return { outcome, source, id, status, problems: listed, problemCount, bytes };
  }
  throw new HoldfastError(
    'COMMAND_FAILED',
    `the function ${functionName} answered something else than the result of a backup`,
    { hint: 'Is the stack of another version? Deploy it again.' },
  );
}

function isOutcome(value: unknown): value is BackupReport['outcome'] {
  return value === 'made' || value === 'already' || value === 'superseded';
}

function isStatus(value: unknown): value is BackupReport['status'] {
  return value === 'complete' || value === 'partial';
}

function failureOf(answer: string, functionName: string): HoldfastError {
  const { errorType, errorMessage } = jsonOf(answer);
  const message = typeof errorMessage === 'string' ? errorMessage : answer;
  const hint = `Its log says more: /aws/lambda/${functionName} in CloudWatch Logs.`;
  if (isCode(errorType)) return new HoldfastError(errorType, message, { hint });
  return new HoldfastError(
    'COMMAND_FAILED',
    `the function ${functionName} ended without a result: ${message.slice(0, 300)}`,
    { hint },
  );
}

function jsonOf(answer: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    // What a function that was killed leaves behind is text.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

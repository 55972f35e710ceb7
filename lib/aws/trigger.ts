// Starting the backup function of a stack from outside, and taking its answer for what it is.
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { awsError } from './errors.ts';
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
  try {
    for (;;) {
      try {
        const command = new InvokeCommand({ FunctionName: functionName, Payload });
        const { FunctionError, Payload: answer } = await client.send(command, {
          abortSignal: signal,
        });
        const text = Buffer.from(answer ?? []).toString('utf8');
        if (FunctionError !== undefined) throw failureOf(text, functionName);
        return JSON.parse(text) as BackupReport;
      } catch (error) {
        const busy = error instanceof Error && error.name === 'TooManyRequestsException';
        if (signal.aborted || !busy)
          throw awsError(error, {
            thing: `the function ${functionName}`,
            doing: 'cannot be invoked',
          });
      }
      await sleep(BUSY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    client.destroy();
  }
}

function failureOf(answer: string, functionName: string): HoldfastError {
  const { errorType, errorMessage } = fieldsOf(answer);
  const hint = `Its log says more: /aws/lambda/${functionName} in CloudWatch Logs.`;
  if (isCode(errorType)) return new HoldfastError(errorType, errorMessage, { hint });
  return new HoldfastError(
    'COMMAND_FAILED',
    `the function ${functionName} ended without a result: ${errorMessage.slice(0, 300)}`,
    { hint },
  );
}

function fieldsOf(answer: string): { errorType: string; errorMessage: string } {
  try {
    const { errorType, errorMessage } = JSON.parse(answer) as Record<string, unknown>;
    return { errorType: String(errorType), errorMessage: String(errorMessage) };
  } catch {
    return { errorType: '', errorMessage: answer };
  }
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

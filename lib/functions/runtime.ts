// What stands between the service and a handler where no runtime of the service does: in an image of our own.
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import type { FunctionContext } from './deadline.ts';
import { failureOf, RuntimeApi, type Invoked } from './runtime-api.ts';

type Handler = (event: unknown, context: FunctionContext) => Promise<unknown>;

/**
 * Gives every event to the handler that `named` tells, such as `database-backup.handler`: a file beside the code, and what it exports.
 *
 * Never returns. A handler that fails has failed its event alone; what nothing catches, and an API that does not answer, end the
 * process, and the service starts another.
 */
export async function serve(named: string | undefined): Promise<never> {
  const api = new RuntimeApi(process.env['AWS_LAMBDA_RUNTIME_API'] ?? '');
  let current: string | undefined;
  const end = async (error: unknown): Promise<never> => {
    const failure = failureOf(error);
    process.stderr.write(`${JSON.stringify({ level: 'ERROR', ...failure })}\n`);
    try {
      if (current !== undefined) await api.fail(current, failure);
    } finally {
      // Whoever threw it may have left anything half done.
      process.exit(1);
    }
  };
  process.on('uncaughtException', (error) => void end(error));
  try {
    const handler = await load(api, named);
    for (;;) {
      const invoked = await api.next();
      current = invoked.requestId;
      await serveOne(api, handler, invoked);
      current = undefined;
    }
  } catch (error) {
    current = undefined;
    return await end(error);
  }
}

async function load(api: RuntimeApi, named: string | undefined): Promise<Handler> {
  try {
    return await handlerOf(named);
  } catch (error) {
    await api.failInit(failureOf(error));
    throw error;
  }
}

async function handlerOf(named = ''): Promise<Handler> {
  const [, file, name] = /^([\w-]+)\.(\w+)$/.exec(named) ?? [];
  if (file === undefined || name === undefined) {
    throw new Error(`the handler "${named}" is not of the form file.export`);
  }
  const folder = process.env['LAMBDA_TASK_ROOT'] ?? process.cwd();
  const url = pathToFileURL(path.join(folder, `${file}.js`)).href;
  const { [name]: handler } = (await import(url)) as Record<string, unknown>;
  if (typeof handler !== 'function') throw new Error(`${file}.js exports no function ${name}`);
  return handler as Handler;
}

async function serveOne(api: RuntimeApi, handler: Handler, invoked: Invoked): Promise<void> {
  const { requestId, event, deadlineMs, traceId } = invoked;
  if (traceId === undefined) delete process.env['_X_AMZN_TRACE_ID'];
  else process.env['_X_AMZN_TRACE_ID'] = traceId;
  const context = {
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? '',
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
  let result: unknown;
  try {
    result = await handler(JSON.parse(event), context);
  } catch (error) {
    await api.fail(requestId, failureOf(error));
    return;
  }
  await api.succeed(requestId, result);
}

// Lambda's side of a function: a server that hands out events by the Runtime API, and keeps what it is answered.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { machineTime } from './machine-time.ts';

/** How the function answered an event. */
export interface Answer {
  readonly kind: 'response' | 'error';
  readonly body: unknown;
  /** The header that names the error. */
  readonly errorType: string | undefined;
}

export interface EventOptions {
  /** @default a minute */
  readonly remainingMs?: number;
  readonly traceId?: string;
  /** What the service answers to a result; the error that follows is taken. @default 202 */
  readonly status?: number;
  /** Sent as it is; JSON of the event otherwise. */
  readonly raw?: string;
}

interface Waiting extends EventOptions {
  readonly event: unknown;
  readonly requestId: string;
  readonly answered: (answer: Answer) => void;
}

export class LambdaService implements AsyncDisposable {
  /** `AWS_LAMBDA_RUNTIME_API` of the function. */
  readonly host: string;
  /** What functions told that could not start. */
  readonly initErrors: unknown[] = [];
  private readonly server: http.Server;
  private readonly events: Waiting[] = [];
  private readonly running = new Map<string, Waiting>();
  private asking: ((event: Waiting) => void) | undefined;
  private requests = 0;

  private constructor(server: http.Server) {
    this.server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(): Promise<LambdaService> {
    const server = http.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return new LambdaService(server);
  }

  /** Hands out an event; what the function answers. */
  invoke(event: unknown, options: EventOptions = {}): Promise<Answer> {
    return new Promise((answered) => {
      const requestId = `request-${(this.requests += 1)}`;
      const waiting = { ...options, event, requestId, answered };
      if (this.asking === undefined) this.events.push(waiting);
      else this.asking(waiting);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse) {
    const path = request.url?.replace('/2018-06-01/runtime', '') ?? '';
    if (request.method === 'GET' && path === '/invocation/next') {
      this.handOut(response);
      return;
    }
    const body = await text(request);
    const [, requestId = '', kind] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const waiting = this.running.get(requestId);
    if (path === '/init/error') this.initErrors.push(JSON.parse(body));
    else if (waiting === undefined || (kind !== 'response' && kind !== 'error')) {
      response.writeHead(400).end();
      return;
    } else {
      const { status = 202 } = waiting;
      if (kind === 'response' && status !== 202) {
        response.writeHead(status).end();
        return;
      }
      this.running.delete(requestId);
      const type = request.headers['lambda-runtime-function-error-type'];
      const errorType = typeof type === 'string' ? type : undefined;
      waiting.answered({ kind, body: JSON.parse(body), errorType });
    }
    response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}');
  }

  private handOut(response: http.ServerResponse) {
    const give = (waiting: Waiting) => {
      this.asking = undefined;
      this.running.set(waiting.requestId, waiting);
      const { requestId, remainingMs = 60_000, traceId, event, raw } = waiting;
      response.writeHead(200, {
        'Content-Type': 'application/json',
        'Lambda-Runtime-Aws-Request-Id': requestId,
        'Lambda-Runtime-Deadline-Ms': String(machineTime().getTime() + remainingMs),
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:000000000000:function:f',
        ...(traceId !== undefined && { 'Lambda-Runtime-Trace-Id': traceId }),
      });
      response.end(raw ?? JSON.stringify(event));
    };
    const next = this.events.shift();
    if (next === undefined) this.asking = give;
    else give(next);
  }
}

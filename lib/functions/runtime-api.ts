// The service's side of a function that brings its own runtime: it hands out one event after the other, and takes the answers.
// The protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import http from 'node:http';
import { withoutSecrets } from './without-secrets.ts';

const VERSION = '/2018-06-01';
const TOO_LARGE = 413;

/** An event, and what comes with it. */
export interface Invoked {
  readonly requestId: string;
  /** As it came: JSON. */
  readonly event: string;
  /** When the function will be stopped, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** For what the function calls in turn; undefined where nothing is traced. */
  readonly traceId: string | undefined;
}

/** What the service gets about a failure. */
export interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace: readonly string[];
}

/** What to tell of an error; nothing in it looks like a credential. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) {
    return { errorType: 'UNEXPECTED', errorMessage: `${typeof error} was thrown`, stackTrace: [] };
  }
  const [, ...lines] = (error.stack ?? '').slice(error.message.length).split('\n    at ');
  return {
    errorType: error.name,
    errorMessage: withoutSecrets(error.message),
    stackTrace: lines.map((line) => withoutSecrets(line.trim())),
  };
}

/** The Runtime API at `host`, an address with a port. Whatever it does not answer as it should, throws: there is no way on then. */
export class RuntimeApi {
  private readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  /** The next event, whenever it comes: the process may be frozen for hours meanwhile. */
  async next(): Promise<Invoked> {
    const { status, headers, body } = await this.send('GET', '/runtime/invocation/next');
    const requestId = headers['lambda-runtime-aws-request-id'];
    if (status !== 200 || typeof requestId !== 'string') {
      throw new Error(`the Runtime API has no event, and answers ${status}`);
    }
    const traceId = headers['lambda-runtime-trace-id'];
    return {
      requestId,
      event: body,
      deadlineMs: Number(headers['lambda-runtime-deadline-ms']),
      traceId: typeof traceId === 'string' ? traceId : undefined,
    };
  }

  /** Answers an event. */
  async succeed(requestId: string, result: unknown): Promise<void> {
    const path = `/runtime/invocation/${requestId}/response`;
    const { status } = await this.send('POST', path, JSON.stringify(result ?? null));
    if (status === TOO_LARGE) {
      const error = new Error('the result is larger than the service takes');
      error.name = 'Function.ResponseSizeTooLarge';
      await this.fail(requestId, failureOf(error));
    } else if (!isTaken(status)) throw new Error(`the Runtime API answers a result with ${status}`);
  }

  /** Tells that the handler of an event has failed. */
  async fail(requestId: string, failure: Failure): Promise<void> {
    await this.tell(`/runtime/invocation/${requestId}/error`, failure);
  }

  /** Tells that there is no handler to give events to. */
  async failInit(failure: Failure): Promise<void> {
    await this.tell('/runtime/init/error', failure);
  }

  private async tell(path: string, failure: Failure): Promise<void> {
    const type = { 'Lambda-Runtime-Function-Error-Type': failure.errorType };
    const { status } = await this.send('POST', path, JSON.stringify(failure), type);
    if (!isTaken(status)) throw new Error(`the Runtime API answers an error with ${status}`);
  }

  // A connection for each request, and no limit of time: a process that was frozen finds neither as it left it.
  private send(
    method: string,
    path: string,
    body?: string,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.request(`http://${this.host}${VERSION}${path}`, {
        method,
        agent: false,
        headers: {
          ...(body !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          }),
          ...headers,
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0 } = response;
          resolve({ status, headers: response.headers, body: Buffer.concat(chunks).toString() });
        });
      });
      request.end(body);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function isTaken(status: number): boolean {
  return status >= 200 && status < 300;
}

// What a healthy server does not do, laid between the SDK and a real one: errors, resets, stalls, short bodies, answers that are lost.
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { machineTime } from './machine-time.ts';

/** A request on its way. */
export interface SentRequest {
  /** As S3 calls it. */
  readonly operation: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What happens to one request, instead of or besides what the server does. */
export type Fault =
  /** Answered so, and never sent. */
  | { readonly answer: { readonly status: number; readonly name: string; readonly more?: string } }
  /** A whole answer that the server never gave. */
  | { readonly body: string; readonly status?: number }
  /** Sent and done; then the answer is lost. */
  | { readonly lost: true }
  /** Never sent: the connection is reset. */
  | { readonly reset: true }
  /** Never answered, nor closed. */
  | { readonly hang: true }
  /** The body of the answer ends after so many bytes: with an error, for ever, or as if that were all. */
  | { readonly after: number; readonly then: 'reset' | 'stall' | 'end' }
  /** The body of the answer comes whole, in so many pieces with a pause before each. */
  | { readonly pieces: number; readonly pauseMs: number }
  /** The answer, altered. */
  | { readonly edit: (answer: EditedAnswer) => Promise<EditedAnswer> | EditedAnswer };

export interface EditedAnswer {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The fault of a request, or undefined; called once for each. */
export type Faults = (request: SentRequest, number: number) => Fault | undefined;

interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: Readable;
}

/** What the SDK asks of a handler of requests. */
interface Handler {
  readonly metadata: { readonly handlerProtocol: string };
  readonly destroy: () => void;
  readonly updateHttpClientConfig: () => void;
  readonly httpHandlerConfigs: () => object;
  readonly handle: (
    request: Routed,
    options?: { readonly abortSignal?: AbortSignal },
  ) => Promise<{ response: HttpAnswer }>;
}

/** Everything that `client` sends from now on; what happens to it is `faults`. */
export function layFaults(client: S3Client, faults: Faults = () => undefined): SentRequest[] {
  const real = client.config.requestHandler as Handler;
  const sent: SentRequest[] = [];
  const handle: Handler['handle'] = async (request, options) => {
    const { path, query = {}, headers } = request;
    const seen = { operation: operationOf(request), path, query, headers };
    sent.push(seen);
    const fault = faults(seen, sent.length);
    if (fault === undefined) return real.handle(request, options);
    if ('hang' in fault) return hang(options?.abortSignal);
    if ('reset' in fault) throw resetError();
    if ('answer' in fault) return errorAnswer(fault.answer);
    if ('body' in fault) return answerOf(fault.status ?? 200, fault.body);
    const { response } = await real.handle(request, options);
    return { response: await spoil(response, fault) };
  };
  const faulty: Handler = {
    metadata: { handlerProtocol: 'http/1.1' },
    destroy: () => real.destroy(),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    handle,
  };
  client.config.requestHandler = faulty as typeof client.config.requestHandler;
  return sent;
}

/** The requests of a fault that strikes some operation a number of times, beginning with the `from`-th. */
export function strike(
  operation: string,
  fault: Fault,
  { times = 1, from = 1 }: { times?: number; from?: number } = {},
): Faults {
  let seen = 0;
  return (request) => {
    if (request.operation !== operation) return undefined;
    seen += 1;
    return seen >= from && seen < from + times ? fault : undefined;
  };
}

async function spoil(
  answer: HttpAnswer,
  fault: Extract<
    Fault,
    { lost: true } | { after: number } | { pieces: number } | { edit: unknown }
  >,
): Promise<HttpAnswer> {
  if ('lost' in fault) {
    answer.body.resume();
    throw resetError();
  }
  if ('after' in fault) return { ...answer, body: shortened(answer.body, fault) };
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  if ('pieces' in fault)
    return { ...answer, body: Readable.from(slowly(Buffer.concat(chunks), fault)) };
  const body = Buffer.concat(chunks).toString();
  const edited = await fault.edit({ headers: { ...answer.headers }, body });
  return { ...answer, headers: edited.headers, body: Readable.from([Buffer.from(edited.body)]) };
}

async function* slowly(
  body: Buffer,
  { pieces, pauseMs }: { pieces: number; pauseMs: number },
): AsyncGenerator<Buffer> {
  const size = Math.ceil(body.byteLength / pieces);
  for (let at = 0; at < body.byteLength; at += size) {
    await wait(pauseMs);
    yield body.subarray(at, at + size);
  }
}

function shortened(
  body: Readable,
  { after, then }: { after: number; then: 'reset' | 'stall' | 'end' },
): Readable {
  let left = after;
  const answer = new Readable({ read: () => undefined });
  body.on('data', (chunk: Buffer) => {
    if (left > 0) answer.push(chunk.subarray(0, left));
    left -= chunk.byteLength;
    if (left > 0) return;
    body.removeAllListeners('data');
    body.resume();
    if (then === 'reset') answer.destroy(resetError());
    if (then === 'end') answer.push(null);
  });
  return answer;
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(Object.assign(new Error('Request aborted'), { name: 'AbortError' }));
    });
  });
}

function resetError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

function errorAnswer(answer: { status: number; name: string; more?: string }) {
  const { status, name, more = '' } = answer;
  return answerOf(status, `<Error><Code>${name}</Code><Message>as told</Message>${more}</Error>`);
}

function answerOf(statusCode: number, body: string) {
  const headers = {
    'content-type': 'application/xml',
    date: machineTime().toUTCString(),
    'x-amz-request-id': 'TEST',
  };
  const text = `<?xml version="1.0" encoding="UTF-8"?>${body}`;
  return { response: { statusCode, headers, body: Readable.from([Buffer.from(text)]) } };
}

interface Routed {
  readonly method: string;
  readonly path: string;
  readonly query?: SentRequest['query'];
  readonly headers: Readonly<Record<string, string>>;
}

/** By what stands in the query, most telling first. */
const ROUTES: readonly (readonly [method: string, parameter: string, operation: string])[] = [
  ['GET', 'versions', 'ListObjectVersions'],
  ['GET', 'list-type', 'ListObjectsV2'],
  ['GET', 'tagging', 'GetObjectTagging'],
  ['PUT', 'tagging', 'PutObjectTagging'],
  ['GET', 'retention', 'GetObjectRetention'],
  ['PUT', 'retention', 'PutObjectRetention'],
  ['POST', 'uploads', 'CreateMultipartUpload'],
  ['POST', 'uploadId', 'CompleteMultipartUpload'],
  ['DELETE', 'uploadId', 'AbortMultipartUpload'],
  ['PUT', 'uploadId', 'UploadPart'],
];
const PLAIN: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  PUT: 'PutObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
};

function operationOf({ method, path, query = {}, headers }: Routed): string {
  const route = ROUTES.find(([verb, parameter]) => verb === method && parameter in query);
  const operation = route?.[2] ?? PLAIN[method] ?? method;
  if (operation === 'UploadPart' && 'x-amz-copy-source' in headers) return 'UploadPartCopy';
  const isBucket = path.split('/').filter((part) => part !== '').length < 2;
  return operation === 'HeadObject' && isBucket ? 'HeadBucket' : operation;
}

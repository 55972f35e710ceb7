// Requests to the URL of a function, in the form in which Lambda hands them over, and a server that makes them of real ones.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UrlResponse } from '../../lib/functions/acknowledge/url-event.ts';

export interface UrlCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly from?: string;
}

/** The event of a request: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
export function urlEventOf({ method = 'GET', path, headers = {}, body, from }: UrlCall): unknown {
  const url = new URL(path, 'https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws');
  const sourceIp = from ?? '192.0.2.1';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers: { host: url.host, 'x-forwarded-for': sourceIp, ...headers },
    requestContext: {
      accountId: 'anonymous',
      apiId: url.host.split('.')[0],
      domainName: url.host,
      http: { method, path: url.pathname, protocol: 'HTTP/1.1', sourceIp, userAgent: 'test' },
      requestId: 'a-request',
      routeKey: '$default',
      stage: '$default',
      time: '22/Nov/2026:03:00:00 +0000',
      timeEpoch: 1_795_316_400_000,
    },
    // Lambda encodes the body of a form.
    ...(body !== undefined && { body: Buffer.from(body).toString('base64') }),
    isBase64Encoded: body !== undefined,
  };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** What a browser sends when somebody presses the button. */
export function formEventOf(call: UrlCall, fields: Readonly<Record<string, string>> = {}): unknown {
  const body = new URLSearchParams(fields).toString();
  return urlEventOf({ method: 'POST', ...call, body, headers: FORM });
}

export interface UrlServer extends AsyncDisposable {
  readonly url: string;
  /** What was asked, in order: `GET /…`. */
  readonly asked: readonly string[];
}

/** Hands each request to `handle` as Lambda would, one after the other, as with a reserved concurrency of 1. */
export async function serveUrl(
  handle: (event: unknown) => Promise<UrlResponse>,
): Promise<UrlServer> {
  const asked: string[] = [];
  let before: Promise<unknown> = Promise.resolve();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      asked.push(`${method} ${path}`);
      const plain = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, String(value)]),
      );
      const body = Buffer.concat(chunks);
      const call = { method, path, headers: plain, ...(body.length > 0 && { body }) };
      const answered = before.then(() => handle(urlEventOf(call)));
      before = answered.catch(() => undefined);
      answered.then(
        ({ statusCode, headers: own, body: text }) => response.writeHead(statusCode, own).end(text),
        () => response.writeHead(502).end('Internal Server Error'),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

// An HTTP server that takes messages, keeps what it got, and misbehaves as it is told.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** How it answers: with a status, never, or by breaking off. */
export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'hang'
  | 'reset';

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** The next answers, in order; afterwards it answers with the last one. */
  answers(...answers: Answer[]): void;
  /** Answers those whose path ends so. */
  answersAt(ending: string, answer: Answer): void;
}

const WELL: Answer = { status: 200, body: 'ok' };

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let planned: Answer[] = [WELL];
  const byPath = new Map<string, Answer>();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      const [, own] = [...byPath].find(([ending]) => path.endsWith(ending)) ?? [];
      const answer = own ?? planned[0] ?? WELL;
      if (own === undefined && planned.length > 1) planned = planned.slice(1);
      if (answer === 'hang') return;
      if (answer === 'reset') {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers ?? {});
      response.end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answers: (...answers) => {
      planned = answers;
    },
    answersAt: (ending, answer) => {
      byPath.set(ending, answer);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

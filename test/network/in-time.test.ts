// Answers that do not come, and bodies that stall or break off, as a real server gives them.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { BrokenAnswer, NoAnswer } from '../../lib/network/broken-answer.ts';
import { arriving, inTime } from '../../lib/network/in-time.ts';

const LONG_MS = 60_000;
let server: Server | undefined;

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function bodyAt(url: string): Promise<Readable> {
  const { body } = await fetch(url);
  if (body === null) throw new Error('no body');
  return Readable.fromWeb(body);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('an answer', () => {
  test('that does not come is NoAnswer, and the request is ended', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>();
    const url = await serve((request) => request.on('close', () => resolve(undefined)));
    const end = inTime({ ms: 50 }, (signal) => fetch(url, { signal }));
    await expect(end).rejects.toBeInstanceOf(NoAnswer);
    await expect(end).rejects.toThrow('gave no answer for 0.1 seconds');
    await closed;
  });

  test('that is interrupted is not called late', async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort());
    const { signal } = controller;
    const end = inTime({ ms: LONG_MS, signal }, (one) => fetch(url, { signal: one }));
    await expect(end).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('is not asked for any more when the signal is aborted already', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.end();
    });
    const end = inTime({ ms: LONG_MS, signal: AbortSignal.abort() }, (signal) =>
      fetch(url, { signal }),
    );
    await expect(end).rejects.toMatchObject({ name: 'AbortError' });
    expect(requests).toBe(0);
  });

  test('that fails for another reason fails with that', async () => {
    const url = await serve((request) => request.socket.destroy());
    const end = inTime({ ms: LONG_MS }, (signal) => fetch(url, { signal }));
    await expect(end).rejects.not.toBeInstanceOf(BrokenAnswer);
  });
});

describe('a body', () => {
  test('that comes is given whole', async () => {
    const url = await serve((_, response) => {
      response.write('one,');
      setImmediate(() => response.end('two'));
    });
    expect(await collect(arriving(await bodyAt(url), { ms: LONG_MS }))).toBe('one,two');
  });

  test('that gives nothing any more is broken', async () => {
    const url = await serve((_, response) => response.write('one'));
    const chunks = arriving(await bodyAt(url), { ms: 50 });
    expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('one');
    const end = chunks.next();
    await expect(end).rejects.toBeInstanceOf(BrokenAnswer);
    await expect(end).rejects.toThrow('gave nothing for 0.1 seconds');
  });

  test('that the connection takes away is broken, and says why', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('one', () => response.destroy());
    });
    const error: unknown = await collect(arriving(await bodyAt(url), { ms: LONG_MS })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(BrokenAnswer);
    expect((error as Error).message).toMatch(/^broke off/);
    expect((error as Error).cause).toBeDefined();
  });

  test('is not late because its reader takes longer than the limit', async () => {
    let text = '';
    for await (const chunk of arriving(Readable.from(['one,', 'two']), { ms: 20 })) {
      text += String(chunk);
      // A timer that had not been stopped would fire now.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      await tick();
    }
    expect(text).toBe('one,two');
  });

  test.each(['before', 'while'])('ends when it is interrupted: %s it is read', async (when) => {
    const url = await serve((_, response) => response.write('one'));
    const controller = new AbortController();
    const body = await bodyAt(url);
    if (when === 'before') controller.abort();
    else body.once('data', () => setImmediate(() => controller.abort()));
    const end = collect(arriving(body, { ms: LONG_MS, signal: controller.signal }));
    await expect(end).rejects.toThrow('was interrupted');
  });

  test('is closed when its reader has enough', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>();
    const url = await serve((_, response) => {
      response.on('close', () => resolve(undefined));
      response.write('one');
    });
    const body = await bodyAt(url);
    for await (const chunk of arriving(body, { ms: LONG_MS })) {
      expect(Buffer.from(chunk).toString()).toBe('one');
      break;
    }
    expect(body.destroyed).toBe(true);
    await closed;
  });
});

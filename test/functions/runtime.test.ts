// The runtime of the image, as a process of its own against a server that speaks the Runtime API.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LambdaService } from '../support/runtime-api.ts';

const RUNTIME = fileURLToPath(new URL('../../lambda/database/runtime.ts', import.meta.url));
/** What no log may hold. */
const CANARY = 'AKIACANARY1234567890';

const HANDLERS = `
let events = 0;
export async function handler(event, context) {
  events += 1;
  if (event.fails) throw Object.assign(new Error('no room, ' + event.fails), { name: 'NO_SPACE', secret: event.fails });
  if (event.throwsText) throw 'text';
  if (event.escapes) {
    setTimeout(() => { throw new Error('nobody waited for this'); }, 10);
    await new Promise(() => {});
  }
  if (event.nothing) return undefined;
  return {
    event, events,
    name: context.functionName,
    request: context.awsRequestId,
    remainingMs: context.getRemainingTimeInMillis(),
    trace: process.env['_X_AMZN_TRACE_ID'],
  };
}
export const text = 'no function';
`;

let service: LambdaService;
let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  service = await LambdaService.start();
  folder = mkdtempSync(join(tmpdir(), 'holdfast-runtime-'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'fixture.js'), HANDLERS);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await service[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function start(handler = 'fixture.handler') {
  const child = spawn(process.execPath, [RUNTIME, handler], {
    env: {
      AWS_LAMBDA_RUNTIME_API: service.host,
      AWS_LAMBDA_FUNCTION_NAME: 'holdfast-test-function',
      LAMBDA_TASK_ROOT: folder,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { ended, said: () => said.join('') };
}

test('gives the handler one event after the other, with what the service tells of each', async () => {
  start();
  const traced = { remainingMs: 30_000, traceId: 'Root=1-5e1b4151-43a0913a12345678901234567' };
  const first = await service.invoke({ source: 'db', text: 'ö\n' }, traced);
  expect(first).toEqual({
    kind: 'response',
    errorType: undefined,
    body: {
      event: { source: 'db', text: 'ö\n' },
      events: 1,
      name: 'holdfast-test-function',
      request: 'request-1',
      remainingMs: expect.any(Number),
      trace: traced.traceId,
    },
  });
  const { remainingMs } = first.body as { remainingMs: number };
  expect(remainingMs).toBeGreaterThan(0);
  expect(remainingMs).toBeLessThanOrEqual(30_000);
  const second = await service.invoke({});
  expect(second.body).toMatchObject({ events: 2, request: 'request-2' });
  // The trace of one event is not that of the next.
  expect(second.body).not.toHaveProperty('trace');
  expect((await service.invoke({ nothing: true })).body).toBeNull();
});

test('tells the service how a handler failed, without what looks like a credential, and goes on', async () => {
  start();
  const failed = await service.invoke({ fails: CANARY });
  expect(failed).toMatchObject({
    kind: 'error',
    errorType: 'NO_SPACE',
    body: { errorType: 'NO_SPACE', errorMessage: 'no room, [removed]' },
  });
  expect((failed.body as { stackTrace: string[] }).stackTrace[0]).toContain('fixture.js');
  expect(JSON.stringify(failed)).not.toContain(CANARY);
  expect((await service.invoke({ throwsText: true })).body).toMatchObject({
    errorType: 'UNEXPECTED',
    errorMessage: 'string was thrown',
  });
  expect(await service.invoke({}, { raw: '{"cut' })).toMatchObject({
    kind: 'error',
    errorType: 'SyntaxError',
  });
  expect((await service.invoke({})).kind).toBe('response');
});

test('a result that the service finds too large is a failure of its event', async () => {
  start();
  const answer = await service.invoke({}, { status: 413 });
  expect(answer).toMatchObject({ kind: 'error', errorType: 'Function.ResponseSizeTooLarge' });
  expect((await service.invoke({})).kind).toBe('response');
});

test('what nothing catches fails the event and ends the process', async () => {
  const { ended, said } = start();
  const answer = await service.invoke({ escapes: true });
  expect(answer.body).toMatchObject({ errorMessage: 'nobody waited for this' });
  expect(await ended).toBe(1);
  expect(said()).toContain('nobody waited for this');
});

test('ends when the service fails in a way from which there is no way on', async () => {
  const { ended, said } = start();
  void service.invoke({}, { status: 500 });
  expect(await ended).toBe(1);
  expect(said()).toContain('the Runtime API answers a result with 500');
});

test.each([
  ['fixture', 'the handler "fixture" is not of the form file.export'],
  ['../fixture.handler', 'the handler "../fixture.handler" is not of the form file.export'],
  ['fixture.text', 'fixture.js exports no function text'],
  ['absent.handler', 'Cannot find module'],
])('tells the service that it cannot start with the handler %s', async (handler, message) => {
  const { ended } = start(handler);
  expect(await ended).toBe(1);
  expect(service.initErrors).toEqual([
    expect.objectContaining({ errorMessage: expect.stringContaining(message) }),
  ]);
});

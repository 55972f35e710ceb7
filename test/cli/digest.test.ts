// The report of a week without a stack: once, whoever sends it.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

let place: Place;
let receiver: Receiver;

beforeEach(async () => {
  place = await makePlace();
  receiver = await startReceiver();
  await place.write({ 'index.html': 'hello' });
  expect((await place.run(['init', '--system', 'shop'])).exit).toBe(0);
  const file = path.join(place.site, 'holdfast.yaml');
  await writeFile(
    file,
    `${await readFile(file, 'utf8')}
notify:
  success: weekly
  sinks:
    hook: { kind: webhook, url: env:HOOK, secret: env:SECRET }
    call: { kind: command, run: ['false'] }
`,
  );
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  await place.remove();
});

test('is sent once by several looks, and not to what calls people', async () => {
  const env = { HOOK: receiver.url, SECRET: 'a secret' };
  await place.run(['backup'], { env });
  const look = () => place.run(['escalate', '--once', '--look'], { env });
  const both = await Promise.all([look(), look()]);
  expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
  expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    expect.objectContaining({
      event: 'report',
      severity: 'fine',
      subject: '[Holdfast shop] all is well',
      text: expect.stringMatching(/last good backup .* ago; .*1 of 1 runs complete/) as unknown,
    }),
  ]);
});

test('that nothing took is said, and no incident waits for it', async () => {
  const env = { HOOK: 'http://127.0.0.1:9', SECRET: 'a secret' };
  const { exit, stderr } = await place.run(['escalate', '--once', '--look'], { env });
  expect([exit, stderr]).toEqual([1, expect.stringContaining('the report was not sent: no sink')]);
});

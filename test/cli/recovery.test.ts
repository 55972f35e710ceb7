// Automatic recovery from the command line: what failed is tried once more and damage is repaired, after people were told.
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

let place: Place;
let receiver: Receiver;
let env: Record<string, string>;

beforeEach(async () => {
  place = await makePlace();
  receiver = await startReceiver();
  env = { HOOK: receiver.url, SECRET: 'a secret' };
  await place.write({ 'index.html': 'hello', 'about.html': 'about us' });
  expect((await place.run(['init', '--system', 'shop', '--store', './backups'])).exit).toBe(0);
  const file = path.join(place.site, 'holdfast.yaml');
  const text = (await readFile(file, 'utf8')).replace('path: .', 'path: ./web');
  await writeFile(
    file,
    `${text}\nnotify: { sinks: { hook: { kind: webhook, url: env:HOOK, secret: env:SECRET } } }\n`,
  );
  await place.write({ 'web/index.html': 'hello', 'web/about.html': 'about us'.repeat(1000) });
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  await place.remove();
});

interface Shown {
  incident: {
    state: string;
    timeline: { event: string; text?: string; outcome?: string }[];
  };
}
const show = async () => (await place.json(['incident', 'show', '1'], { env })) as unknown as Shown;
const events = ({ incident }: Shown) => incident.timeline.map(({ event }) => event);

test('a failed backup is run once more by itself, after the message, and ends the incident', async () => {
  const web = path.join(place.site, 'web');
  await rename(web, path.join(place.site, 'away'));
  expect((await place.run(['backup'], { env })).exit).toBe(1);
  expect(receiver.received).toHaveLength(1);
  await rename(path.join(place.site, 'away'), web);
  expect((await place.run(['escalate', '--once'], { env })).exit).toBe(0);
  let shown = await show();
  // It is a process of its own, which nobody waits for.
  for (let attempt = 0; shown.incident.state !== 'resolved' && attempt < 200; attempt += 1) {
    await sleep(100);
    shown = await show();
  }
  expect(events(shown)).toEqual(['opened', 'trying', 'tried', 'recovered', 'resolved']);
  expect(shown.incident.timeline[2]).toMatchObject({
    outcome: 'done',
    text: expect.stringMatching(/^another backup of \S+: \S+ is proven$/) as unknown,
  });
  expect(receiver.received.map(({ body }) => JSON.parse(body) as { text: string })).toEqual([
    expect.objectContaining({ event: 'failure' }),
    expect.objectContaining({
      event: 'recovered',
      text: expect.stringMatching(/tried {4}another backup of /) as unknown,
    }),
  ]);
});

test('what fails again is not tried a third time, also by two at once', async () => {
  await rename(path.join(place.site, 'web'), path.join(place.site, 'away'));
  await place.run(['backup'], { env });
  const both = await Promise.all([1, 2].map(() => place.run(['escalate', '--recover'], { env })));
  // Of two at once, one finds the other under way, or nothing to do.
  expect(both.map(({ exit }) => exit).toSorted()).toContain(1);
  expect((await place.run(['escalate', '--recover'], { env })).exit).toBe(0);
  const shown = await show();
  expect(events(shown)).toEqual(['opened', 'trying', 'tried']);
  expect(shown.incident.timeline[2]).toMatchObject({ outcome: 'failed' });
  expect(receiver.received).toHaveLength(1);
});

test('damage is repaired into a new backup', async () => {
  expect((await place.run(['backup'], { env })).exit).toBe(0);
  await writeFile(path.join(place.site, 'web/index.html'), 'hello again');
  expect((await place.run(['backup', '--full'], { env })).exit).toBe(0);
  const backups = path.join(place.site, 'backups/backups');
  const [source = ''] = await readdir(backups);
  const [, newest = ''] = (await readdir(path.join(backups, source))).toSorted();
  const folder = path.join(backups, source, newest);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tar.gz')) ?? '';
  const bytes = await readFile(path.join(folder, archive));
  bytes.fill(0, 200, 260);
  await writeFile(path.join(folder, archive), bytes, { mode: 0o600 });
  expect((await place.run(['verify', '--all'], { env })).exit).toBe(4);
  const { stdout } = await place.run(['escalate', '--recover'], { env });
  expect(stdout).toContain('incident 1: repair of');
  const shown = await show();
  expect(events(shown).slice(0, 3)).toEqual(['opened', 'trying', 'tried']);
  expect(shown.incident.timeline[2]?.text).toMatch(/^a repair of \S+: \S+ → \S+-repair, proven: /);
  expect((await readdir(path.join(backups, source))).length).toBe(3);
});

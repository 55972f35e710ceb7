// Incidents from the command line, with a folder as store and a webhook: from the failed backup to the proven one.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { machineTime } from '../support/machine-time.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';

const NOTIFY = `
notify:
  recovery: off
  sinks:
    dev: { kind: webhook, url: env:DEV, secret: env:SECRET }
    boss: { kind: webhook, url: env:BOSS, secret: env:SECRET }
    dial: { kind: command, run: [./dial] }
  contacts:
    team: { role: Development team, sinks: [dev] }
    lead: { role: Head of development, sinks: [boss] }
    emergency: { role: Emergency, sinks: [dial], phone: env:PHONE, contract: Contract 7 }
  escalation:
    steps:
      - { after: 0s, contacts: [team] }
      - { after: 1s, contacts: [lead] }
      - { after: 3h, contacts: [emergency] }
`;

let place: Place;
let receiver: Receiver;
let env: Record<string, string>;

beforeEach(async () => {
  place = await makePlace();
  receiver = await startReceiver();
  env = {
    DEV: `${receiver.url}/dev`,
    BOSS: `${receiver.url}/boss`,
    SECRET: 'a secret',
    PHONE: '+49 30 1234',
  };
  await place.write({ 'index.html': 'hello' });
  await writeFile(
    path.join(place.site, 'dial'),
    '#!/bin/sh\n{ echo "$HOLDFAST_CONTACT $HOLDFAST_PHONE"; cat; } >> dialled\n',
    { mode: 0o755 },
  );
  expect((await place.run(['init', '--system', 'shop', '--store', './backups'])).exit).toBe(0);
  const file = path.join(place.site, 'holdfast.yaml');
  await writeFile(file, (await readFile(file, 'utf8')) + NOTIFY);
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  await place.remove();
});

const told = () =>
  receiver.received.map(({ path: at, body }) => {
    const { event, subject } = JSON.parse(body) as { event: string; subject: string };
    return `${at} ${event} ${subject.replace('[Holdfast shop] ', '')}`;
  });
const list = async () =>
  (await place.json(['incident', 'list', '--all'])) as {
    incidents: { id: number; state: string; title: string; timeline: { event: string }[] }[];
  };

interface Act {
  readonly verb: string;
  readonly verdict: string;
  readonly begin: string;
}

async function breakSite(): Promise<() => Promise<void>> {
  const file = path.join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('path: .', 'path: ./gone'));
  return () => writeFile(file, text);
}

test('a failed backup reaches step 1 at once and step 2 in time; the next proven backup ends it', async () => {
  const mend = await breakSite();
  expect((await place.run(['backup'], { env })).exit).toBe(1);
  expect(told()).toEqual([
    expect.stringMatching(
      /^\/dev failure ALARM: site: backup failed \(SOURCE_UNREADABLE\), incident 1$/,
    ),
  ]);
  // Of a run that failed it is known when it began.
  expect(await place.json(['incident', 'show', '1'])).toMatchObject({
    incident: { timeToDetectMs: expect.any(Number) as unknown },
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect((await place.run(['escalate', '--once'], { env })).exit).toBe(0);
  expect((await place.run(['escalate', '--once'], { env })).exit).toBe(0);
  expect(told().slice(1)).toEqual([
    expect.stringMatching(/^\/boss failure ALARM: site: .*, incident 1$/),
  ]);
  // An auditor has the store and the public key alone.
  const key = path.join(place.home, '.config/holdfast/shop.pub');
  const alone = ['--store', path.join(place.site, 'backups'), '--public-key', key];
  const shown = await place.run(['incident', 'list', ...alone], { cwd: place.root });
  expect(shown.stdout).toMatch(/^1 +open/);
  expect(shown.stderr).toBe('');
  await mend();
  expect((await place.run(['backup'], { env })).exit).toBe(0);
  expect(new Set(told().slice(2))).toEqual(
    new Set([
      expect.stringMatching(/^\/dev recovered resolved: site: .*, incident 1$/),
      expect.stringMatching(/^\/boss recovered resolved: site: .*, incident 1$/),
    ]),
  );
  const { incidents } = await list();
  expect(incidents).toMatchObject([{ id: 1, state: 'resolved' }]);
  expect(incidents[0]?.timeline.map(({ event }) => event)).toEqual([
    'opened',
    'recovered',
    'resolved',
  ]);
});

test('a deleted backup keeps its incident open through backups and prunes, until its loss is accepted', async () => {
  for (let run = 0; run < 2; run++) expect((await place.run(['backup'], { env })).exit).toBe(0);
  const { backups } = (await place.json(['list'])) as { backups: { id: string }[] };
  const id = backups.map((one) => one.id).sort()[0] ?? '';
  await rm(path.join(place.site, 'backups', 'backups', 'site', id), { recursive: true });
  const after = await place.run(['backup'], { env });
  expect([after.exit, after.stderr]).toEqual([
    0,
    expect.stringContaining(`prune site --accept-missing site/${id}`),
  ]);
  expect((await place.run(['prune'], { env })).exit).toBe(4);
  expect((await list()).incidents).toMatchObject([{ id: 1, state: 'open' }]);
  const accepted = await place.run(['prune', '--accept-missing', `site/${id}`], { env });
  expect([accepted.exit, accepted.stdout]).toEqual([
    0,
    expect.stringContaining('accepted as lost'),
  ]);
  expect(told().at(-1)).toMatch(/ recovered resolved: site: .*, incident 1$/);
  const { text } = JSON.parse(receiver.received.at(-1)?.body ?? '{}') as { text: string };
  expect(text).toContain('(there again, or accepted as lost)');
  expect(text).not.toContain('good again)');
});

test('the log shows who opened, acknowledged and resolved an incident, beside the runs', async () => {
  const mend = await breakSite();
  await place.run(['backup'], { env });
  await place.run(['incident', 'ack', '1', 'looking into it'], { env });
  await mend();
  await place.run(['backup'], { env });
  const log = async (...options: string[]) =>
    ((await place.json(['log', ...options])) as { entries: Act[] }).entries;
  const all = await log();
  expect(new Set(all.map(({ verb }) => verb))).toEqual(
    new Set(['backup', 'verify', 'prune', 'incident']),
  );
  expect(all.map(({ begin }) => begin)).toEqual(all.map(({ begin }) => begin).sort());
  const acts = await log('--verb', 'incident');
  expect(acts.map(({ verdict }) => verdict)).toEqual([
    ...['opened', 'acknowledged', 'recovered', 'resolved'],
  ]);
  expect(acts[1]).toMatchObject({
    source: 'site',
    subject: 'incident 1',
    detail: 'looking into it',
    who: expect.stringContaining('@') as unknown,
    signedBy: expect.stringMatching(/ \([0-9a-f]{16}\)$/) as unknown,
  });
  expect(await log('--verb', 'incident', '--source', 'site')).toHaveLength(4);
  expect(await log('--verb', 'incident', '--limit', '1')).toEqual(acts.slice(-1));
  expect(await log('--verb', 'incident', '--until', acts[1]?.begin ?? '')).toHaveLength(1);
  const since = acts[2]?.begin ?? '';
  expect(await log('--verb', 'incident', '--since', since)).toEqual(acts.slice(2));
  expect((await log('--failed')).map(({ verb }) => verb)).toEqual(['backup']);
});

test('an acknowledgement stops it', async () => {
  await breakSite();
  await place.run(['backup'], { env });
  const acknowledged = await place.run(['incident', 'ack', '1'], { env });
  expect(acknowledged).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(
      /^incident 1: acknowledged; no messages about it until /,
    ) as unknown,
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await place.run(['escalate', '--once'], { env });
  expect(told()).toHaveLength(1);
  const { exit, stderr } = await place.run(['incident', 'resolve', '1'], { env });
  expect([exit, stderr]).toEqual([2, expect.stringContaining('incident 1 goes on: site: ')]);
  expect((await place.run(['incident', 'note', '1', 'restoring'], { env })).exit).toBe(0);
  const shown = await place.run(['incident', 'show', '1']);
  expect(shown.stdout).toMatch(
    /opened {2}by .*\n.*told {2}dev: step 1\n.*acknowledged {2}by .*\n.*noted {2}by .* {2}restoring/,
  );
});

test('a person opens one and ends it; numbers and contracts reach the command that dials, and no record', async () => {
  const file = path.join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('after: 3h', 'after: 2s'));
  expect((await place.run(['incident', 'open', 'the site is \u001b[31mdown'], { env })).exit).toBe(
    0,
  );
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await place.run(['escalate', '--once'], { env });
  const dialled = await readFile(path.join(place.site, 'dialled'), 'utf8');
  expect(dialled).toMatch(/^emergency \+49 30 1234\n/);
  expect(dialled).toContain('contract Contract 7');
  expect((await place.run(['incident', 'resolve', '1', 'restarted'], { env })).exit).toBe(0);
  const { stdout } = await place.run(['incident', 'show', '1']);
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('1234');
  expect((await place.run(['incident', 'ack', '1'], { env })).exit).toBe(2);
  expect((await place.run(['incident', 'show', '7'], { env })).exit).toBe(10);
});

test('roles, cause and actions are notes; an action that is overdue is told once', async () => {
  await place.run(['incident', 'open', 'the disk is full'], { env });
  const note = (...args: string[]) => place.run(['incident', 'note', '1', ...args], { env });
  await note('--lead', 'team', '--communication', 'lead', '--cause', 'logs were never removed');
  const yesterday = new Date(machineTime().getTime() - 36 * 3_600_000).toISOString().slice(0, 10);
  const action = ['--action', 'remove logs after a week', '--owner', 'lead'];
  expect((await note(...action, '--due', yesterday)).exit).toBe(0);
  await place.run(['escalate', '--once'], { env });
  expect(told().filter((one) => one.includes('OVERDUE'))).toEqual([
    '/boss failure OVERDUE: incident 1, action 1: remove logs after a week',
  ]);
  const { stdout } = await place.run(['incident', 'show', '1']);
  expect(stdout).toContain('  cause: logs were never removed\n');
  expect(stdout).toContain(
    `  action 1: OVERDUE: remove logs after a week (lead, until ${yesterday})\n`,
  );
  expect((await note('--done', '1')).exit).toBe(0);
  expect(await place.json(['incident', 'show', '1'])).toMatchObject({
    incident: {
      lead: 'team',
      communication: 'lead',
      actions: [{ number: 1, owner: 'lead', doneAt: expect.any(String) as unknown }],
    },
  });
});

test('refuses a note that says what cannot be', async () => {
  await place.run(['incident', 'open', 'the disk is full'], { env });
  const refused: [string[], string][] = [
    [['note', '1', '--lead', 'nobody'], 'there is no contact "nobody"'],
    [['note', '1', '--action', 'x'], 'an action needs an owner and a day'],
    [['note', '1', '--action', 'x', '--owner', 'team', '--due', '2026-02-30'], 'is no day'],
    [['note', '1', '--due', '2026-12-15'], '--owner and --due belong to an --action'],
    [['note', '1', '--done', '7'], 'incident 1 has no action "7"'],
    [['note', '1'], 'what there is to say is missing'],
    [['ack', '1', '--cause', 'x'], 'only `incident note` takes'],
  ];
  for (const [args, expected] of refused) {
    const { exit, stderr } = await place.run(['incident', ...args], { env });
    expect([args, exit, stderr]).toEqual([args, 2, expect.stringContaining(expected)]);
  }
});

test('a number that is a placeholder, or cannot be had, keeps nobody else from being told', async () => {
  const phone = { ...env, PHONE: '+1-XXX-XXX-XXXX' };
  const tried = await place.run(['alert-test', '--contact', 'team', 'emergency'], { env: phone });
  expect([tried.exit, tried.stdout]).toEqual([
    1,
    expect.stringMatching(
      /dial \(command\) to emergency: the phone number at env:PHONE is a placeholder/,
    ),
  ]);
  const without = Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'PHONE'));
  await place.run(['incident', 'open', 'the site is down'], { env: without });
  expect(told()).toEqual([
    expect.stringMatching(/^\/dev test /),
    '/dev failure ALARM: the site is down, incident 1',
  ]);
});

test('a store that cannot be reached is told once in an hour, not every minute', async () => {
  await place.run(['backup'], { env });
  await rename(path.join(place.site, 'backups'), path.join(place.site, 'elsewhere'));
  for (let minute = 0; minute < 3; minute += 1)
    expect((await place.run(['escalate', '--once'], { env })).exit).not.toBe(0);
  expect(told().filter((one) => one.startsWith('/dev'))).toEqual([
    expect.stringMatching(/^\/dev failure ALARM: holdfast escalate: /),
  ]);
});

test('a key that may not vouch for incidents is told of, and failures all the same', async () => {
  const file = path.join(place.site, 'holdfast.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/, *['"]?incidents\/['"]?/, ''));
  await breakSite();
  const { stderr } = await place.run(['backup'], { env });
  expect(stderr).toContain('add `incidents/` to its `prefixes`');
  expect(told()).toContainEqual(expect.stringMatching(/^\/dev failure ALARM: holdfast backup: /));
  expect((await place.run(['escalate', '--once'], { env })).exit).toBe(12);
});

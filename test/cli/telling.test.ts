// Who is told when a run goes wrong, without AWS: messages and heartbeats of the command line.
import { chmod, readFile, rm, writeFile, appendFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startSmtp, type SmallSmtp } from '../support/small-smtp.ts';

const NOTIFY = `
notify:
  heartbeat: env:BEAT
  sinks:
    hook: { kind: webhook, url: env:HOOK, secret: env:HOOK_SECRET }
    mail: { kind: email, server: env:SMTP, from: backups@shop.example, to: [ops@shop.example] }
`;

let place: Place;
let receiver: Receiver;
let smtp: SmallSmtp;
let env: Record<string, string>;

beforeEach(async () => {
  place = await makePlace();
  [receiver, smtp] = [await startReceiver(), await startSmtp()];
  env = {
    BEAT: `${receiver.url}/ping`,
    HOOK: `${receiver.url}/hook-7391`,
    HOOK_SECRET: 'a secret that nobody sees',
    SMTP: `smtp://127.0.0.1:${smtp.port}`,
  };
  await place.write({ 'index.html': 'hello' });
  expect((await place.run(['init', '--system', 'shop', '--store', './backups'])).exit).toBe(0);
  await appendFile(path.join(place.site, 'holdfast.yaml'), NOTIFY);
});

afterEach(async () => {
  await receiver[Symbol.asyncDispose]();
  await smtp[Symbol.asyncDispose]();
  await place.remove();
});

const paths = () => receiver.received.map((one) => one.path);
const hooks = () =>
  receiver.received
    .filter((one) => one.path === '/hook-7391')
    .map(({ body }) => JSON.parse(body) as { subject: string; text: string; event: string });

describe('a backup', () => {
  test('that goes well calls the heartbeat when it begins and when all is well, and sends nothing', async () => {
    const { exit, stderr } = await place.run(['backup'], { env });
    expect([exit, stderr]).toEqual([0, expect.not.stringContaining('warning')]);
    expect(paths()).toEqual(['/ping/start', '/ping']);
    expect(smtp.mails).toEqual([]);
  });

  test('that fails is told by each sink at once, and the heartbeat as a failure', async () => {
    await place.run(['backup'], { env });
    await rm(path.join(place.site, 'index.html'));
    await writeFile(
      path.join(place.site, 'holdfast.yaml'),
      (await readFile(path.join(place.site, 'holdfast.yaml'), 'utf8')).replace(
        'path: .',
        'path: ./gone',
      ),
    );
    const { exit } = await place.run(['backup'], { env });
    expect(exit).toBe(1);
    expect(paths().slice(2)).toEqual(['/ping/start', '/hook-7391', '/ping/fail']);
    // The same again is no news.
    await place.run(['backup'], { env });
    expect(hooks()).toHaveLength(1);
    const [hook] = hooks();
    expect(hook).toMatchObject({ event: 'failure', subject: expect.stringContaining('site') });
    expect(hook?.text).toMatch(/^! site: .*gone/m);
    expect(smtp.mails.map(({ to }) => to)).toEqual([['ops@shop.example']]);
    expect(smtp.mails[0]?.data).toContain('ALARM: site: another site stands here, incident 1');
  });

  test('that cannot reach its store is told all the same', async () => {
    await place.run(['backup'], { env });
    await rm(path.join(place.site, 'backups'), { recursive: true });
    const { exit } = await place.run(['backup'], { env });
    expect(exit).not.toBe(0);
    expect(hooks()).toHaveLength(1);
    expect(hooks()[0]?.text).toMatch(/^! .*backups/m);
    expect(paths().at(-1)).toBe('/ping/fail');
  });

  test('that is partial is told, with what it lacks', async () => {
    await place.write({ 'closed.html': 'x' });
    await chmod(path.join(place.site, 'closed.html'), 0);
    const { exit } = await place.run(['backup'], { env, unprivileged: true });
    expect(exit).toBe(3);
    expect(hooks()[0]?.text).toMatch(/^! site: .*lacks|^! site: .*partial/m);
  });

  test('that somebody typed wrongly, or only tries out, bothers nobody', async () => {
    expect((await place.run(['backup', 'nothing'], { env })).exit).toBe(2);
    expect((await place.run(['backup', '--dry-run'], { env })).exit).toBe(0);
    expect(hooks()).toEqual([]);
    expect(paths()).not.toContain('/ping/fail');
  });

  test('tells through the others what one sink cannot deliver, and on standard error', async () => {
    await place.run(['backup'], { env });
    await rm(path.join(place.site, 'backups'), { recursive: true });
    receiver.answersAt('/hook-7391', { status: 410 });
    const { stderr } = await place.run(['backup', '--json'], { env });
    expect(stderr).toContain('the sink hook did not take the message: answered with status 410');
    expect(smtp.mails.map(({ data }) => /^Subject: (.*)$/m.exec(data)?.[1])).toEqual([
      expect.stringContaining('holdfast backup'),
      expect.stringContaining('messages by hook do not arrive'),
    ]);
  });

  test('keeps its exit code where nobody can be told, and says that', async () => {
    const { exit, stderr } = await place.run(['backup'], { env: { HOOK: env['HOOK'] ?? '' } });
    expect(exit).toBe(0);
    expect(stderr).toContain('the heartbeat (success) was not called: env:BEAT is not set');
  });
});

test('a source has a heartbeat of its own, which is not called while that source is not well', async () => {
  const file = path.join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text
      .replace(
        'sources:',
        `sources:\n  empty: { kind: files, path: ./empty, heartbeat: env:EMPTY }`,
      )
      .replace('path: .\n', 'path: .\n    heartbeat: env:SITE\n'),
  );
  const own = { SITE: `${receiver.url}/site`, EMPTY: `${receiver.url}/empty` };
  expect((await place.run(['backup'], { env: { ...env, ...own } })).exit).toBe(1);
  expect(new Set(paths())).toEqual(
    new Set([
      ...['/ping/start', '/site/start', '/empty/start'],
      ...['/hook-7391', '/ping/fail', '/site', '/empty/fail'],
    ]),
  );
});

test('damage that a verification finds is told', async () => {
  await place.run(['backup'], { env });
  const { backups } = (await place.json(['list'])) as { backups: { source: string; id: string }[] };
  const folder = path.join(place.site, 'backups', 'backups', 'site', backups[0]?.id ?? '');
  const { stdout } = await import('node:child_process').then(({ execFileSync }) => ({
    stdout: execFileSync('ls', [folder], { encoding: 'utf8' }),
  }));
  const archive = path.join(
    folder,
    stdout.split('\n').find((one) => one.startsWith('archive')) ?? '',
  );
  await chmod(archive, 0o600);
  await writeFile(archive, 'not what it was');
  expect((await place.run(['verify'], { env })).exit).toBe(4);
  expect(hooks()).toHaveLength(1);
  expect(hooks()[0]?.subject).toContain('incident 1');
  expect(paths().at(-1)).toBe('/ping/fail');
});

describe('alert-test', () => {
  test('sends one through each sink, and calls the heartbeat in a way that changes nothing', async () => {
    const { exit, stdout } = await place.run(['alert-test'], { env });
    expect([exit, stdout]).toEqual([
      0,
      expect.stringMatching(/sent.*hook.*\n.*sent.*mail.*\n.*sent.*notify.heartbeat/),
    ]);
    expect(hooks()).toMatchObject([{ event: 'test' }]);
    expect(smtp.mails).toHaveLength(1);
    expect(paths()).toContain('/ping/log');
  });

  test('fails where one fails, and says which', async () => {
    receiver.answersAt('/hook-7391', { status: 403 });
    const { exit, stdout } = await place.run(['alert-test'], { env });
    expect(exit).toBe(1);
    expect(stdout).toMatch(/failed.*hook \(webhook\): answered with status 403/);
    expect((await place.run(['alert-test', 'mail'], { env })).exit).toBe(0);
    expect((await place.run(['alert-test', 'fax'], { env })).exit).toBe(2);
  });

  test('shows every text with --dry-run, sends nothing, and shows no secret', async () => {
    const { exit, stdout } = await place.run(['alert-test', '--dry-run'], { env });
    expect(exit).toBe(0);
    expect(stdout.match(/^Subject: \[Holdfast shop\]/gm)).toHaveLength(6);
    expect(stdout).not.toContain('7391');
    expect(receiver.received).toEqual([]);
  });
});

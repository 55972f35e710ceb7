// What each way of telling people sends, and how it takes what the other side does. Real servers, and formats as they are published.
import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { slackSink, teamsSink } from '../../lib/sinks/chat.ts';
import { commandSink } from '../../lib/sinks/command.ts';
import { deliver, deliverToAll } from '../../lib/sinks/deliver.ts';
import { emailSink } from '../../lib/sinks/email.ts';
import { callBeat } from '../../lib/sinks/heartbeat.ts';
import { ntfySink } from '../../lib/sinks/ntfy.ts';
import { pagerDutySink } from '../../lib/sinks/pagerduty.ts';
import { DELIVERED, type SinkMessage } from '../../lib/sinks/sink.ts';
import { snsSink, type Published } from '../../lib/sinks/sns.ts';
import { webhookSink } from '../../lib/sinks/webhook.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startSmtp } from '../support/small-smtp.ts';

const SIGNAL = new AbortController().signal;
const AT = new Date('2026-11-22T03:00:00Z');

const MESSAGE: SinkMessage = {
  id: '0123456789abcdef',
  event: 'failure',
  severity: 'alarm',
  system: 'shop',
  at: AT,
  thread: 'holdfast/shop',
  subject: '[Holdfast shop] ALARM: site: the last run failed',
  text: 'ALARM: site: the last run failed\n\n! site: ü & <b> *bold* @channel',
};

function webhook({ url }: Receiver, more: { answerMs?: number } = {}) {
  return webhookSink({ name: 'hook', url: `${url}/hook`, secret: 's3', now: () => AT, ...more });
}

function only<T>(items: readonly T[]): T {
  expect(items).toHaveLength(1);
  return items[0] as T;
}

describe('a webhook', () => {
  test('gets a JSON document whose signature anybody with the secret can check', async () => {
    await using receiver = await startReceiver();
    expect(await webhook(receiver).send(MESSAGE, SIGNAL)).toEqual(DELIVERED);
    const { method, path: at, headers, body } = only(receiver.received);
    expect([method, at, headers['content-type']]).toEqual(['POST', '/hook', 'application/json']);
    expect(JSON.parse(body)).toEqual({
      version: 1,
      ...MESSAGE,
      at: '2026-11-22T03:00:00.000Z',
    });
    const [, time = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(
      String(headers['holdfast-signature']),
    ) as unknown as string[];
    expect(Number(time) * 1000).toBe(AT.getTime());
    expect(mac).toBe(createHmac('sha256', 's3').update(`${time}.${body}`).digest('hex'));
  });

  test.each([
    [{ status: 202 }, DELIVERED],
    [{ status: 500 }, { again: true, why: 'answered with status 500' }],
    [{ status: 404 }, { again: false, why: 'answered with status 404' }],
    [
      { status: 429, headers: { 'retry-after': '7' } },
      { again: true, waitMs: 7000 },
    ],
    // Whoever it leads to was not meant.
    [{ status: 302, headers: { location: 'https://elsewhere.example' } }, { again: false }],
    ['reset' as const, { again: true, why: 'could not be reached (UND_ERR_SOCKET)' }],
    ['hang' as const, { again: true, why: 'gave no answer for 0.2 seconds' }],
  ])('that answers %j', async (answer, expected) => {
    await using receiver = await startReceiver();
    receiver.answers(answer);
    const delivery = await webhook(receiver, { answerMs: 200 }).send(MESSAGE, SIGNAL);
    expect(delivery).toMatchObject(expected);
    expect(receiver.received).toHaveLength(1);
  });

  test('never repeats its URL, which may be secret', async () => {
    const options = { secret: 's3', now: () => AT, name: 'hook' };
    for (const url of ['http://127.0.0.1:1/hidden-token', 'ftp://hidden-token', 'hidden-token']) {
      const delivery = await webhookSink({ ...options, url }).send(MESSAGE, SIGNAL);
      expect(delivery.delivered).toBe(false);
      expect(JSON.stringify(delivery)).not.toContain('hidden-token');
    }
  });
});

test('ntfy gets title, priority and as much text as is no attachment', async () => {
  await using receiver = await startReceiver();
  const sink = ntfySink({ name: 'phone', url: `${receiver.url}/topic`, token: 'tk_1' });
  const long = { ...MESSAGE, text: `${'ü'.repeat(3000)}!` };
  expect(await sink.send(long, SIGNAL)).toEqual(DELIVERED);
  const { headers, body } = only(receiver.received);
  expect(headers).toMatchObject({
    title: MESSAGE.subject,
    priority: 'urgent',
    authorization: 'Bearer tk_1',
  });
  expect(body).toBe('ü'.repeat(2000));
});

test('Slack gets text in which nothing is a link, a mention or markup', async () => {
  await using receiver = await startReceiver();
  const sink = slackSink({ name: 'chat', url: receiver.url });
  await sink.send({ ...MESSAGE, subject: '<!channel> & more' }, SIGNAL);
  const body = JSON.parse(only(receiver.received).body) as {
    text: string;
    blocks: { type: string; text: { type: string; text: string } }[];
  };
  expect(body.text).toBe('&lt;!channel&gt; &amp; more');
  expect(body.blocks.map(({ text }) => text.type)).toEqual(['plain_text', 'plain_text']);
  expect(body.blocks[1]?.text.text).toBe(MESSAGE.text);
});

test('Teams gets an Adaptive Card below 28 KB, of text runs that know no markup', async () => {
  await using receiver = await startReceiver();
  const sink = teamsSink({ name: 'chat', url: receiver.url });
  await sink.send({ ...MESSAGE, text: `${MESSAGE.text}\n${'x'.repeat(100_000)}` }, SIGNAL);
  const { body } = only(receiver.received);
  expect(Buffer.byteLength(body)).toBeLessThan(28_000);
  const { type, attachments } = JSON.parse(body) as {
    type: string;
    attachments: { contentType: string; content: { version: string; body: { type: string }[] } }[];
  };
  expect(type).toBe('message');
  const card = only(attachments);
  expect(card.contentType).toBe('application/vnd.microsoft.card.adaptive');
  expect(new Set(card.content.body.map((one) => one.type))).toEqual(new Set(['RichTextBlock']));
});

test('a link to answer by can be touched wherever messages have such a thing', async () => {
  const link = 'https://answer.example/000001/j/mail/1/abc';
  await using receiver = await startReceiver();
  const { url } = receiver;
  const message = { ...MESSAGE, link };
  await ntfySink({ name: 'phone', url, token: undefined }).send(message, SIGNAL);
  await slackSink({ name: 'chat', url }).send(message, SIGNAL);
  await teamsSink({ name: 'chat', url }).send(message, SIGNAL);
  await pagerDutySink({ name: 'pager', url, routingKey: 'r' }).send(message, SIGNAL);
  await webhook(receiver).send(message, SIGNAL);
  const [ntfy, ...others] = receiver.received;
  expect(ntfy?.headers['click']).toBe(link);
  const [slack, teams, pager, hook] = others.map(({ body }) => JSON.parse(body) as unknown);
  expect(slack).toMatchObject({
    unfurl_links: false,
    blocks: [
      {},
      { text: { type: 'mrkdwn', text: `<${link}|Show the incident, and acknowledge it>` } },
      {},
    ],
  });
  const actions = [{ type: 'Action.OpenUrl', url: link }];
  expect(teams).toMatchObject({ attachments: [{ content: { actions } }] });
  expect(pager).toMatchObject({ links: [{ href: link }] });
  expect(hook).toMatchObject({ link });
});

describe('PagerDuty', () => {
  test.each([
    ['failure', 'trigger', 'critical'],
    ['acknowledged', 'acknowledge', 'critical'],
    ['recovered', 'resolve', 'critical'],
  ] as const)('gets for %s the event %s', async (event, action, severity) => {
    await using receiver = await startReceiver();
    receiver.answers({ status: 202, body: '{"status":"success"}' });
    const url = `${receiver.url}/v2/enqueue`;
    const sink = pagerDutySink({ name: 'pager', routingKey: 'r'.repeat(32), url });
    const thread = 'holdfast/shop/'.padEnd(400, 'x');
    expect(await sink.send({ ...MESSAGE, event, thread }, SIGNAL)).toEqual(DELIVERED);
    const body = JSON.parse(only(receiver.received).body) as Record<string, unknown>;
    expect(body).toMatchObject({
      routing_key: 'r'.repeat(32),
      event_action: action,
      payload: { summary: MESSAGE.subject, source: 'shop', severity },
    });
    // A longer one is refused there.
    expect(body['dedup_key']).toBe(thread.slice(0, 255));
  });
});

describe('a mail', () => {
  const mail = {
    name: 'mail',
    from: 'backups@shop.example',
    to: ['a@shop.example', 'b@shop.example'],
  };

  test('arrives with its subject, its text, and a word to automatic answers', async () => {
    await using smtp = await startSmtp({ auth: 'me:p@ss' });
    const server = `smtp://me:p%40ss@127.0.0.1:${smtp.port}`;
    expect(await emailSink({ ...mail, server }).send(MESSAGE, SIGNAL)).toEqual(DELIVERED);
    const { from, to, data } = only(smtp.mails);
    expect([from, to]).toEqual([mail.from, mail.to]);
    expect(data).toContain(`Subject: ${MESSAGE.subject}`);
    expect(data).toContain('Auto-Submitted: auto-generated');
    expect(data).toContain('site: =C3=BC & <b> *bold* @channel');
  });

  test('cannot be given further headers by its subject', async () => {
    await using smtp = await startSmtp();
    const server = `smtp://127.0.0.1:${smtp.port}`;
    const subject = 'one\r\nBcc: everybody@elsewhere.example\r\n\r\nbody';
    await emailSink({ ...mail, server }).send({ ...MESSAGE, subject }, SIGNAL);
    const { to, data } = only(smtp.mails);
    expect(to).toEqual(mail.to);
    expect(data).not.toMatch(/^Bcc:/m);
  });

  test.each([
    ['RCPT a@shop.example', '550 nobody here', { again: false, why: /refused 1 of 2/ }],
    ['END', '451 later', { again: true, why: /answered with 451/ }],
    ['END', '554 no', { again: false, why: /answered with 554/ }],
    ['GREETING', undefined, { again: true, why: /could not be used/ }],
    ['DATA', undefined, { again: true, why: /could not be used/ }],
  ])('whose %s is answered by %s has failed', async (command, answer, { again, why }) => {
    await using smtp = await startSmtp();
    smtp.refuse(command, answer);
    const server = `smtp://127.0.0.1:${smtp.port}`;
    const delivery = await emailSink({ ...mail, server, answerMs: 200 }).send(MESSAGE, SIGNAL);
    expect(delivery).toMatchObject({ delivered: false, again });
    expect(delivery.delivered ? '' : delivery.why).toMatch(why);
  });

  test('keeps its password from whoever listens: without TLS it is not sent to another machine', async () => {
    await using smtp = await startSmtp({ auth: 'me:secret' });
    // Another machine by its name; the same by its address.
    const server = `smtp://me:secret@localhost.localdomain:${smtp.port}`;
    const delivery = await emailSink({ ...mail, server, answerMs: 500 }).send(MESSAGE, SIGNAL);
    expect(delivery).toMatchObject({ delivered: false });
    expect(smtp.commands).not.toContain('AUTH');
    expect(JSON.stringify(delivery)).not.toContain('secret');
  });

  test('goes nowhere without a server', async () => {
    expect(await emailSink({ ...mail, server: 'http://x' }).send(MESSAGE, SIGNAL)).toMatchObject({
      delivered: false,
      again: false,
    });
  });
});

describe('Amazon SNS', () => {
  const published: Published[] = [];
  const publish = (message: Published) => {
    published.push(message);
    return Promise.resolve(undefined);
  };
  const text = snsSink({ name: 'text', kind: 'sms', topic: undefined, publish });
  const to = (phone: string | undefined) => ({ contact: 'me', email: undefined, phone });

  test('gets the whole text on a topic, and a short one for a number', async () => {
    const message = { ...MESSAGE, text: `${MESSAGE.text}\n\nnext     holdfast incident ack 1` };
    const topic = snsSink({ name: 'topic', kind: 'sns', topic: 'arn:aws:sns:x:1:t', publish });
    expect(await topic.send(message, SIGNAL)).toEqual(DELIVERED);
    expect(await text.send({ ...message, to: to('+49 (151) 1234-5678') }, SIGNAL)).toEqual(
      DELIVERED,
    );
    expect(published).toMatchObject([
      { to: { topic: 'arn:aws:sns:x:1:t' }, subject: message.subject, text: message.text },
      {
        to: { phone: '+4915112345678' },
        text: `${message.subject}\nholdfast incident ack 1`,
      },
    ]);
  });

  test.each([80, 190, 400])(
    'has the whole link of %d characters in a short text',
    async (length) => {
      const link = 'https://id.lambda-url.eu-central-1.on.aws/'.padEnd(length, 'f');
      const subject = MESSAGE.subject.padEnd(100, 'x');
      await text.send({ ...MESSAGE, subject, link, to: to('+4915112345678') }, SIGNAL);
      const [first = '', last, ...more] = published.at(-1)?.text.split('\n') ?? [];
      expect([last, more]).toEqual([link, []]);
      expect(subject.startsWith(first)).toBe(true);
      expect(first.length).toBe(length < 300 ? 100 : 60);
    },
  );

  test.each([undefined, '0151 12345678', 'nobody', '+1-XXX'])(
    'gets nothing for the number %j',
    async (phone) => {
      const delivery = await text.send({ ...MESSAGE, to: to(phone) }, SIGNAL);
      expect(delivery).toMatchObject({ delivered: false, again: false });
    },
  );
});

describe('a command', () => {
  async function withScript<T>(script: string, act: (run: string[], folder: string) => Promise<T>) {
    const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-sink-'));
    try {
      const file = path.join(folder, 'tell');
      await writeFile(file, `#!/bin/sh\n${script}\n`);
      await chmod(file, 0o755);
      return await act([file, 'one argument'], folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const env = { PATH: process.env['PATH'] };

  test('gets the message as text, and no part of it as an argument', async () => {
    await withScript(
      'cat > got; echo "$# $1|$HOLDFAST_EVENT|$HOLDFAST_SUBJECT" >> got',
      async (run, folder) => {
        const sink = commandSink({ name: 'own', run, folder, env });
        const subject = '$(touch pwned) `id`';
        expect(await sink.send({ ...MESSAGE, subject }, SIGNAL)).toEqual(DELIVERED);
        expect(await readFile(path.join(folder, 'got'), 'utf8')).toBe(
          `${subject}\n\n${MESSAGE.text}\n1 one argument|failure|${subject}\n`,
        );
      },
    );
  });

  test.each([
    ['exit 3', { again: true, why: 'ended with 3' }],
    ['kill -9 $$', { again: true, why: 'was ended by SIGKILL' }],
    ['sleep 60 & wait', { again: false, why: 'did not end within 0.3 seconds' }],
  ])('that does %s has failed', async (script, expected) => {
    await withScript(script, async (run, folder) => {
      const sink = commandSink({ name: 'own', run, folder, env, timeoutMs: 300 });
      expect(await sink.send(MESSAGE, SIGNAL)).toMatchObject(expected);
    });
  });

  test('that is not there has failed', async () => {
    const sink = commandSink({ name: 'own', run: ['/nonexistent'], folder: '/', env });
    expect(await sink.send(MESSAGE, SIGNAL)).toMatchObject({
      again: false,
      why: 'cannot be started (ENOENT)',
    });
  });
});

describe('a heartbeat', () => {
  test.each([
    ['success', '/ping/abc?x=1'],
    ['start', '/ping/abc/start?x=1'],
    ['fail', '/ping/abc/fail?x=1'],
    ['log', '/ping/abc/log?x=1'],
  ] as const)('of %s is called at %s', async (beat, at) => {
    await using receiver = await startReceiver();
    const url = `${receiver.url}/ping/abc?x=1`;
    expect(await callBeat(url, beat, { signal: SIGNAL })).toEqual(DELIVERED);
    expect(only(receiver.received)).toMatchObject({ method: 'POST', path: at });
  });
});

describe('a message', () => {
  const quick = { signal: SIGNAL, pauseMs: 1 };

  test('is sent again while that may help, and no longer', async () => {
    await using receiver = await startReceiver();
    receiver.answers(
      { status: 500 },
      { status: 429, headers: { 'retry-after': '0' } },
      { status: 200 },
    );
    expect(await deliver(webhook(receiver), MESSAGE, quick)).toEqual(DELIVERED);
    expect(receiver.received).toHaveLength(3);
    receiver.answers({ status: 500 });
    expect(await deliver(webhook(receiver), MESSAGE, quick)).toMatchObject({ delivered: false });
    expect(receiver.received).toHaveLength(6);
    receiver.answers({ status: 400 });
    expect(await deliver(webhook(receiver), MESSAGE, quick)).toMatchObject({ delivered: false });
    expect(receiver.received).toHaveLength(7);
  });

  test('is not waited for as long as the other side likes', async () => {
    await using receiver = await startReceiver();
    receiver.answers({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await deliver(webhook(receiver), MESSAGE, quick)).toMatchObject({
      why: 'answered with status 429 and asks to wait 3600 seconds',
    });
    expect(receiver.received).toHaveLength(1);
  });

  test('that one way cannot deliver is told through the others', async () => {
    await using good = await startReceiver();
    await using bad = await startReceiver();
    bad.answers({ status: 410 });
    const about = { ...MESSAGE, id: 'fedcba9876543210', subject: 'hook does not work' };
    const outcomes = await deliverToAll([webhook(bad), webhook(good)], MESSAGE, {
      ...quick,
      afterFailure: (failed) => {
        expect(failed).toMatchObject([
          { sink: 'hook', delivery: { why: 'answered with status 410' } },
        ]);
        return about;
      },
    });
    expect(outcomes.map(({ delivery }) => delivery.delivered)).toEqual([false, true]);
    expect(good.received.map(({ body }) => (JSON.parse(body) as SinkMessage).subject)).toEqual([
      MESSAGE.subject,
      about.subject,
    ]);
    expect(bad.received).toHaveLength(1);
  });
});

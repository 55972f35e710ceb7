// The link in a message: who gets how far with it, and with one that he has made up, kept, changed or got too late.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { actOn } from '../../../lib/alerts/escalate.ts';
import { append, writeEvent } from '../../../lib/engine/incidents/write.ts';
import { HoldfastError } from '../../../lib/errors.ts';
import { MAX_FAILURES } from '../../../lib/functions/acknowledge/guesses.ts';
import { LINK_MS } from '../../../lib/policy/incidents/link.ts';
import { incidentEngine } from '../../alerts/incident-engine.ts';
import { makeKeys } from '../../support/engine.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { formEventOf, urlEventOf } from '../../support/url-requests.ts';
import { MINUTE_MS, OWN_TRUST, START, toldStage } from './stage.ts';

const HOSTILE = `\u001b[31m<img src=x onerror=alert(1)>\r\nSet-Cookie: a=b\u202e"' ${'y'.repeat(100_000)}`;
const later = (minutes: number) => new Date(START.getTime() + minutes * MINUTE_MS);

function keysOf(store: MemoryStore): string[] {
  return [...store.objects.keys()].sort();
}

describe('a link', () => {
  test('is in the message, and only its digest is in the store', async () => {
    const store = new MemoryStore(START);
    const { messages, link } = await toldStage(store);
    const { text, link: url } = messages[0] ?? {};
    expect(url).toMatch(
      /^https:\/\/links\.example\/000001\/p0\.s0\.r0\/mail\/on-call\/1\/[0-9a-f]{64}$/,
    );
    expect(text?.split('\n').filter((line) => line.endsWith(` ${url}`))).toHaveLength(1);
    const token = link().split('/').at(-1) ?? '';
    const stored = [...store.objects.values()].map(({ bytes }) => Buffer.from(bytes).toString());
    expect(stored.some((content) => content.includes(token))).toBe(false);
  });

  test('shows the incident and changes nothing, however often programs open it', async () => {
    const store = new MemoryStore(START);
    const { answer, link, incident } = await toldStage(store);
    const before = keysOf(store);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const { response } = await answer(urlEventOf({ method, path: link() }));
      expect(response.statusCode).toBe(200);
      expect(response.body.includes('the last run failed')).toBe(method === 'GET');
    }
    expect(keysOf(store)).toEqual(before);
    expect((await incident()).acknowledgements).toEqual([]);
  });

  test('acknowledges when the button is pressed, once, and the next step gets no message', async () => {
    const stage = await toldStage(new MemoryStore(START));
    stage.time = later(29);
    const { response } = await stage.answer(formEventOf({ path: stage.link() }, { note: 'on it' }));
    expect([response.statusCode, response.headers['location']]).toEqual([303, '?']);
    const replayed = await stage.answer(formEventOf({ path: stage.link() }, { note: 'again' }));
    expect(replayed.report).toEqual({ outcome: 'answered', status: 409, incident: 1 });
    expect(replayed.response.body).toContain('on-call (link)');
    stage.time = later(31);
    await stage.round();
    expect(stage.messages).toHaveLength(1);
    const { acknowledgements, timeline } = await stage.incident();
    expect(acknowledgements).toEqual([
      { at: later(29), who: 'on-call (link)', link: 'p0.s0.r0_mail_on-call.1' },
    ]);
    expect(timeline.at(-1)?.text).toBe('on it');
  });

  test('does nothing twice when two press at the same time', async () => {
    const store = new MemoryStore(START);
    const { answer, link } = await toldStage(store);
    const both = await Promise.all([1, 2].map(() => answer(formEventOf({ path: link() }))));
    expect(both.map(({ report }) => report?.outcome).sort()).toEqual(['acknowledged', 'answered']);
    expect(keysOf(store).filter((key) => key.includes('-acknowledged'))).toHaveLength(1);
  });

  test('of an earlier message is used up by whoever acknowledged since; a later message has a new one', async () => {
    const store = new MemoryStore(START);
    const stage = await toldStage(store);
    stage.time = later(31);
    await stage.round();
    const [first, second] = [stage.link(0), stage.link(1)];
    expect(second).toMatch(/\/manager\//);
    await stage.answer(formEventOf({ path: second }));
    expect((await stage.answer(formEventOf({ path: first }))).report?.outcome).toBe('answered');
    // Nothing was resolved within four hours: it begins again, and the links of the first time stay used.
    stage.time = later(31 + 4 * 60);
    await stage.round();
    expect(stage.messages).toHaveLength(3);
    expect((await stage.answer(formEventOf({ path: second }))).report?.outcome).toBe('answered');
    expect((await stage.answer(formEventOf({ path: first }))).report?.outcome).toBe('answered');
    const { response } = await stage.answer(urlEventOf({ path: stage.link() }));
    expect(response.body).toContain('Still open.');
    expect((await stage.answer(formEventOf({ path: stage.link() }))).report?.outcome).toBe(
      'acknowledged',
    );
  });

  test('shows who has acknowledged on the command line, and that it is resolved', async () => {
    const store = new MemoryStore(START);
    const stage = await toldStage(store);
    const person = incidentEngine(store, () => stage.time);
    stage.time = later(5);
    await actOn(person, '000001', { event: 'acknowledged' });
    const { response, report } = await stage.answer(urlEventOf({ path: stage.link() }));
    expect(report).toEqual({ outcome: 'answered', status: 200, incident: 1 });
    expect(response.body).toContain('me@host');
    expect(response.body).not.toContain('<form');
    await actOn(person, '000001', { event: 'resolved', how: 'person' });
    const resolved = await stage.answer(formEventOf({ path: stage.link() }));
    expect(resolved.report).toEqual({ outcome: 'resolved', status: 409, incident: 1 });
    expect(resolved.response.body).toContain('<b>Resolved</b>');
  });

  test('that has expired shows nothing and does nothing', async () => {
    const stage = await toldStage(new MemoryStore(START));
    stage.time = new Date(START.getTime() + LINK_MS - 1);
    expect((await stage.answer(urlEventOf({ path: stage.link() }))).report?.outcome).toBe('shown');
    stage.time = new Date(START.getTime() + LINK_MS);
    for (const event of [urlEventOf, formEventOf]) {
      const { response, report } = await stage.answer(event({ path: stage.link() }));
      expect([report?.outcome, response.statusCode]).toEqual(['expired', 410]);
      expect(response.body).not.toContain('the last run failed');
    }
    expect((await stage.incident()).acknowledgements).toEqual([]);
  });

  test('of a message that it is over is in none', async () => {
    const stage = await toldStage(new MemoryStore(START));
    stage.time = later(20);
    await stage.round([]);
    expect(stage.messages.map(({ event, link }) => [event, link === undefined])).toEqual([
      ['failure', false],
      ['recovered', true],
    ]);
  });
});

describe('a link that is not genuine', () => {
  const token = 'ab'.repeat(32);
  const DIGEST = createHash('sha256').update(token).digest('hex');
  test.each<readonly [string, (path: string) => string]>([
    ['with another token', (path) => path.replace(/[0-9a-f]{64}$/, token)],
    ['with a token that differs in its last digit', (path) => changeLast(path)],
    ['of a message that there was not', (path) => path.replace('p0.s0.r0', 'p0.s1.r0')],
    ['of another attempt', (path) => path.replace('/1/', '/2/')],
    ['of another incident', (path) => path.replace('/000001/', '/000002/')],
    ['of another contact', (path) => path.replace('/on-call/', '/manager/')],
    ['cut off', (path) => path.slice(0, -1)],
    ['that leads out of incidents', (path) => path.replace('/000001/', '/..%2f..%2f/')],
    ['of a million characters', (path) => path + 'a'.repeat(1_000_000)],
    ['without anything', () => '/'],
  ])('%s leads nowhere, and looks like every other', async (_, change) => {
    const store = new MemoryStore(START);
    const { answer, link, logged } = await toldStage(store);
    const path = change(link());
    const before = keysOf(store);
    const nowhere = (await answer(urlEventOf({ path: '/favicon.ico' }))).response;
    for (const event of [urlEventOf({ path }), formEventOf({ path }, { note: 'mine' })]) {
      const { response, report } = await answer(event);
      if (report !== undefined) expect(report).toEqual({ outcome: 'refused', status: 404 });
      expect(response).toEqual(nowhere);
    }
    expect(keysOf(store)).toEqual(before);
    expect(JSON.stringify(logged)).not.toMatch(/[0-9a-f]{64}/);
  });

  test('is not made genuine by a claim that somebody without a key has stored', async () => {
    const store = new MemoryStore(START);
    const { answer } = await toldStage(store);
    const forge = (keys: ReturnType<typeof makeKeys>) =>
      writeEvent(
        incidentEngine(store, () => START, { keys }),
        {
          ...{ incident: '000001', sequence: 0, event: 'claim', detail: 'p9.s0.r0_mail.1' },
          link: { digest: DIGEST, expires: later(60) },
        },
      );
    await forge(makeKeys());
    const path = `/000001/p9.s0.r0/mail/1/${token}`;
    expect((await answer(formEventOf({ path }))).report?.outcome).toBe('refused');
  });

  test('is not made genuine by the key of the function itself', async () => {
    const store = new MemoryStore(START);
    const stage = await toldStage(store);
    const signed = incidentEngine(store, () => START, { trusted: [OWN_TRUST] });
    const limited = {
      ...signed,
      trusted: signed.trusted.map((one) => ({ ...one, events: ['acknowledged'] })),
    };
    const { lookAtLink } = await import('../../../lib/alerts/acknowledgement.ts');
    const [, incident = '', , , , , given = ''] = stage.link().split('/');
    const link = { incident, detail: 'p0.s0.r0_mail_on-call.1', token: given };
    expect(await lookAtLink(signed, link)).toMatchObject({ standing: 'open' });
    expect(await lookAtLink(limited, link)).toBeUndefined();
  });

  test('can be tried ten times in a minute from one network, and keeps nobody else out', async () => {
    const stage = await toldStage(new MemoryStore(START));
    const guess = (from: string) =>
      stage.answer(urlEventOf({ path: stage.link().replace(/[0-9a-f]{64}$/, token), from }));
    for (let count = 0; count < MAX_FAILURES; count += 1)
      expect((await guess(`2001:db8:0:1::${count}`)).response.statusCode).toBe(404);
    const { response, report } = await guess('2001:0db8::1:ffff:0:0:1');
    expect([report, response.statusCode]).toEqual([undefined, 429]);
    expect(response.headers['retry-after']).toBe('60');
    expect((await guess('2001:db8:0:2::1')).response.statusCode).toBe(404);
    expect((await stage.answer(urlEventOf({ path: stage.link() }))).report?.outcome).toBe('shown');
    stage.time = later(1);
    expect((await guess('2001:db8:0:1::1')).response.statusCode).toBe(404);
  });
});

describe('what others write', () => {
  test('is text on the page, on few lines, and in no header', async () => {
    const urgent = Array.from({ length: 60 }, (_, index) => ({
      ...{ subject: `${index} ${HOSTILE}`, code: 'failed', detail: HOSTILE },
    }));
    const stage = await toldStage(new MemoryStore(START), { urgent });
    const { response } = await stage.answer(urlEventOf({ path: stage.link() }));
    expect(response.body).not.toMatch(/<img|\u001b|\u202e/);
    expect(response.body).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(response.body.length).toBeLessThan(100_000);
    expect(JSON.stringify(response.headers)).not.toContain('alert');
  });

  test('as a note is one line of 500 characters, and a larger form is refused', async () => {
    const stage = await toldStage(new MemoryStore(START));
    const tooLong = await stage.answer(formEventOf({ path: stage.link() }, { note: HOSTILE }));
    expect(tooLong.response.statusCode).toBe(413);
    expect((await stage.incident()).acknowledgements).toEqual([]);
    const note = HOSTILE.slice(0, 2000);
    await stage.answer(formEventOf({ path: stage.link() }, { note }));
    const { timeline } = await stage.incident();
    expect(timeline.at(-1)?.text).toMatch(/^[^\p{Cc}\u202e]{400,500}$/u);
    const { response } = await stage.answer(urlEventOf({ path: stage.link() }));
    expect(response.body).not.toMatch(/<img|\u001b|\u202e/);
  });
});

test('a place that something takes which nobody vouches for keeps nobody from acknowledging', async () => {
  const store = new MemoryStore(START);
  const stage = await toldStage(store);
  const forger = incidentEngine(store, () => START, { keys: makeKeys() });
  const detail = 'p0.s0.r0_mail_on-call.1';
  for (const lastSequence of [1, 2, 3])
    await append(forger, { id: '000001', lastSequence }, { event: 'acknowledged', detail });
  const { report } = await stage.answer(formEventOf({ path: stage.link() }));
  expect(report?.outcome).toBe('acknowledged');
  expect((await stage.incident()).acknowledgements).toHaveLength(1);
});

test('where the store does not answer, the page says that nothing was acknowledged', async () => {
  const store = new MemoryStore(START);
  const stage = await toldStage(store);
  store.list = () => {
    throw new HoldfastError('STORE_UNAVAILABLE', 'the store did not answer');
  };
  const { response, report } = await stage.answer(formEventOf({ path: stage.link() }));
  expect(report).toEqual({ outcome: 'failed', status: 503 });
  expect(response.body).toContain('Nothing was acknowledged');
  expect(stage.logged[0]).toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

test('other methods, and events that are no requests, are refused', async () => {
  const { answer, link } = await toldStage(new MemoryStore(START));
  const { response } = await answer(urlEventOf({ method: 'DELETE', path: link() }));
  expect([response.statusCode, response.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  await expect(answer({ source: 'aws.s3' })).rejects.toThrow('no request to the URL');
});

function changeLast(path: string): string {
  return path.slice(0, -1) + (path.endsWith('0') ? '1' : '0');
}

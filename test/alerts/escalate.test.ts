// Incidents from the first condition to the last message, on a store in memory and by a clock of the test.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { actOn } from '../../lib/alerts/escalate.ts';
import { escalationRound } from '../../lib/alerts/escalation-round.ts';
import { readCheckpoint, readIncidents } from '../../lib/engine/incidents/read.ts';
import { append, openNext, writeEvent } from '../../lib/engine/incidents/write.ts';
import type { EscalationPolicy } from '../../lib/policy/incidents/escalation.ts';
import type { Urgent } from '../../lib/policy/incidents/sync.ts';
import { DELIVERED, type Sink, type SinkMessage } from '../../lib/sinks/sink.ts';
import { makeKeys, trust } from '../support/engine.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { incidentEngine, SENDER } from './incident-engine.ts';
import { histories, live } from './incident-model.ts';

const START = new Date('2026-11-22T03:00:00Z');
const POLICY: EscalationPolicy = {
  steps: [{ afterMs: 0, targets: [{ sink: 'mail', contact: undefined }], repeatMs: undefined }],
  ...{ resumeMs: undefined, remindMs: undefined },
};
const FAILED = [
  { subject: 'site', code: 'failed', detail: 'the run failed: SOURCE_UNAVAILABLE: no answer' },
];

class CountingStore extends MemoryStore {
  lists = 0;
  reads = 0;
  override list(prefix: string) {
    this.lists += 1;
    return super.list(prefix);
  }
  override read(...args: Parameters<MemoryStore['read']>) {
    this.reads += 1;
    return super.read(...args);
  }
}

function setUp() {
  const store = new CountingStore(START);
  let time = START.getTime();
  const engine = incidentEngine(store, () => new Date(time));
  const messages: SinkMessage[] = [];
  const sink: Sink = {
    name: 'mail',
    kind: 'test',
    send: (message) => {
      messages.push(message);
      return Promise.resolve(DELIVERED);
    },
  };
  const round = (urgent: readonly Urgent[], by = engine) =>
    escalationRound({
      engine: by,
      policy: POLICY,
      patience: { signal: new AbortController().signal },
      look: ({ problems: forged }) =>
        Promise.resolve({
          at: new Date(time),
          urgent: [
            ...urgent,
            ...forged.map(({ path }) => ({
              subject: 'store',
              code: 'incident-forged',
              detail: path,
            })),
          ],
          subjects: new Set(['site', 'store']),
        }),
      open: () => Promise.resolve({ sinks: [sink], contacts: new Map(), sender: SENDER }),
    });
  const pass = (minutes: number) => {
    time += minutes * 60_000;
    store.time = new Date(time);
  };
  return { store, engine, messages, round, pass };
}

test('a failure is told once, however many runs see it, and its end as well', async () => {
  const { messages, round, pass } = setUp();
  await Promise.all([round(FAILED), round(FAILED), round(FAILED)]);
  await round(FAILED);
  pass(30);
  await round(FAILED);
  expect(messages.map(({ subject }) => subject)).toEqual([
    '[Holdfast shop] ALARM: site: backup failed (SOURCE_UNAVAILABLE), incident 1',
  ]);
  await Promise.all([round([]), round([])]);
  await round([]);
  expect(messages.slice(1).map(({ event, thread }) => [event, thread])).toEqual([
    ['recovered', messages[0]?.thread],
  ]);
});

test('the claim of a message that went out is not read, unless nobody vouches for its result', async () => {
  const { store, round } = setUp();
  await round(FAILED);
  const fresh = (keys?: ReturnType<typeof makeKeys>) =>
    incidentEngine(store, () => START, keys && { keys });
  const readAnew = async () => {
    store.reads = 0;
    const { incidents } = await readIncidents(fresh());
    const attempts = [...(incidents[0]?.messages ?? [])];
    return {
      reads: store.reads,
      messages: attempts.map(([name, [one]]) => `${name}: ${one?.result ?? 'claimed'}`).sort(),
    };
  };
  const told = 'p0.s0.r0_mail: sent';
  expect(await readAnew()).toEqual({ reads: 2, messages: [told] });
  const message = { incident: '000001', sequence: 0, detail: 'p0.s1.r0_mail.1' } as const;
  await writeEvent(fresh(), { ...message, event: 'claim' });
  await writeEvent(fresh(makeKeys()), { ...message, event: 'sent' });
  expect(await readAnew()).toEqual({ reads: 4, messages: [told, 'p0.s1.r0_mail: claimed'] });
});

test('a thousand conditions at once are one incident, with a message that can be read', async () => {
  const { engine, messages, round } = setUp();
  const flood = Array.from(
    { length: 1000 },
    (_, index) => ({ ...FAILED[0], subject: `s${index}` }) as Urgent,
  );
  await round(flood);
  expect(messages).toHaveLength(1);
  expect(messages[0]?.text.split('\n').length).toBeLessThan(40);
  expect((await readIncidents(engine)).incidents).toHaveLength(1);
});

test('hostile text is one harmless line, whatever its length', async () => {
  const { messages, round } = setUp();
  const detail = `\u001b[31m<b>x</b>\r\nBcc: a@b.example [l](http://x) ${'y'.repeat(100_000)}`;
  await round([{ subject: 'site', code: 'failed', detail }]);
  const text = messages[0]?.text ?? '';
  const subject = messages[0]?.subject ?? '';
  expect(text).not.toMatch(/[\u001b\r<>@]|\]\(|:\/\//);
  expect(text.length).toBeLessThan(5000);
  expect(subject).toMatch(/^[\x20-\x7e]{1,100}$/);
});

describe('what no trusted key vouches for', () => {
  const stranger = makeKeys();

  test.each(['acknowledged', 'resolved'] as const)(
    'as %s changes nothing, and is told',
    async (event) => {
      const { store, engine, messages, round, pass } = setUp();
      await round(FAILED);
      const forger = incidentEngine(store, () => new Date(START), { keys: stranger });
      const [open] = (await readIncidents(engine)).incidents;
      await append(forger, { id: open?.id ?? '', lastSequence: 1 }, { event });
      pass(1);
      await round(FAILED);
      const { incidents, problems } = await readIncidents(engine);
      expect(problems.map(({ path }) => path)).toEqual([`incidents/000001/0002-${event}.json`]);
      expect(
        incidents.every(
          ({ resolved, acknowledgements }) =>
            resolved === undefined && acknowledgements.length === 0,
        ),
      ).toBe(true);
      // It joins what is open, as nobody has acknowledged that.
      expect([...(incidents[0]?.conditions.keys() ?? [])]).toContain('store/incident-forged');
      expect(messages).toHaveLength(1);
    },
  );

  test('as a claim keeps no message from going out', async () => {
    const { store, engine, messages, round } = setUp();
    const forger = incidentEngine(store, () => new Date(START), { keys: stranger });
    await writeEvent(forger, {
      ...{ incident: '000001', sequence: 0, event: 'claim', detail: 'p0.s0.r0_mail.1' },
    });
    await openNext(engine, { last: 0 }, { conditions: FAILED });
    await round(FAILED);
    expect(messages).toHaveLength(1);
  });

  test('as an opened incident takes its number, and no more', async () => {
    const { store, engine, messages, round } = setUp();
    const forger = incidentEngine(store, () => new Date(START), { keys: stranger });
    await openNext(forger, { last: 0 }, { text: 'nothing to see here' });
    await round(FAILED);
    expect(messages.map(({ thread }) => thread)).toEqual(['holdfast/shop/incident/000002']);
    expect((await readIncidents(engine)).incidents.map(({ id }) => id)).toEqual(['000002']);
  });

  test('is what a key signs that may vouch for other events alone', async () => {
    const { store, engine, round } = setUp();
    const responder = makeKeys();
    const trusted = [{ ...trust(responder, ['incidents/']), events: ['acknowledged', 'noted'] }];
    const own = incidentEngine(store, () => new Date(START), { trusted });
    const other = incidentEngine(store, () => new Date(START), { keys: responder, trusted });
    await round(FAILED);
    await actOn(other, '000001', { event: 'acknowledged' });
    await actOn(other, '000001', { event: 'resolved', how: 'person' });
    const { incidents, problems } = await readIncidents(own);
    expect(incidents[0]).toMatchObject({
      acknowledgements: [{ who: 'me@host' }],
      resolved: undefined,
    });
    expect(problems.map(({ detail }) => detail)).toEqual([
      'the key "test" may not vouch for resolved',
    ]);
    expect(engine.trusted).toHaveLength(1);
  });

  test('is a record of another place, of another system, or altered', async () => {
    const { store, engine, round } = setUp();
    await round(FAILED);
    const { bytes } = store.objects.get('incidents/000001/0001-opened.json') ?? {};
    const put = (key: string, content: Uint8Array) => store.put(key, content);
    await put('incidents/000001/0002-opened.json', bytes ?? new Uint8Array());
    await put('incidents/000001/0002-resolved.json', Buffer.from('[\n{}\n]\n'));
    await put(
      'incidents/000001/0003-resolved.json',
      Buffer.from(String(Buffer.from(bytes ?? [])).replace('site', 'sitf')),
    );
    const { incidents, problems } = await readIncidents(engine);
    expect(problems).toHaveLength(3);
    expect(incidents).toMatchObject([{ id: '000001', resolved: undefined }]);
  });
});

describe('a checkpoint', () => {
  test('spares the next runs all that is over', async () => {
    const { store, engine, round, pass } = setUp();
    for (let number = 0; number < 150; number += 1) {
      await openNext(engine, { last: number }, { text: 'one' });
      await append(
        engine,
        { id: String(number + 1).padStart(6, '0'), lastSequence: 1 },
        { event: 'resolved', how: 'person' },
      );
    }
    pass(120);
    await round([]);
    [store.lists, store.reads] = [0, 0];
    await escalationRound({
      engine,
      policy: POLICY,
      patience: { signal: new AbortController().signal },
      looks: 'due',
      look: () => Promise.reject(new Error('it looked')),
      open: () => Promise.reject(new Error('it opened sinks')),
    });
    // The checkpoint is read, and one block is listed.
    expect([store.lists, store.reads]).toEqual([1, 1]);
  });

  test('is found after a pause of days, so that what was over by then is not read again', async () => {
    const { store, engine, round, pass } = setUp();
    for (let number = 0; number < 20; number += 1) {
      const opened = await openNext(engine, { last: number }, { text: 'one' });
      const resolved = { event: 'resolved', how: 'person' } as const;
      if (number > 0) await append(engine, { id: opened, lastSequence: 1 }, resolved);
    }
    pass(120);
    await round([]);
    // Into the next month.
    pass(10 * 24 * 60);
    store.reads = 0;
    const { checkpoint, isCurrent } = await readCheckpoint(engine);
    expect([checkpoint?.open, checkpoint?.last, isCurrent]).toEqual([['000001'], 20, false]);
    expect((await readIncidents(engine, { checkpoint })).incidents.map(({ id }) => id)).toEqual([
      '000001',
    ]);
    // The checkpoint, and what happened in the one that is open.
    expect(store.reads).toBeLessThan(10);
  });

  test('hides no action that was written down long after an incident was over', async () => {
    const { engine, messages, round, pass } = setUp();
    await round(FAILED);
    await round([]);
    for (let number = 1; number < 105; number += 1) {
      const opened = await openNext(engine, { last: number }, { text: 'one' });
      const resolved = { event: 'resolved', how: 'person' } as const;
      await append(engine, { id: opened, lastSequence: 1 }, resolved);
    }
    pass(24 * 60);
    await round([]);
    pass(3 * 24 * 60);
    const action = { text: 'alert at 80 %', owner: 'anna', due: '2026-11-26' };
    await actOn(engine, '000006', { event: 'noted', sets: { action } });
    // Nothing runs for hours: the incident is in no checkpoint yet, and in an earlier block than the newest.
    pass(5 * 60);
    await round([]);
    expect(messages).toHaveLength(2);
    pass(15 * 60);
    await Promise.all([round([]), round([])]);
    pass(24 * 60);
    await round([]);
    expect(messages.slice(2).map(({ subject, thread }) => [subject, thread])).toEqual([
      [
        '[Holdfast shop] OVERDUE: incident 6, action 1: alert at 80 %',
        'holdfast/shop/incident/000006/action/1',
      ],
    ]);
  });

  test('that nobody vouches for, or that is missing, costs time and hides nothing', async () => {
    const { store, engine, messages, round, pass } = setUp();
    await openNext(engine, { last: 0 }, { text: 'by a person' });
    await store.put(
      'incidents/checkpoint-20261122T030000000Z.json',
      Buffer.from('{"open":[],"last":9}'),
    );
    expect((await readCheckpoint(engine)).checkpoint).toBeUndefined();
    await round([]);
    expect(messages.map(({ subject }) => subject)).toEqual([
      '[Holdfast shop] ALARM: by a person, incident 1',
    ]);
    pass(24 * 60);
    await round([]);
    expect((await readIncidents(engine)).incidents).toHaveLength(1);
  });
});

test('whatever happens, in whatever order: nothing twice, nothing left out, nothing after an acknowledgement', async () => {
  await fc.assert(fc.asyncProperty(histories, live), { numRuns: 40 });
});

// A system whose things break and heal, people who acknowledge, sinks and a store that fail: what the escalation does about it, compared with
// what it may and must do. Everything is real but the clock, the sinks and the place where bytes are kept.
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { actOn, type Escalating } from '../../lib/alerts/escalate.ts';
import { escalationRound } from '../../lib/alerts/escalation-round.ts';
import { recoverAll } from '../../lib/alerts/recover.ts';
import { readIncidents } from '../../lib/engine/incidents/read.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { dueOf, type EscalationPolicy } from '../../lib/policy/incidents/escalation.ts';
import { conditionKey } from '../../lib/policy/incidents/state.ts';
import { DELIVERED, type Sink, type SinkMessage } from '../../lib/sinks/sink.ts';
import type { StoredObject } from '../../lib/stores/store.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { incidentEngine, SENDER } from './incident-engine.ts';

const MINUTE = 60_000;
const SUBJECTS = ['site', 'db', 'assets'];
const CODES = ['failed', 'late', 'damaged'];
const SINKS = ['mail', 'chat'];

export type Op =
  | { readonly op: 'pass'; readonly minutes: number }
  | { readonly op: 'break' | 'heal'; readonly subject: string; readonly code: string }
  | { readonly op: 'acknowledge' | 'resolve' }
  | { readonly op: 'sink'; readonly sink: string; readonly works: boolean }
  | { readonly op: 'run'; readonly runs: 1 | 2 | 3; readonly ticks: readonly number[] }
  | { readonly op: 'crash'; readonly call: number; readonly after: boolean };

const subject = fc.constantFrom(...SUBJECTS);
const code = fc.constantFrom(...CODES);

/** Anything that can happen, in any order. */
export const histories: fc.Arbitrary<Op[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant('pass' as const),
        minutes: fc.constantFrom(0, 1, 2, 10, 29, 30, 31, 90),
      }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('break' as const), subject, code }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('heal' as const), subject, code }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constantFrom('acknowledge' as const, 'resolve' as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('sink' as const),
        sink: fc.constantFrom(...SINKS),
        works: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        op: fc.constant('run' as const),
        runs: fc.constantFrom(1 as const, 1 as const, 2 as const, 3 as const),
        ticks: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        op: fc.constant('crash' as const),
        call: fc.nat(12),
        after: fc.boolean(),
      }),
    },
  ),
  { minLength: 1, maxLength: 25 },
);

const POLICY: EscalationPolicy = {
  steps: [
    {
      afterMs: 0,
      targets: [
        { sink: 'mail', contact: 'team' },
        { sink: 'chat', contact: undefined },
      ],
      repeatMs: 20 * MINUTE,
    },
    { afterMs: 30 * MINUTE, targets: [{ sink: 'mail', contact: 'lead' }], repeatMs: undefined },
    {
      afterMs: 60 * MINUTE,
      targets: [
        { sink: 'chat', contact: undefined },
        { sink: 'mail', contact: 'board' },
      ],
      repeatMs: undefined,
    },
  ],
  resumeMs: 120 * MINUTE,
  remindMs: 45 * MINUTE,
};

/** A store that lets others run between its calls, and dies at one of them. */
class TurnStore extends MemoryStore {
  ticks: readonly number[] = [0];
  at = 0;
  /** How many calls it still answers, and whether what it dies over was written. */
  dies: { calls: number; after: boolean } | undefined;

  async #turn(): Promise<void> {
    this.at += 1;
    for (let tick = this.ticks[this.at % this.ticks.length] ?? 0; tick > 0; tick -= 1)
      await Promise.resolve();
  }

  #dead(): boolean {
    if (this.dies === undefined) return false;
    this.dies.calls -= 1;
    return this.dies.calls <= 0;
  }

  override async put(...args: Parameters<MemoryStore['put']>): Promise<StoredObject> {
    await this.#turn();
    if (this.#dead()) {
      if (this.dies?.after === true) await super.put(...args);
      throw new HoldfastError('STORE_UNAVAILABLE', 'the store died');
    }
    return super.put(...args);
  }

  override async read(...args: Parameters<MemoryStore['read']>) {
    await this.#turn();
    return super.read(...args);
  }
}

interface Received {
  readonly sink: string;
  readonly message: SinkMessage;
  readonly at: number;
}

class World {
  time = new Date('2026-11-22T03:00:00Z').getTime();
  readonly store = new TurnStore();
  readonly bad = new Set<string>();
  readonly broken = new Set<string>();
  readonly received: Received[] = [];
  /** The incidents of which a message was sent or tried. */
  readonly asked = new Set<string>();
  /** What was tried by itself. */
  readonly tried: string[] = [];
  /** Whether a crash may have fallen between sending and writing that down. */
  crashed = false;
  readonly engine: Engine;
  readonly #sinks: readonly Sink[];

  constructor() {
    this.store.time = new Date(this.time);
    this.engine = incidentEngine(this.store, () => new Date(this.time));
    this.#sinks = SINKS.map((name) => ({
      name,
      kind: 'test',
      send: async (message) => {
        await Promise.resolve();
        this.asked.add(message.id.slice(0, 6));
        if (this.broken.has(name)) return { delivered: false, why: 'it is broken', again: true };
        this.received.push({ sink: name, message, at: this.time });
        return DELIVERED;
      },
    }));
  }

  async round(): Promise<void> {
    const contacts = new Map(
      ['team', 'lead', 'board'].map((contact) => [
        contact,
        {
          contact,
          email: `${contact}@example.com`,
          phone: undefined,
          role: contact,
          contract: undefined,
        },
      ]),
    );
    const opened: Pick<Escalating, 'sinks' | 'contacts' | 'sender'> = {
      sinks: this.#sinks,
      contacts,
      sender: SENDER,
    };
    try {
      await escalationRound({
        engine: this.engine,
        policy: POLICY,
        patience: { signal: new AbortController().signal, attempts: 1 },
        look: () =>
          Promise.resolve({
            at: new Date(this.time),
            urgent: [...this.bad].map((key) => {
              const [one = '', other = ''] = key.split('/');
              return { subject: one, code: other, detail: 'it is so' };
            }),
            subjects: new Set([...SUBJECTS, 'store']),
          }),
        open: () => Promise.resolve(opened),
      });
      const recovering = { engine: this.engine, policy: POLICY, can: () => true };
      await recoverAll(recovering, (incident, { source, code: of }) => {
        // People are told first.
        expect(this.asked).toContain(incident);
        this.tried.push(`${incident} ${source} ${of}`);
        return Promise.resolve({ outcome: 'failed', result: 'it is still so' });
      });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      expect(error.code).toBe('STORE_UNAVAILABLE');
      this.crashed = true;
    }
  }

  async open() {
    const { incidents, problems } = await readIncidents(this.engine, { all: true });
    expect(problems).toEqual([]);
    return { all: incidents, open: incidents.filter(({ resolved }) => resolved === undefined) };
  }

  async act(op: 'acknowledge' | 'resolve'): Promise<void> {
    const { open } = await this.open();
    const [first] = open;
    if (first === undefined) return;
    await actOn(
      this.engine,
      first.id,
      op === 'acknowledge' ? { event: 'acknowledged' } : { event: 'resolved', how: 'person' },
    );
  }

  async step(op: Op): Promise<void> {
    if (op.op === 'pass') this.pass(op.minutes);
    else if (op.op === 'break') this.bad.add(conditionKey(op));
    else if (op.op === 'heal') this.bad.delete(conditionKey(op));
    else if (op.op === 'sink') {
      if (op.works) this.broken.delete(op.sink);
      else this.broken.add(op.sink);
    } else if (op.op === 'crash') this.store.dies = { calls: op.call + 1, after: op.after };
    else if (op.op === 'run') {
      this.store.ticks = op.ticks;
      await Promise.all(Array.from({ length: op.runs }, () => this.round()));
      this.store.dies = undefined;
    } else {
      this.store.dies = undefined;
      await this.act(op.op);
    }
  }

  pass(minutes: number): void {
    this.time += minutes * MINUTE;
    this.store.time = new Date(this.time);
  }
}

/** Lives through a history, and checks after each step and at the end what must hold. */
export async function live(ops: readonly Op[]): Promise<void> {
  const world = new World();
  for (const op of ops) {
    const before = world.received.length;
    const { all: held } = await world.open();
    await world.step(op);
    await holdsAlways(world, before, held);
  }
  // In the end everything works again: what is due has to come.
  world.broken.clear();
  world.store.dies = undefined;
  for (let minute = 0; minute < 20; minute += 1) {
    world.pass(1);
    await world.round();
  }
  await holdsInTheEnd(world);
}

async function holdsAlways(
  world: World,
  before: number,
  held: Awaited<ReturnType<World['open']>>['all'],
): Promise<void> {
  const { open } = await world.open();
  // One incident for one condition, however many runs saw it.
  const keys = open.flatMap(({ conditions }) => [...conditions.keys()]);
  expect(new Set(keys).size).toBe(keys.length);
  const ids = world.received.map(({ sink, message }) => `${sink} ${message.id}`);
  const incidentMessages = ids.filter((id) => / \d{6}-/.test(id));
  if (!world.crashed) expect(new Set(incidentMessages).size).toBe(incidentMessages.length);
  // Nothing is tried twice for one condition.
  expect(new Set(world.tried).size).toBe(world.tried.length);
  // Whoever has acknowledged hears nothing more than reminders, and that it is over.
  for (const { message } of world.received.slice(before)) {
    const incident = held.find(({ id }) => message.id.startsWith(`${id}-`));
    if (incident === undefined || message.event === 'recovered') continue;
    // Said here anew, so that no fault of the policy hides itself.
    const isHeld = incident.acknowledgements.some(
      ({ at }) => world.time - at.getTime() < (POLICY.resumeMs ?? Infinity),
    );
    if (isHeld) expect(message.id).toMatch(/-u\d+\.r\d+_/);
    if (incident.resolved !== undefined) expect(message.event).toBe('recovered');
  }
}

async function holdsInTheEnd(world: World): Promise<void> {
  const { open } = await world.open();
  const now = new Date(world.time);
  for (const incident of open) {
    expect(dueOf(incident, POLICY, now)).toEqual([]);
    if (incident.acknowledgements.length > 0) continue;
    for (const [index, { afterMs, targets }] of POLICY.steps.entries()) {
      if (now.getTime() - incident.openedAt.getTime() < afterMs) continue;
      for (const { sink, contact } of targets) {
        const reached = world.received.some(
          (one) =>
            one.sink === sink &&
            one.message.id.startsWith(`${incident.id}-p0.s${index}.`) &&
            one.message.to?.contact === contact,
        );
        expect([incident.id, index, sink, contact, reached]).toEqual([
          incident.id,
          index,
          sink,
          contact,
          true,
        ]);
      }
    }
  }
  // What is bad is told, and what is good is over, but for what has to stay good for an hour.
  const known = open.flatMap(({ conditions }) => [...conditions.keys()]);
  for (const key of world.bad) expect(known).toContain(key);
  for (const { conditions, settleMs } of open)
    if (settleMs === 0) expect([...conditions.keys()].some((key) => world.bad.has(key))).toBe(true);
}

// An incident of which somebody has got a message with a link, and the function that the link leads to.
import { actOn } from '../../../lib/alerts/escalate.ts';
import { escalationRound } from '../../../lib/alerts/escalation-round.ts';
import { readIncident } from '../../../lib/engine/incidents/read.ts';
import {
  answer,
  screen,
  type AnswerReport,
} from '../../../lib/functions/acknowledge/acknowledge.ts';
import { guessLimit } from '../../../lib/functions/acknowledge/guesses.ts';
import type { UrlResponse } from '../../../lib/functions/acknowledge/url-event.ts';
import type { LogFields } from '../../../lib/functions/logger.ts';
import type { EscalationPolicy } from '../../../lib/policy/incidents/escalation.ts';
import type { NoteSets } from '../../../lib/policy/incidents/review.ts';
import type { Incident } from '../../../lib/policy/incidents/state.ts';
import type { Urgent } from '../../../lib/policy/incidents/sync.ts';
import { DELIVERED, type Sink, type SinkMessage } from '../../../lib/sinks/sink.ts';
import type { Store } from '../../../lib/stores/store.ts';
import { linksTo } from '../../../lib/wiring/links.ts';
import { incidentEngine, SENDER } from '../../alerts/incident-engine.ts';
import { makeKeys, trust } from '../../support/engine.ts';

export const MINUTE_MS = 60_000;
export const START = new Date('2026-11-22T03:00:00Z');
export const FAILED: readonly Urgent[] = [
  { subject: 'site', code: 'failed', detail: 'the last run failed: the store refused the request' },
];

const step = (afterMinutes: number, contact: string) => ({
  afterMs: afterMinutes * MINUTE_MS,
  targets: [{ sink: 'mail', contact }],
  repeatMs: undefined,
});
const POLICY: EscalationPolicy = {
  steps: [step(0, 'on-call'), step(30, 'manager')],
  resumeMs: 4 * 60 * MINUTE_MS,
  remindMs: undefined,
};

const OWN = makeKeys();
/** As the stack trusts the key of the function: for one event alone. */
export const OWN_TRUST = { ...trust(OWN, ['incidents/']), events: ['acknowledged'] };

export interface Answered {
  readonly response: UrlResponse;
  /** Undefined where the request went no further than to be looked at. */
  readonly report: AnswerReport | undefined;
}

export interface Stage {
  readonly messages: readonly SinkMessage[];
  readonly logged: readonly LogFields[];
  /** The clock of all that takes part. */
  time: Date;
  /** One round of the escalation. */
  readonly round: (urgent?: readonly Urgent[]) => Promise<void>;
  /** The path of the link in a message; that of the newest one without a number. */
  readonly link: (index?: number) => string;
  readonly answer: (event: unknown) => Promise<Answered>;
  /** What a person says on the command line. */
  readonly note: (sets: NoteSets) => Promise<void>;
  readonly incident: () => Promise<Incident>;
}

/** A stage on `store`; links lead to `url`. */
export function stageOn(store: Store, { url = 'https://links.example' } = {}): Stage {
  const messages: SinkMessage[] = [];
  const logged: LogFields[] = [];
  const clock = { time: START };
  const now = () => clock.time;
  const engine = incidentEngine(store, now, { trusted: [OWN_TRUST] });
  const own = incidentEngine(store, now, { keys: OWN, trusted: [OWN_TRUST] });
  const guesses = guessLimit();
  const note = (message: string, fields: LogFields = {}) =>
    void logged.push({ message, ...fields });
  const sink: Sink = {
    ...{ name: 'mail', kind: 'test' },
    send: (message) => {
      messages.push(message);
      return Promise.resolve(DELIVERED);
    },
  };
  const links = linksTo(url);
  return {
    messages,
    logged,
    get time() {
      return clock.time;
    },
    set time(time) {
      clock.time = time;
    },
    round: async (urgent = FAILED) => {
      await escalationRound({
        ...{ engine, policy: POLICY, patience: { signal: new AbortController().signal } },
        look: () =>
          Promise.resolve({ at: now(), urgent, subjects: new Set(['site', 'assets', 'store']) }),
        open: () => Promise.resolve({ sinks: [sink], contacts: new Map(), sender: SENDER, links }),
      });
    },
    link: (index = messages.length - 1) => new URL(messages[index]?.link ?? '').pathname,
    answer: async (event) => {
      const screened = screen(event, guesses, now());
      if (screened.refused !== undefined) return { response: screened.refused, report: undefined };
      const log = { info: note, warn: note, error: note };
      const answered = await answer({ engine: own, log, guesses }, screened.asked);
      logged.push({ ...answered.report });
      return answered;
    },
    note: async (sets) => {
      await actOn(engine, '000001', { event: 'noted', sets });
    },
    incident: async () => {
      const incident = await readIncident(engine, '000001');
      if (incident === undefined) throw new Error('there is no incident');
      return incident;
    },
  };
}

/** A stage on `store` whose first step got its message. */
export async function toldStage(
  store: Store,
  { urgent = FAILED, ...options }: { urgent?: readonly Urgent[]; url?: string } = {},
): Promise<Stage> {
  const stage = stageOn(store, options);
  await stage.round(urgent);
  return stage;
}

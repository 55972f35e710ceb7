// Who handles an incident, what caused it, and what is to be done so that it does not happen again.
import { describe, expect, test } from '@jest/globals';
import {
  dueOf,
  isUnfinished,
  type EscalationPolicy,
} from '../../../lib/policy/incidents/escalation.ts';
import type { NoteSets } from '../../../lib/policy/incidents/review.ts';
import { incidentOf, type IncidentEvent } from '../../../lib/policy/incidents/state.ts';
import { weekHours } from '../../../lib/policy/week-hours.ts';

const at = (text: string) => new Date(text);
let sequence = 0;

function event(name: string, time: string, more: Partial<IncidentEvent> = {}): IncidentEvent {
  sequence += 1;
  return {
    ...{ incident: '000001', sequence, event: name, detail: undefined, who: 'me@host' },
    ...{ at: at(time), text: 'it is so', began: undefined, how: undefined, again: true },
    ...{ settleMs: 0, conditions: [], ...more },
  };
}
const note = (time: string, sets: NoteSets) => event('noted', time, { sets });
const OPENED = event('opened', '2026-11-22T03:00:00Z');
const RESOLVED = event('resolved', '2026-11-22T05:00:00Z');
const ACTION = note('2026-11-23T10:00:00Z', {
  action: { text: 'alert at 80 %', owner: 'anna', due: '2026-12-01' },
});
const POLICY: EscalationPolicy = {
  steps: [{ afterMs: 0, targets: [{ sink: 'mail', contact: undefined }], repeatMs: undefined }],
  ...{ resumeMs: undefined, remindMs: undefined, timeZone: 'Europe/Berlin' },
  people: new Map([['anna', [{ sink: 'chat', contact: undefined, who: 'anna' }]]]),
};

function known(events: readonly IncidentEvent[]) {
  const incident = incidentOf(events);
  if (incident === undefined) throw new Error('nothing opened it');
  return incident;
}
const due = (events: readonly IncidentEvent[], time: string, policy = POLICY) =>
  dueOf(known(events), policy, at(time)).map(({ target, event: what }) => `${what} ${target.sink}`);

test('of roles and causes the last word counts; actions have numbers in their order', () => {
  const { review } = known([
    OPENED,
    note('2026-11-22T03:10:00Z', { lead: 'anna', communication: 'ben' }),
    note('2026-11-22T03:20:00Z', { lead: 'cem', cause: 'a full disk' }),
    ACTION,
    note('2026-11-23T11:00:00Z', { action: { text: 'b', owner: 'ben', due: '2026-12-02' } }),
    note('2026-11-24T11:00:00Z', { done: 2 }),
    note('2026-11-25T11:00:00Z', { done: 7 }),
  ]);
  expect(review).toMatchObject({ lead: 'cem', communication: 'ben', cause: 'a full disk' });
  expect(review.actions.map(({ number, owner, doneAt }) => [number, owner, doneAt])).toEqual([
    [1, 'anna', undefined],
    [2, 'ben', at('2026-11-24T11:00:00Z')],
  ]);
});

describe('an action that is overdue', () => {
  const events = [OPENED, RESOLVED, ACTION];

  test('is told to its owner when its day is over, by the clock of the system', () => {
    expect(due(events, '2026-12-01T22:59:59Z')).toEqual([]);
    expect(due(events, '2026-12-01T23:00:00Z')).toEqual(['overdue chat']);
    // A machine that was off makes up for it.
    expect(due(events, '2027-02-01T00:00:00Z')).toEqual(['overdue chat']);
  });

  test('is told to the first step where nobody knows how its owner is reached', () => {
    const policy = { ...POLICY, people: new Map() };
    expect(due(events, '2026-12-02T00:00:00Z', policy)).toEqual(['overdue mail']);
  });

  test('waits while it is quiet for what is worth a look by day', () => {
    const quiet = { watch: weekHours(['20:00-08:00'], 'Europe/Berlin') };
    expect(due(events, '2026-12-02T06:59:00Z', { ...POLICY, quiet })).toEqual([]);
    expect(due(events, '2026-12-02T07:00:00Z', { ...POLICY, quiet })).toEqual(['overdue chat']);
  });

  test('is told once, and not at all when it is done; a run looks at it until then', () => {
    const detail = 'a1_chat.1';
    const told = ['claim', 'sent'].map((name) =>
      event(name, '2026-12-02T00:00:00Z', { sequence: 0, detail }),
    );
    const later = '2026-12-03T00:00:00Z';
    expect(isUnfinished(known(events), at('2026-11-30T00:00:00Z'))).toBe(true);
    // Who heard that it is overdue does not hear that the incident is over.
    expect(due([...events, ...told], later)).toEqual([]);
    expect(isUnfinished(known([...events, ...told]), at(later))).toBe(false);
    const done = [...events, note('2026-11-30T00:00:00Z', { done: 1 })];
    expect(due(done, later)).toEqual([]);
    expect(isUnfinished(known(done), at(later))).toBe(false);
  });
});

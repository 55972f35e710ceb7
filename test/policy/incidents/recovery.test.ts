// What is tried by itself, and when.
import { expect, test } from '@jest/globals';
import type { EscalationPolicy } from '../../../lib/policy/incidents/escalation.ts';
import { recoveriesDue } from '../../../lib/policy/incidents/recovery.ts';
import { incidentOf, type IncidentEvent } from '../../../lib/policy/incidents/state.ts';

const T0 = new Date('2026-11-22T03:00:00Z').getTime();
const at = (minutes: number) => new Date(T0 + minutes * 60_000);
const TARGETS = [{ sink: 'mail', contact: undefined }];
const policyFrom = (afterMs: number): EscalationPolicy => ({
  steps: [{ afterMs, targets: TARGETS, repeatMs: undefined }],
  ...{ resumeMs: undefined, remindMs: undefined },
});

function event(name: string, minutes: number, more: Partial<IncidentEvent> = {}): IncidentEvent {
  return {
    ...{ incident: '000001', sequence: 1, event: name, detail: undefined, who: 'me@host' },
    ...{ at: at(minutes), text: undefined, began: undefined, how: undefined, again: true },
    ...{ settleMs: 0, conditions: [], ...more },
  };
}
const conditions = (...codes: string[]) =>
  codes.map((code) => ({ subject: 'site', code, detail: 'it is so' }));
const OPENED = event('opened', 0, { conditions: conditions('failed', 'damaged', 'hidden') });
const MESSAGE = { sequence: 0, detail: 'p0.s0.r0_mail.1' };
const CLAIM = event('claim', 0, MESSAGE);
const BOTH = ['backup for failed', 'repair for damaged'];

function due(events: readonly IncidentEvent[], policy = policyFrom(0)): string[] {
  const incident = incidentOf(events);
  if (incident === undefined) throw new Error('nothing opened it');
  return recoveriesDue(incident, policy, at(1)).map(({ act, code }) => `${act} for ${code}`);
}

test('nothing is tried before people were told, where they are told at once', () => {
  expect(due([OPENED])).toEqual([]);
  expect(due([OPENED, CLAIM])).toEqual([]);
  expect(due([OPENED, CLAIM, event('sent', 0, MESSAGE)])).toEqual(BOTH);
  // That they could not be told is no reason to wait.
  expect(due([OPENED, CLAIM, event('failed', 0, MESSAGE)])).toEqual(BOTH);
});

test('where people are told later, it is tried at once', () => {
  expect(due([OPENED], policyFrom(30 * 60_000))).toEqual(BOTH);
});

test('each condition once, whatever came of it', () => {
  const told = [OPENED, CLAIM, event('sent', 0, MESSAGE)];
  const trying = event('trying', 0, { sequence: 0, detail: 'failed_site', text: 'a backup' });
  expect(due([...told, trying])).toEqual(['repair for damaged']);
  const late = event('joined', 1, { sequence: 2, conditions: conditions('late') });
  expect(due([...told, trying, late])).toEqual(['repair for damaged', 'backup for late']);
});

test('nothing of what is good again, and nothing while a person sees to it, or when it is over', () => {
  const told = [OPENED, CLAIM, event('sent', 0, MESSAGE)];
  const good = event('recovered', 1, { sequence: 2, conditions: conditions('failed') });
  expect(due([...told, good])).toEqual(['repair for damaged']);
  expect(due([...told, event('acknowledged', 1, { sequence: 2 })])).toEqual([]);
  expect(due([...told, event('resolved', 1, { sequence: 2 })])).toEqual([]);
});

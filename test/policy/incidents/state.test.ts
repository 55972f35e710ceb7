// Since when each condition of an incident is known.
import { expect, test } from '@jest/globals';
import { incidentOf, type IncidentEvent } from '../../../lib/policy/incidents/state.ts';

const T0 = new Date('2026-11-22T03:00:00Z').getTime();
const at = (minutes: number) => new Date(T0 + minutes * 60_000);

/** What happened to the damage of a source, by minutes; each event names the backups that are damaged then. */
function sinceOf(...events: readonly (readonly [name: string, minute: number, damaged: string])[]) {
  const records = events.map(([name, minute, detail], index): IncidentEvent => ({
    ...{ incident: '000001', sequence: index + 1, event: name, detail: undefined, who: 'me' },
    ...{ at: at(minute), text: undefined, began: undefined, how: undefined, again: true },
    ...{ settleMs: 0, conditions: [{ subject: 'site', code: 'damaged', detail }] },
  }));
  const condition = incidentOf(records)?.conditions.get('site/damaged');
  return condition && (condition.since.getTime() - T0) / 60_000;
}

test('a condition is known since it was first seen', () => {
  expect(sinceOf(['opened', 0, 'A'])).toBe(0);
  expect(sinceOf(['opened', 0, 'A'], ['joined', 5, 'A'])).toBe(0);
});

test('one that names another backup is news, and one that names fewer is not', () => {
  expect(sinceOf(['opened', 0, 'A'], ['joined', 5, 'A; B'])).toBe(5);
  expect(sinceOf(['opened', 0, 'A'], ['joined', 5, 'A; B'], ['joined', 9, 'B'])).toBe(5);
  expect(sinceOf(['opened', 0, 'A'], ['joined', 5, 'A; B'], ['joined', 9, 'B; C'])).toBe(9);
  // What was named before, and then was not, is news again.
  expect(sinceOf(['opened', 0, 'A; B'], ['joined', 5, 'B'], ['joined', 9, 'A; B'])).toBe(9);
});

test('one that was good and is bad again has been known all the time', () => {
  expect(sinceOf(['opened', 0, 'A'], ['recovered', 5, 'A'], ['relapsed', 9, 'A'])).toBe(0);
  expect(sinceOf(['opened', 0, 'A'], ['recovered', 5, 'A'], ['relapsed', 9, 'B'])).toBe(0);
});

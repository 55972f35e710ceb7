// Whom the examples tell, and when: what the procedures of both systems ask for.
import { describe, expect, test } from '@jest/globals';
import { policyOf } from '../../lib/alerts/configured-escalation.ts';
import type { Config } from '../../lib/config/config.ts';
import { recovers } from '../../lib/config/load/stack-keys.ts';
import { showReference } from '../../lib/config/places.ts';
import { dueOf } from '../../lib/policy/incidents/escalation.ts';
import { incidentOf } from '../../lib/policy/incidents/state.ts';
import { AUTOMATRON, configOf, SPARK } from '../support/stacks.ts';

const OPENED_AT = new Date('2026-11-22T03:00:00Z');

/** Who has been told when nobody has acknowledged for so many minutes, by address or by where the number stands. */
function toldAfter({ notify }: Config, minutes: number): string[] {
  const incident = incidentOf([
    {
      ...{ incident: '000001', sequence: 1, event: 'opened', detail: undefined, who: 'stack' },
      ...{ at: OPENED_AT, text: undefined, began: undefined, how: undefined, again: true },
      ...{ settleMs: 0, conditions: [{ subject: 'site', code: 'failed', detail: 'it failed' }] },
    },
  ]);
  if (incident === undefined) throw new Error('nothing opened it');
  const now = new Date(OPENED_AT.getTime() + minutes * 60_000);
  const told = dueOf(incident, policyOf({ notify }), now).flatMap(({ target }) => {
    const contact = notify.contacts.find(({ name }) => name === target.contact);
    return contact?.email ?? (contact?.phone && showReference(contact.phone)) ?? [];
  });
  return [...new Set(told)].toSorted();
}

describe('the Automatron website', () => {
  test('tells the development team and infrastructure at once, and the emergency number before its time is over', async () => {
    const config = await configOf(AUTOMATRON);
    const team = ['dev@automatron.ai', 'ops@automatron.ai'];
    expect(toldAfter(config, 0)).toEqual(team);
    expect(toldAfter(config, 119)).toEqual(team);
    expect(toldAfter(config, 120)).toEqual([...team, 'secret:automatron-website/emergency-phone']);
    // Level 1 is what is tried by itself.
    expect(recovers(config)).toBe(true);
  });
});

describe('Spark Bloom Flow', () => {
  test('tells engineering at once, management after half an hour and executives after an hour', async () => {
    const config = await configOf(SPARK);
    const level1 = ['devops-lead', 'infrastructure', 'on-call'].map((one) => `${one}@company.com`);
    expect(toldAfter(config, 0)).toEqual(level1);
    const level2 = [...level1, 'engineering-management@company.com'].toSorted();
    expect(toldAfter(config, 29)).toEqual(level1);
    expect(toldAfter(config, 30)).toEqual(level2);
    expect(toldAfter(config, 60)).toEqual([...level2, 'executives@company.com'].toSorted());
    expect(recovers(config)).toBe(true);
  });
});

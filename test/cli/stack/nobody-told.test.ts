// Whether somebody is told of the alarms of a stack.
import { expect, test } from '@jest/globals';
import type { Config } from '../../../lib/config/config.ts';
import {
  ESCALATION_UNWATCHED,
  NOBODY_TOLD,
  nobodyTold,
} from '../../../lib/cli/stack/nobody-told.ts';

const notify = {
  success: 'never',
  heartbeat: undefined,
  sinks: [],
  contacts: [],
  recovery: 'once',
  timeZone: 'UTC',
  quietHours: { watch: undefined, alarm: undefined },
  escalation: undefined,
} as const;

const NOW = new Date('2026-11-22T00:00:00Z');
const told = (more: Partial<Config['notify']>) =>
  nobodyTold({ notify: { ...notify, email: [], ...more }, aws: {} as Config['aws'] }, NOW);

test('that nobody is told is said where no address is named', () => {
  expect(told({})).toEqual([NOBODY_TOLD]);
  expect(told({ email: ['ops@example.com'] })).toEqual([]);
});

test('that nobody hears of a broken escalation is said where no address is named', () => {
  const sinks = [{ name: 'chat', kind: 'slack' }] as unknown as Config['notify']['sinks'];
  expect(told({ sinks })).toEqual([
    ESCALATION_UNWATCHED,
    expect.stringContaining('there is only one way to tell people'),
  ]);
  expect(told({ email: ['ops@example.com'], sinks })).toEqual([]);
});

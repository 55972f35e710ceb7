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

test('that nobody is told is said where no address is named', () => {
  expect(nobodyTold({ notify: { ...notify, email: [] } })).toEqual([NOBODY_TOLD]);
  expect(nobodyTold({ notify: { ...notify, email: ['ops@example.com'] } })).toEqual([]);
});

test('that nobody hears of a broken escalation is said where no address is named', () => {
  const sinks = [{ name: 'hook' }] as unknown as Config['notify']['sinks'];
  expect(nobodyTold({ notify: { ...notify, email: [], sinks } })).toEqual([ESCALATION_UNWATCHED]);
  const email = ['ops@example.com'];
  expect(nobodyTold({ notify: { ...notify, email, sinks } })).toEqual([]);
});

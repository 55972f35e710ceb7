// Whether somebody is told of the alarms of a stack.
import { expect, test } from '@jest/globals';
import type { Config } from '../../../lib/config/config.ts';
import { NOBODY_TOLD, NOT_ESCALATED, nobodyTold } from '../../../lib/cli/stack/nobody-told.ts';

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

test('that a machine has to escalate is said where the configuration has a sink or steps', () => {
  const email = ['ops@example.com'];
  const escalation = { steps: [] } as unknown as Config['notify']['escalation'];
  expect(nobodyTold({ notify: { ...notify, email, escalation } })).toEqual([NOT_ESCALATED]);
  const sinks = [{ name: 'hook' }] as unknown as Config['notify']['sinks'];
  expect(nobodyTold({ notify: { ...notify, email, sinks } })).toEqual([NOT_ESCALATED]);
});

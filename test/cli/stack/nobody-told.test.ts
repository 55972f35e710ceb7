// Whether somebody is told of the alarms of a stack.
import { expect, test } from '@jest/globals';
import { NOBODY_TOLD, nobodyTold } from '../../../lib/cli/stack/nobody-told.ts';

const notify = {
  success: 'never',
  heartbeat: undefined,
  sinks: [],
  contacts: [],
  escalation: undefined,
} as const;

test('that nobody is told is said where no address is named', () => {
  expect(nobodyTold({ notify: { ...notify, email: [] } })).toEqual([NOBODY_TOLD]);
  expect(nobodyTold({ notify: { ...notify, email: ['ops@example.com'] } })).toEqual([]);
});

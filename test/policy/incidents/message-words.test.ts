import { expect, test } from '@jest/globals';
import { messageWords } from '../../../lib/policy/incidents/message-words.ts';

test.each([
  ['p0.s0.r0_mail', 'step 1', 'mail'],
  ['p1.s2.r3_pager_lead', 'step 3, reminder 3, after an acknowledgement', 'lead by pager'],
  ['j2_mail_lead', 'what else went wrong', 'lead by mail'],
  ['u1764000000000.r1_mail', 'a reminder to say how it stands', 'mail'],
  ['a4_mail_lead', 'that action 4 is overdue', 'lead by mail'],
  ['end_mail', 'that it is over', 'mail'],
  ['x9_mail', 'x9', 'mail'],
])('the message %s is %s, to %s', (message, what, to) => {
  expect(messageWords(message)).toEqual({ what, to });
});

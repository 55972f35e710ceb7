// What a person is told who acknowledges: until when messages stop.
import { expect, test } from '@jest/globals';
import { quietUntil } from '../../lib/cli/incident/quiet-until.ts';

const NOW = new Date('2026-11-22T03:00:00Z');
const HOUR_MS = 3_600_000;

test.each([
  [{}, undefined, 'no messages about it until it is over'],
  [
    { resumeMs: 4 * HOUR_MS },
    '2026-11-22T07:00:00.000Z',
    'no messages about it until 2026-11-22 07:00:00 UTC if it is open until then',
  ],
  [
    { resumeMs: 4 * HOUR_MS, remindMs: HOUR_MS },
    '2026-11-22T07:00:00.000Z',
    'no messages about it until 2026-11-22 07:00:00 UTC if it is open until then, except for a reminder at 2026-11-22 04:00:00 UTC if nobody has written a note by then',
  ],
  [
    { resumeMs: HOUR_MS, remindMs: HOUR_MS },
    '2026-11-22T04:00:00.000Z',
    'no messages about it until 2026-11-22 04:00:00 UTC if it is open until then',
  ],
])('%j', ({ resumeMs, remindMs }: { resumeMs?: number; remindMs?: number }, at, text) => {
  const quiet = quietUntil({ resumeMs, remindMs }, NOW);
  expect([quiet.at?.toISOString(), quiet.text]).toEqual([at, text]);
});

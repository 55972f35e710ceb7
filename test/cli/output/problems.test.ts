// Problems as lines of text.
import { expect, test } from '@jest/globals';
import { problemLines } from '../../../lib/cli/output/problems.ts';

test('what PostgreSQL words differently after loading is one short line', () => {
  const code = 'printed-otherwise';
  const check = 'it means the same: "    CONSTRAINT c CHECK ((a = 1))," instead of "…"';
  const detail = 'it means the same: "…" instead of "…"';
  expect(
    problemLines([
      { path: 'TABLE billing.order_items', code, detail: check, tolerated: true },
      { path: 'VIEW app.paid', code, detail, tolerated: true },
      { path: 'VIEW app.paid', code, detail },
    ]),
  ).toEqual([
    'noted: TABLE billing.order_items: PostgreSQL words a CHECK constraint differently after loading; it means the same',
    'noted: VIEW app.paid: PostgreSQL words it differently after loading; it means the same',
    `problem: VIEW app.paid: printed-otherwise: ${detail}`,
  ]);
});

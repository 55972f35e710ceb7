// What counts as the same definition, printed by servers of different major versions.
import { expect, test } from '@jest/globals';
import { isPrintedOtherwise } from '../../../lib/sources/postgres/printed.ts';

const view = (columns: string, condition = 'TRUE') => [
  'CREATE VIEW app.happy AS',
  ` SELECT ${columns}`,
  '   FROM app.users',
  `  WHERE ${condition};`,
];

test.each([
  ['users.id', 'id'],
  ['users.id,\n    users."E-Mail"', 'id,\n    "E-Mail"'],
  ['"Odd ""name""".id', 'id'],
])('a view with %j is the same with %j', (one, other) => {
  expect(isPrintedOtherwise('VIEW', view(one), view(other))).toBe(true);
  expect(isPrintedOtherwise('MATERIALIZED VIEW', view(other), view(one))).toBe(true);
});

test.each([
  [view('users.id'), view('mail')],
  [view('users.id', 'users.score > 1.5'), view('id', 'score > 2.5')],
  [view('id'), [...view('id'), 'SECURITY BARRIER']],
])('a view that says something else is another one', (one, other) => {
  expect(isPrintedOtherwise('VIEW', one, other)).toBe(false);
});

test('what is kept as text has no other way to be printed', () => {
  expect(isPrintedOtherwise('TABLE', view('users.id'), view('id'))).toBe(false);
});

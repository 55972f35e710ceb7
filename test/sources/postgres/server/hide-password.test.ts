// Passwords are taken out of what programs say, and nothing else is.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { hide } from '../../../../lib/sources/postgres/server/hide-password.ts';

const SAID = [
  'pg_dump: error: connection to server at "db.example.org" (10.0.0.7), port 5432 failed: FATAL:  database "app" does not exist',
  'psql: error: password authentication failed for user "postgres"',
  'ERROR:  permission denied for table public.users_passwords',
  'ERROR:  relation "a" does not exist at character 15',
  'HINT:  Use the password that the administrator gave you: see https://example.org/help',
];

test('a short password, or one that is a word, changes nothing in what is said, so that nothing tells what it is', () => {
  const words = SAID.join(' ')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const short = fc.string({ maxLength: 5, minLength: 1 });
  const letters = fc.stringMatching(/^[a-z]{1,15}$/);
  fc.assert(
    fc.property(
      fc.oneof(short, letters, fc.constantFrom(...words)),
      fc.constantFrom(...SAID),
      (secret, said) => {
        expect(hide(said, [secret])).toBe(said);
      },
    ),
    { numRuns: 500 },
  );
});

test('no word changes for containing a password', () => {
  const secret = fc.stringMatching(/^[a-z]{3,8}[0-9]{1,8}$/);
  const around = fc.stringMatching(/^[A-Za-z0-9_]{1,5}$/);
  fc.assert(
    fc.property(secret, around, around, (password, before, after) => {
      const said = `ERROR: ${before}${password} ${password}${after} ${before}${password}${after}`;
      expect(hide(said, [password])).toBe(said);
    }),
  );
});

test('a password that is no word is hidden wherever it stands alone, whatever characters it has', () => {
  const secret = fc
    .string({ minLength: 6, maxLength: 40 })
    .map((text) => text.replace(/\s/g, '-'))
    .filter((text) => /[A-Za-z]/.test(text) && /[^A-Za-z]/.test(text));
  fc.assert(
    fc.property(secret, (password) => {
      expect(hide(`it said "${password}" twice: (${password})`, [password])).not.toContain(
        password,
      );
    }),
  );
});

test('a password is hidden in its place whatever it is, so that all look the same', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9@!%_-]{1,30}$/);
  fc.assert(
    fc.property(secret, (password) => {
      expect(hide(`bad URL postgres://app:${password}@db:5432/app?x=1`, [password])).toBe(
        'bad URL postgres://app:[hidden]@db:5432/app?x=1',
      );
      expect(hide(`bad setting: host=db password=${password} user=app`, [password])).toBe(
        'bad setting: host=db password=[hidden] user=app',
      );
      expect(hide(`CONNECTION 'host=db password=${password}'`, [])).toBe(
        "CONNECTION 'host=db password=[hidden]'",
      );
      expect(hide(`OPTIONS (user 'app', password '${password}')`, [])).toBe(
        "OPTIONS (user 'app', password [hidden])",
      );
    }),
  );
});

test('a password that is named anyway, such as the name of the database, leaves no gap', () => {
  const said = 'FATAL:  database "shop_2026" does not exist';
  expect(hide(said, ['shop_2026'], 'pg_dump of app@db:5432/shop_2026')).toBe(said);
  expect(hide(said, ['shop_2026'])).toContain('[hidden]');
});

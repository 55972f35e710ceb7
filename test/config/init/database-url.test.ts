// The URL that `init` makes of the parts in a file of variables leads to what the parts name.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { urlFromParts } from '../../../lib/config/init/database-url.ts';
import { parseConnection } from '../../../lib/sources/postgres/server/connection.ts';

const parts = (text: string) => {
  const url = urlFromParts(text);
  return url === undefined ? undefined : parseConnection(url, 'a file');
};

test('a password with every character that a URL gives a meaning is encoded', () => {
  const text =
    "DB_CONNECTION=pgsql\nDB_HOST=127.0.0.1\nDB_PORT=5433\nDB_DATABASE=shop\nDB_USERNAME=shop user\nDB_PASSWORD='p@ss#w/rd %:?&[é'\n";
  expect(parts(text)).toMatchObject({
    env: { PGHOST: '127.0.0.1' },
    port: '5433',
    database: 'shop',
    user: 'shop user',
    password: 'p@ss#w/rd %:?&[é',
  });
});

test('any password comes back as it was', () => {
  const password = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((one) => !/['\\\r\n\0]|\$\{/.test(one));
  fc.assert(
    fc.property(password, (one) => {
      const text = `PGHOST=db\nPGDATABASE=shop\nPGUSER=me\nPGPASSWORD='${one}'\n`;
      expect(parts(text)?.password).toBe(one);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['a socket', 'DB_HOST=/run/postgresql\nDB_NAME=a\nDB_USER=b\n', '/run/postgresql'],
  ['IPv6', 'POSTGRES_HOST=::1\nPOSTGRES_DB=a\nPOSTGRES_USER=b\n', '::1'],
])('an address that is %s stays one', (_, text, host) => {
  expect(parts(text)).toMatchObject({ env: { PGHOST: host }, password: undefined });
});

test.each([
  ['no host', 'DB_DATABASE=a\nDB_USERNAME=b\nDB_PASSWORD=c\n'],
  ['no user', 'DB_HOST=h\nDB_DATABASE=a\n'],
  ['a password that refers to another variable', 'DB_HOST=h\nDB_NAME=a\nDB_USER=b\nDB_PASS=${X}\n'],
  ['a port that is not one', 'DB_HOST=h\nDB_NAME=a\nDB_USER=b\nDB_PORT=x\n'],
])('%s gives no URL', (_, text) => {
  expect(urlFromParts(text)).toBeUndefined();
});

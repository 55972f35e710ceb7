// Names in a dump that is written in the encoding of its database, compared with what a server writes in it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  decoderOf,
  dumpEncoding,
  encodingIn,
} from '../../../../lib/sources/postgres/dump/encodings.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const LATIN = ['LATIN1', 'LATIN9', 'LATIN10', 'WIN1252'];
const CENTRAL = ['LATIN2', 'WIN1250'];
const BALTIC = ['LATIN4', 'LATIN6', 'LATIN7', 'WIN1257'];
const CYRILLIC = ['ISO_8859_5', 'WIN866', 'WIN1251', 'KOI8R', 'KOI8U'];
const SAMPLES: readonly (readonly [string, readonly string[]])[] = [
  ['größe', [...LATIN, ...CENTRAL, 'LATIN3', 'LATIN5', 'LATIN8', 'WIN1254', 'WIN1258', 'UTF8']],
  ['žluť', CENTRAL],
  ['ĉu', ['LATIN3']],
  ['šāžū', BALTIC.filter((one) => one !== 'LATIN6' && one !== 'WIN1257')],
  ['öäå', BALTIC],
  ['şığ', ['LATIN5', 'WIN1254']],
  ['ŵŷ', ['LATIN8']],
  ['привет', CYRILLIC],
  ['السعر', ['ISO_8859_6', 'WIN1256']],
  ['τιμή', ['ISO_8859_7', 'WIN1253']],
  ['מחיר', ['ISO_8859_8', 'WIN1255']],
  ['ราคา', ['WIN874']],
  ['価格', ['EUC_JP']],
  ['가격', ['EUC_KR']],
  ['价格', ['EUC_CN']],
];

test.each(SAMPLES.flatMap(([text, encodings]) => encodings.map((one) => [text, one] as const)))(
  '%s in %s is read as the server has written it',
  (text, encoding) => {
    const hex = server.sql(
      'postgres',
      `SELECT encode(convert_to('${text}', '${encoding}'), 'hex')`,
    );
    expect(decoderOf(encoding)(Buffer.from(hex, 'hex'))).toBe(text);
  },
);

test('every encoding that a database may have is read here, or is dumped in one that is', () => {
  const all = server.sql(
    'postgres',
    "SELECT string_agg(DISTINCT pg_encoding_to_char(i), ' ') FROM generate_series(0, 34) i WHERE pg_encoding_to_char(i) <> ''",
  );
  const tried = new Set(SAMPLES.flatMap(([, encodings]) => encodings));
  // Mule's is a mixture that no name tells, and nobody chooses it.
  const others = all.split(' ').filter((one) => !tried.has(one) && one !== 'MULE_INTERNAL');
  for (const one of others.filter((name) => name !== 'SQL_ASCII'))
    expect([one, dumpEncoding(one)]).toEqual([one, 'UTF8']);
});

test('an encoding of its own is kept, and found where a dump begins', () => {
  expect(dumpEncoding('LATIN2')).toBe('LATIN2');
  expect(encodingIn("SET lock_timeout = 0;\nSET client_encoding = 'EUC_JP';\n")).toBe('EUC_JP');
  expect(encodingIn('-- nothing')).toBe('UTF8');
});

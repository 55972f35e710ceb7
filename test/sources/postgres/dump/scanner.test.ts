// Taking a dump apart: whatever stands in functions and data, pg_dump's own comments alone divide it, and every byte is in one object.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { DumpScanner, type DumpSummary } from '../../../../lib/sources/postgres/dump/scanner.ts';

const HEAD = [
  ...['--', '-- PostgreSQL database dump', '--', '', '\\restrict abc', ''],
  ...['-- Dumped from database version 15.18', '', 'SET statement_timeout = 0;', '', ''],
].join('\n');
const TAIL = [
  '--',
  '-- PostgreSQL database dump complete',
  '--',
  '',
  '\\unrestrict abc',
  '',
  '',
].join('\n');

function header(name: string, type: string, schema = 'public'): string {
  const data = type === 'TABLE DATA' ? 'Data for Name' : 'Name';
  return `--\n-- ${data}: ${name}; Type: ${type}; Schema: ${schema}; Owner: me\n--\n\n`;
}

function scan(text: string, pieceBytes = 1 << 20): DumpSummary {
  const scanner = new DumpScanner();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    scanner.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  }
  return scanner.end();
}

const COPY = 'COPY public."a;b" (id, "x\ny") FROM stdin;\n';
const ODD = [
  HEAD,
  header('f()', 'FUNCTION'),
  `CREATE FUNCTION f() AS $fn$ ${header('no', 'TABLE')} $$ COPY x FROM stdin;\n\\! no $fn$;\n\n`,
  `SELECT E'it\\'s ${header('no', 'TABLE')}', 'two'' ${header('no', 'TABLE')}', "q;""--\n-- x";\n`,
  `/* a /* nested\n--\n-- Name: no; Type: TABLE; Schema: s; Owner: o\n--\n */ */ SELECT 1 - -1, a$b$ ;\n\n`,
  header('odd; Type: X', 'TABLE', 'a b'),
  'CREATE TABLE t (id integer);\n\n',
  header('a;b', 'TABLE DATA'),
  `${COPY}1\t--\n--\n-- Name: x; Type: TABLE; Schema: s; Owner: o\n--\n\\\\.\n\\.\n\n`,
  header('none', 'TABLE DATA'),
  'COPY public.none  FROM stdin;\n\\.\n\n',
  TAIL,
].join('');

test('divides a dump by the comments that are pg_dump’s, and by no others', () => {
  const { objects, complete, foreign, bytes } = scan(ODD);
  expect({ complete, foreign, bytes }).toEqual({
    complete: true,
    foreign: [],
    bytes: Buffer.byteLength(ODD),
  });
  expect(objects.map(({ type, schema, name, rows }) => [type, schema, name, rows])).toEqual([
    ['BEGIN', '-', '', undefined],
    ['FUNCTION', 'public', 'f()', undefined],
    ['TABLE', 'a b', 'odd; Type: X', undefined],
    ['TABLE DATA', 'public', 'a;b', 5],
    ['TABLE DATA', 'public', 'none', 0],
    ['END', '-', '', undefined],
  ]);
});

test('the objects tile the text, each with the digest of its stretch', () => {
  const text = Buffer.from(ODD);
  let at = 0;
  for (const { offset, bytes, sha256 } of scan(ODD).objects) {
    expect(offset).toBe(at);
    const stretch = text.subarray(offset, offset + bytes);
    expect(createHash('sha256').update(stretch).digest('hex')).toBe(sha256);
    at += bytes;
  }
  expect(at).toBe(text.length);
});

test('finds the same whatever pieces the text comes in', () => {
  const whole = scan(ODD);
  for (const pieceBytes of [1, 2, 3, 4, 5, 7, 11, 64, 200]) {
    expect(scan(ODD, pieceBytes)).toEqual(whole);
  }
});

test('a dump that is cut off anywhere is not complete', () => {
  const end = ODD.length - '\n\\unrestrict abc\n\n'.length;
  for (let length = 0; length < end; length++) {
    if (scan(ODD.slice(0, length)).complete) throw new Error(`complete at ${length}`);
  }
});

test.each([
  ['a shell command', '\\! touch /tmp/x\n'],
  ['a command in the middle of a line', 'SELECT 1 \\g |cat\n'],
  ['another \\restrict', '\\restrict def\n'],
  ['an early \\unrestrict', '\\unrestrict abc\n'],
  ['COPY to a program', "COPY t TO PROGRAM 'touch /tmp/x';\n"],
  ['COPY from a program, in small letters', "select 1; copy t from program 'id';\n"],
  ['\\copy', '\\copy t from program id\n'],
])('names %s, which pg_dump never writes', (_what, line) => {
  const text = HEAD + header('t', 'TABLE') + line + TAIL;
  expect(scan(text).foreign).toHaveLength(1);
  expect(scan(text, 3).foreign).toHaveLength(1);
});

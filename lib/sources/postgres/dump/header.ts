// The comments by which pg_dump announces each object of a dump, and its end. Pure.

import type { Decode } from './encodings.ts';

/** What a comment of pg_dump's says of the object below it. */
export interface Header {
  readonly name: string;
  readonly type: string;
  readonly schema: string;
  readonly owner: string;
}

/** Types of objects that hold data, or fill something with it; all others are definitions. */
export const DATA_TYPES: readonly string[] = [
  'TABLE DATA',
  'BLOBS',
  'SEQUENCE SET',
  'MATERIALIZED VIEW DATA',
  'STATISTICS DATA',
];

const HEADER =
  /^-- (?:Data for )?Name: (.*); Type: (.*?); Schema: (.*?); Owner: (.*?)(?:; Tablespace: .*)?$/;
const COMPLETE = '-- PostgreSQL database dump complete';
const END: Header = { name: '', type: 'END', schema: '-', owner: '' };

/** The header that a line is, without its frame; undefined for any other line. */
export function parseHeader(line: string): Header | undefined {
  const match = HEADER.exec(line);
  if (match === null) return undefined;
  const [, name = '', type = '', schema = '', owner = ''] = match;
  return { name, type, schema, owner };
}

/** What stands for the end where a line says that the dump is complete. */
export function endOf(line: string): Header | undefined {
  return line === COMPLETE ? END : undefined;
}

/** The bytes of a header, with its frame, as they are where the object has another owner. */
export function withOwner(header: Buffer, owner: string, decode: Decode): Buffer {
  const text = header.toString('latin1');
  const start = text.lastIndexOf('; Owner: ') + '; Owner: '.length;
  const rest = /(?:; Tablespace: [^\n]*)?\n--\n$/.exec(text)?.[0] ?? '';
  const utf8 = Buffer.from(owner);
  const name = decode(utf8) === owner ? utf8 : Buffer.from(owner, 'latin1');
  return Buffer.concat([header.subarray(0, start), name, Buffer.from(rest, 'latin1')]);
}

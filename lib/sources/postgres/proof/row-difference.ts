// Which rows of a table differ from those of a backup: both in the order in which they stand, named by their numbers.
import path from 'node:path';
import type { Problem } from '../../../errors.ts';
import { databaseArgument, type Connection } from '../server/connection.ts';
import { dumpEncoding } from '../dump/encodings.ts';
import { startTool, type Confinement } from '../server/process.ts';
import { baseEnvironment, type Machine, type Tools } from '../server/tools.ts';

export interface RowsInput {
  readonly machine: Machine;
  readonly tools: Pick<Tools, 'folder'>;
  readonly connection: Connection;
  readonly confinement?: Confinement | undefined;
  /** Of the database, in which its dump is written. */
  readonly encoding: string | undefined;
  /** SQL: which rows of the table an extension has dumped; all of them unless given. */
  readonly filter: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Rows that are looked at ahead, to find where both go on alike. */
const AHEAD = 2000;
const MAX_NAMED = 20;

/** What pg_dump sets before it reads rows, so that they are printed and ordered as it does. */
const AS_DUMPED = `SET datestyle = iso; SET intervalstyle = postgres; SET extra_float_digits = 3; SET synchronize_seqscans = off;
SET search_path = ''; SET row_security = off; SET statement_timeout = 0;
`;
/** The name of a table and the columns behind it; either may be quoted. */
const COPY_PARTS =
  /^COPY ((?:"(?:[^"]|"")*"|[^".\s(])+\.(?:"(?:[^"]|"")*"|[^".\s(])+) \((.*)\) FROM stdin;$/s;

/**
 * Compares the rows in a stretch of a dump with those of the same table in a database, column by column of the same name: both in the
 * order in which they stand.
 */
export async function compareRows(
  title: string,
  stored: AsyncIterable<Buffer>,
  input: RowsInput,
): Promise<Problem[]> {
  const lines = linesOf(stored);
  const statement = await copyStatement(lines);
  if (statement === undefined) {
    return [{ path: title, code: 'content', detail: 'it is another table' }];
  }
  const tool = startTool({
    file: path.join(input.tools.folder, 'psql'),
    // The statement goes in by standard input: it holds names as people gave them.
    args: [
      ...['-X', '-q', '-w', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
      `--dbname=${databaseArgument(input.connection)}`,
    ],
    env: {
      ...{ ...baseEnvironment(input.machine), ...input.connection.env },
      ...(input.encoding !== undefined && { PGCLIENTENCODING: dumpEncoding(input.encoding) }),
    },
    signal: input.signal,
    secrets: [input.connection.password],
    failure: 'RESTORE_DIFFERS',
    what: `psql on ${input.connection.label}`,
    confinement: input.confinement,
  });
  tool.stdin.write(AS_DUMPED);
  tool.stdin.end(Buffer.from(`${reading(statement, input.filter)}\n`, 'latin1'));
  try {
    const expected = new Rows(untilEnd(lines));
    const found = new Rows(linesOf(tool.stdout as AsyncIterable<Buffer>));
    const differences = await differencesOf(expected, found);
    return differences.map(({ code, detail }) => ({ path: title, code, detail }));
  } finally {
    tool.kill();
  }
}

/** The statement that reads what another one writes. */
function reading(statement: string, filter: string | undefined): string {
  const [, table, columns] = (filter !== undefined && COPY_PARTS.exec(statement)) || [];
  if (table === undefined || columns === undefined) {
    return statement.replace(/ FROM stdin;$/, ' TO stdout;');
  }
  return `COPY (SELECT ${columns} FROM ONLY ${table} ${filter ?? ''}) TO stdout;`;
}

/** Lines of a text, by their bytes. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: string[] = [];
  for await (const chunk of chunks) {
    const text = chunk.toString('latin1');
    const lines = text.split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      parts.push(line);
      yield parts.length === 1 ? line : parts.join('');
      parts = [];
    }
    if (last !== '') parts.push(last);
  }
  if (parts.length > 0) yield parts.join('');
}

/** The statement that announces the rows, which may have newlines in its names; a byte a character, as are all lines here. */
async function copyStatement(lines: AsyncGenerator<string>): Promise<string | undefined> {
  let statement: string | undefined;
  for (;;) {
    const { value, done } = (await lines.next()) as IteratorResult<string, undefined>;
    if (done === true) return undefined;
    if (statement === undefined && !value.startsWith('COPY ')) continue;
    statement = statement === undefined ? value : `${statement}\n${value}`;
    if (statement.endsWith(' FROM stdin;')) return statement;
  }
}

async function* untilEnd(lines: AsyncGenerator<string>): AsyncGenerator<string> {
  for await (const line of lines) {
    if (line === '\\.') return;
    yield line;
  }
}

/** Rows with their numbers, some of them ahead. */
class Rows {
  private readonly source: AsyncGenerator<string>;
  readonly ahead: string[] = [];
  /** Of the first row ahead, from 1. */
  number = 1;

  constructor(source: AsyncGenerator<string>) {
    this.source = source;
  }

  async fill(count: number): Promise<void> {
    while (this.ahead.length < count) {
      const { value, done } = (await this.source.next()) as IteratorResult<string, undefined>;
      if (done === true) return;
      this.ahead.push(value);
    }
  }

  drop(count: number): void {
    this.ahead.splice(0, count);
    this.number += count;
  }
}

interface RowDifference {
  readonly code: 'missing' | 'unexpected' | 'content';
  readonly detail: string;
}

async function differencesOf(expected: Rows, found: Rows): Promise<RowDifference[]> {
  const differences: RowDifference[] = [];
  for (;;) {
    await Promise.all([expected.fill(1), found.fill(1)]);
    if (expected.ahead.length === 0 && found.ahead.length === 0) return differences;
    if (expected.ahead[0] === found.ahead[0]) {
      expected.drop(1);
      found.drop(1);
      continue;
    }
    await Promise.all([expected.fill(AHEAD), found.fill(AHEAD)]);
    const [gone, come] = nextAlike(expected.ahead, found.ahead);
    for (let i = 0; i < Math.max(gone, come); i++) {
      if (differences.length >= MAX_NAMED) return [...differences, MORE];
      differences.push(rowDifference(expected, found, { i, gone, come }));
    }
    expected.drop(gone);
    found.drop(come);
  }
}

const MORE: RowDifference = { code: 'content', detail: 'and more rows differ' };

function rowDifference(
  expected: Rows,
  found: Rows,
  { i, gone, come }: { i: number; gone: number; come: number },
): RowDifference {
  const number = expected.number + i;
  if (i >= come) {
    return { code: 'missing', detail: `row ${number} is missing: ${shown(expected.ahead[i])}` };
  }
  if (i >= gone) {
    const at = found.number + i;
    return {
      code: 'unexpected',
      detail: `row ${at} is not in the backup: ${shown(found.ahead[i])}`,
    };
  }
  const detail = `row ${number}: expected ${shown(expected.ahead[i])}, found ${shown(found.ahead[i])}`;
  return { code: 'content', detail };
}

/** How many rows to pass over on either side until both go on alike. */
function nextAlike(a: readonly string[], b: readonly string[]): [number, number] {
  const places = new Map<string, number>();
  b.forEach((row, at) => {
    if (!places.has(row)) places.set(row, at);
  });
  let best: [number, number] = [a.length, b.length];
  a.forEach((row, at) => {
    const other = places.get(row);
    if (other !== undefined && at + other < best[0] + best[1]) best = [at, other];
  });
  return best;
}

/** Contents may be secrets: how long they are and where they differ is said, not what they are. */
function shown(row: string | undefined): string {
  return row === undefined ? 'nothing' : `${row.length} bytes`;
}

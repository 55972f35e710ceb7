// Feeds a stored dump to psql: one transaction, which ends well only when every byte was checked and has been taken.
import path from 'node:path';
import type { ErrorCode } from '../../../errors.ts';
import type { OpenBackup, Work } from '../../source.ts';
import { databaseArgument, type Connection } from '../server/connection.ts';
import { openIndex, type DumpIndex } from '../dump/objects.ts';
import { dumpText, type StoredText } from '../dump/reader.ts';
import { startTool, type Confinement, type Tool } from '../server/process.ts';
import type { Piece } from './plan.ts';
import { beforeData } from './session-settings.ts';
import { WITHOUT_TIMEOUTS } from '../server/session.ts';
import { baseEnvironment, type Machine, type Tools } from '../server/tools.ts';

export interface LoadInput {
  readonly machine: Machine;
  readonly tools: Pick<Tools, 'folder'>;
  readonly connection: Connection;
  readonly confinement?: Confinement | undefined;
  readonly failure: ErrorCode;
}

function startPsql(input: LoadInput, options: readonly string[], signal: Work['signal']): Tool {
  const { machine, tools, connection, confinement, failure } = input;
  const tool = startTool({
    file: path.join(tools.folder, 'psql'),
    // Terse: what else psql says of an error quotes rows.
    args: [
      ...['-X', '-q', '-w', '-v', 'VERBOSITY=terse', '-o', '/dev/null', ...options, '-f', '-'],
      `--dbname=${databaseArgument(connection)}`,
    ],
    // Our own statements are in UTF-8; a dump names its own encoding where it begins.
    env: { ...baseEnvironment(machine), ...connection.env, PGCLIENTENCODING: 'UTF8' },
    signal,
    secrets: [connection.password],
    failure,
    what: `psql on ${connection.label}`,
    confinement,
    givenMuch: true,
  });
  tool.stdout.resume();
  tool.stdin.write(WITHOUT_TIMEOUTS);
  return tool;
}

/** Runs SQL in one transaction. */
export async function runTogether(
  input: LoadInput,
  sql: string,
  signal: Work['signal'],
): Promise<void> {
  const tool = startPsql(input, ['-v', 'ON_ERROR_STOP=1'], signal);
  tool.stdin.end(`BEGIN;\n${sql}\nCOMMIT;\n`);
  await tool.ended;
}

/** Runs SQL in one transaction that is taken back: fails as it would. */
export async function tryTogether(
  input: LoadInput,
  sql: string,
  signal: Work['signal'],
): Promise<void> {
  const tool = startPsql(input, ['-v', 'ON_ERROR_STOP=1'], signal);
  tool.stdin.end(`BEGIN;\n${sql}\nROLLBACK;\n`);
  await tool.ended;
}

/** Runs SQL statement by statement, passing over those that fail; what psql said of them. */
export async function runLeniently(
  input: LoadInput,
  sql: Uint8Array | string,
  signal: Work['signal'],
): Promise<string[]> {
  const tool = startPsql(input, [], signal);
  tool.stdin.end(sql);
  await tool.ended;
  return tool
    .said()
    .split('\n')
    .filter((line) => line.includes('ERROR:'));
}

/** How a dump is loaded, where that is not the usual way. */
export interface LoadOptions {
  /** SQL that comes before it. */
  readonly before?: string;
  /** Statements that set what the load depends on; run at the beginning, and again when everything that it can name is there. */
  readonly settings?: readonly string[];
  /** SQL that comes after it. */
  readonly after?: string;
  /** What of its text, in this order; everything unless given. */
  readonly pieces?: readonly Piece[];
  /** Where its text is, if not in the backup. */
  readonly text?: StoredText;
  /** Settings that its beginning sets and that the server does not know. */
  readonly unknown?: ReadonlySet<string>;
  /** In several transactions, one a statement: what was done before one that fails stays. */
  readonly several?: boolean;
}

/**
 * Loads a dump, or some of its objects, in one transaction. Each member is checked before psql sees a byte of it. What commits is the
 * last line, written when everything has been: psql takes the end of its input for the end of the work, even in the midst of rows, and
 * with `--single-transaction` would commit half a table when this process is killed.
 */
export async function loadDump(
  input: LoadInput,
  backup: OpenBackup,
  work: Work,
  options: LoadOptions = {},
): Promise<void> {
  const text: StoredText = options.text ?? ((range) => dumpText(backup, { ...work, range }));
  await loadText(input, await openIndex(backup), work, { ...options, text });
}

/** Loads the text of a dump that was taken apart as `index` says, as `loadDump` does. */
export async function loadText(
  input: LoadInput,
  index: Pick<DumpIndex, 'objects' | 'rawBytes'>,
  work: Pick<Work, 'signal' | 'onProgress'>,
  options: LoadOptions & { readonly text: StoredText },
): Promise<void> {
  const { before = '', after = '', settings = [], several = false } = options;
  const tool = startPsql(input, ['-v', 'ON_ERROR_STOP=1'], work.signal);
  try {
    tool.stdin.write(`${several ? '' : 'BEGIN;\n'}${before}${settings.join('')}`);
    const whole = options.pieces ?? [{ from: 0, to: index.rawBytes }];
    const pieces = beforeData(whole, index.objects, settings);
    const altered = alteredIn(index, options);
    let bytes = 0;
    for (const range of pieces) {
      if (range.before !== undefined) tool.stdin.write(range.before);
      for await (const text of asLoaded(altered, range.from, options.text(range))) {
        bytes += text.length;
        work.onProgress?.({ entries: 0, bytes, totalBytes: index.rawBytes });
        // psql that gave up closes its input; why is said when it has ended.
        if (!tool.stdin.writable) break;
        if (!tool.stdin.write(text)) await Promise.race([drained(tool), tool.ended]);
      }
    }
    const ours = after === '' ? '' : `SET client_encoding = 'UTF8';\n${after}`;
    tool.stdin.end(`\n${ours}${several ? '' : 'COMMIT;\n'}`);
    await tool.ended;
  } finally {
    tool.kill();
    await tool.ended.catch(() => undefined);
  }
}

/** Resolves when more can be written, or nothing ever again: why, its end tells. */
function drained({ stdin }: Tool): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      stdin.off('drain', go).off('close', go);
      resolve();
    };
    stdin.on('drain', go).on('close', go);
  });
}

/** A stretch of which psql is given some lines otherwise. */
interface Altered {
  readonly offset: number;
  readonly bytes: number;
  readonly instead: ReadonlyMap<string, string>;
}

/**
 * pg_dump frames large objects by BEGIN and COMMIT, which would end the transaction that everything stands in: those two lines are
 * left out of what psql is given. A dump of chosen schemas makes the schema `public`, which every new database has already. And a
 * newer pg_dump sets what an older server does not know.
 */
function alteredIn(
  { objects }: Pick<DumpIndex, 'objects'>,
  { several = false, unknown }: LoadOptions,
): readonly Altered[] {
  return objects.flatMap((object) => {
    const instead = new Map<string, string>();
    if (object.type === 'BLOBS' && !several) instead.set('BEGIN;\n', '').set('COMMIT;\n', '');
    if (object.type === 'SCHEMA' && object.name === 'public')
      instead.set('CREATE SCHEMA public;\n', 'CREATE SCHEMA IF NOT EXISTS public;\n');
    if (object.type === 'BEGIN')
      for (const name of unknown ?? []) instead.set(`SET ${name} = 0;\n`, '');
    const { offset, bytes } = object;
    return instead.size === 0 ? [] : [{ offset, bytes, instead }];
  });
}

async function* asLoaded(
  altered: readonly Altered[],
  from: number,
  text: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let at = from;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of text) {
    const end = at + chunk.length;
    const touched = altered.some((one) => one.offset < end && one.offset + one.bytes > at);
    at = end;
    if (!touched && rest.length === 0) {
      yield chunk;
      continue;
    }
    const whole = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const cut = whole.lastIndexOf(10) + 1;
    rest = whole.subarray(cut);
    yield withoutFrames(whole.subarray(0, cut), altered, end - whole.length);
  }
  if (rest.length > 0) yield rest;
}

const LONGEST_LINE = 64;

function withoutFrames(lines: Buffer, altered: readonly Altered[], offset: number): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf(10, at) + 1;
    const place = offset + at;
    const inside = altered.find((one) => place >= one.offset && place < one.offset + one.bytes);
    const instead =
      end - at <= LONGEST_LINE ? inside?.instead.get(lines.toString('latin1', at, end)) : undefined;
    if (instead !== undefined) {
      kept.push(lines.subarray(from, at), Buffer.from(instead));
      from = end;
    }
    at = end;
  }
  kept.push(lines.subarray(from));
  return Buffer.concat(kept);
}

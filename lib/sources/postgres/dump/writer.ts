// Runs pg_dump and takes its text: scanned while it passes, encoded by the pool, and counted as a dump only when the program has
// ended as it should and has said that it is done.
import type { Socket } from 'node:net';
import path from 'node:path';
import { Digester } from '../../../archive/write/output.ts';
import type { Pool } from '../../../archive/threads/pool.ts';
import { Slots } from '../../../archive/threads/slots.ts';
import { HoldfastError, type ErrorCode } from '../../../errors.ts';
import type { Encoding, Extent } from '../../../format/codec.ts';
import { databaseArgument, type Connection } from '../server/connection.ts';
import type { DumpIndex } from './objects.ts';
import { DumpScanner, type DumpSummary, type ScanOptions } from './scanner.ts';
import { dumpEncoding } from './encodings.ts';
import { Intake } from './pg-dump-output.ts';
import { startTool, type Confinement, type Tool } from '../server/process.ts';
import { selectionArguments, type DumpSelection } from './selection.ts';
import { baseEnvironment, type Machine, type Tools } from '../server/tools.ts';

export interface DumpInput {
  readonly machine: Machine;
  readonly tools: Tools;
  readonly connection: Connection;
  readonly selection: DumpSelection;
  /** Undefined where pg_dump knows none. */
  readonly restrictKey: string | undefined;
  /** Undefined for one of its own. */
  readonly snapshot: string | undefined;
  readonly lockWaitTimeoutSeconds: number | undefined;
  /** Of the database, in which it is dumped; undefined for whatever the server says. */
  readonly encoding: string | undefined;
  /** Whether the rows of unlogged tables are left out, as pg_dump does on a standby. */
  readonly withoutUnlogged: boolean;
  /** Without rows and values of sequences. */
  readonly definitionsAlone?: boolean;
  readonly signal: AbortSignal | undefined;
  readonly failure: ErrorCode;
  readonly confinement?: Confinement | undefined;
}

/** Raw bytes of a member. */
const MEMBER_BYTES = 1 << 20;
/** Members that are being encoded while others are written, for each thread; bounds the memory of a dump. */
const AHEAD = 3;

/** Starts pg_dump, which writes plain text unless other arguments say another format. */
export function startDump(
  input: DumpInput,
  { format, output }: { format?: readonly string[]; output?: Socket } = {},
): Tool {
  const { machine, tools, connection, restrictKey, snapshot, lockWaitTimeoutSeconds } = input;
  const { encoding } = input;
  const key = restrictKey === undefined ? [] : [`--restrict-key=${restrictKey}`];
  return startTool({
    file: path.join(tools.folder, 'pg_dump'),
    args: [
      ...(format ?? ['--format=plain']),
      '--no-password',
      ...(format === undefined ? key : []),
      ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]),
      ...(lockWaitTimeoutSeconds === undefined
        ? []
        : [`--lock-wait-timeout=${lockWaitTimeoutSeconds * 1000}`]),
      ...(input.withoutUnlogged ? ['--no-unlogged-table-data'] : []),
      ...(input.definitionsAlone === true ? ['--schema-only'] : []),
      ...selectionArguments(input.selection),
      `--dbname=${databaseArgument(connection)}`,
    ],
    env: {
      ...{ ...baseEnvironment(machine), ...connection.env },
      ...(encoding !== undefined && { PGCLIENTENCODING: dumpEncoding(encoding) }),
    },
    signal: input.signal,
    secrets: [connection.password],
    failure: input.failure,
    what: whatOf(connection),
    confinement: input.confinement,
    output,
    // Its processes are its own to end; one that was killed could not.
    ...(format !== undefined && { stop: 'SIGTERM' }),
  });
}

/** Reads the text of a dump and keeps none of it, except what it passes on as bytes. Fails as `DumpWriter.write` does. */
export async function scanDump(
  input: DumpInput,
  options: ScanOptions,
  onBytes?: (bytes: Buffer) => void,
): Promise<DumpSummary> {
  const { machine, connection, failure } = input;
  const start = (output: Socket) => startDump(input, { output });
  return scanText(start, options, { machine, what: whatOf(connection), failure, onBytes });
}

/** Where a text is stored, what its failure means, and which program it is about. */
interface Taking {
  readonly machine: Machine;
  readonly what: string;
  readonly failure: ErrorCode;
  /** Given all bytes as they pass. */
  readonly onBytes?: ((bytes: Buffer) => void) | undefined;
}

function whatOf({ label }: Connection): string {
  return `pg_dump of ${label}`;
}

/** Takes the text that a program writes, without keeping it: a dump, which has to be whole. */
export async function scanText(
  start: (output: Socket) => Tool,
  options: ScanOptions,
  taking: Taking,
): Promise<DumpSummary> {
  const scanner = new DumpScanner(options);
  const block = new Uint8Array(MEMBER_BYTES);
  const opened = await Intake.open({
    machine: taking.machine,
    take: () => block,
    onBytes: (bytes) => {
      scanner.push(bytes);
      taking.onBytes?.(bytes);
    },
  });
  using intake = opened.intake;
  const tool = start(opened.output);
  tool.stdin.end();
  try {
    await intake.drain();
    await tool.ended;
    return finished(scanner, taking);
  } finally {
    tool.kill();
  }
}

/** pg_dump says last that it is complete; output that ends before that is incomplete, whatever the exit code. */
function finished(
  scanner: DumpScanner,
  { what, failure }: Pick<Taking, 'what' | 'failure'>,
): DumpSummary {
  const summary = scanner.end();
  if (!summary.complete) {
    throw new HoldfastError(
      failure,
      `${what} ended well and its output did not: after ${summary.bytes} bytes it lacks "PostgreSQL database dump complete"`,
      { hint: 'Nothing was kept. Is it really PostgreSQL’s pg_dump that is run?' },
    );
  }
  if (summary.foreign.length > 0) {
    throw new HoldfastError(
      failure,
      `the output of ${what} holds what pg_dump does not write: ${JSON.stringify(summary.foreign[0])}`,
    );
  }
  return summary;
}

export interface WriteOptions {
  readonly pool: Pool;
  readonly encoding: Encoding;
  readonly scan: ScanOptions;
  readonly onProgress: ((bytes: number) => void) | undefined;
}

/** Writes one dump; use once. */
export class DumpWriter {
  private readonly input: DumpInput;
  private readonly options: WriteOptions;
  private readonly scanner: DumpScanner;
  private readonly digester = new Digester();
  private readonly members: Extent[] = [];
  /** Used again and again: a gigabyte of new buffers would keep the collector busy. */
  private readonly slots = new Slots(MEMBER_BYTES);
  private offset = 0;
  private summary: DumpSummary | undefined;
  private said = '';

  constructor(input: DumpInput, options: WriteOptions) {
    this.input = input;
    this.options = options;
    this.scanner = new DumpScanner(options.scan);
  }

  /**
   * The stored bytes of the dump, in order. Throws at its end unless the program ended with code 0, by no signal, and its text is
   * complete: its caller must not have stored the bytes then.
   */
  async *write(): AsyncGenerator<Uint8Array> {
    const { machine } = this.input;
    const opened = await Intake.open({
      machine,
      take: () => new Uint8Array(this.slots.take()),
      onBytes: (bytes) => this.scanner.push(bytes),
    });
    using intake = opened.intake;
    const tool = startDump(this.input, { output: opened.output });
    tool.stdin.end();
    const ahead: Promise<Uint8Array>[] = [];
    const most = AHEAD * Math.max(1, this.options.pool.size);
    let passed = 0;
    try {
      for await (const block of intake.blocks()) {
        passed += block.length;
        ahead.push(this.encode(block));
        if (ahead.length > most) yield (await ahead.shift()) ?? new Uint8Array(0);
        this.options.onProgress?.(passed);
      }
      await tool.ended;
      const { connection, failure } = this.input;
      this.said = tool.said();
      this.summary = finished(this.scanner, { what: whatOf(connection), failure });
      for (const member of ahead) yield await member;
    } finally {
      tool.kill();
    }
  }

  private encode(bytes: Uint8Array): Promise<Uint8Array> {
    const { pool, encoding } = this.options;
    const rawBytes = bytes.length;
    const previous = this.last;
    const encoded = pool.run('encodeText', { bytes, encoding }, rawBytes).then(async (member) => {
      this.slots.give(bytes.buffer as SharedArrayBuffer);
      await previous;
      const stored = member.bytes ?? new Uint8Array(0);
      const { sha256 } = member;
      this.members.push({ offset: this.offset, bytes: stored.length, rawBytes, sha256 });
      this.offset += stored.length;
      this.digester.update(stored);
      return stored;
    });
    // Awaited in order; until then a rejection must not count as unhandled.
    encoded.catch(() => undefined);
    this.last = encoded;
    return encoded;
  }

  /** Members are placed one behind the other, in whatever order they are encoded. */
  private last: Promise<unknown> = Promise.resolve();

  /** What was written, and what pg_dump said beside it, once `write` has come to its end. */
  finish(): { index: DumpIndex; digest: ReturnType<Digester['digest']>; said: string } {
    const { summary, members, said } = this;
    if (summary === undefined) throw new Error('the dump was not written to its end');
    const { objects, bytes } = summary;
    return { index: { members, objects, rawBytes: bytes }, digest: this.digester.digest(), said };
  }
}

// Reads one database: pg_dump writes under a snapshot in which the facts that prove its dump are asked too.
import path from 'node:path';
import process from 'node:process';
import { buildOf } from '../../../archive/versions.ts';
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Encoding } from '../../../format/codec.ts';
import type { Artifact, DatabaseFacts } from '../../../format/manifest.ts';
import type { ReadInput, ReadResult } from '../../source.ts';
import { connectionTo, type DatabaseAccess } from '../server/connect.ts';
import { databaseArgument, type Connection } from '../server/connection.ts';
import { defaultJobs, DUMP_FOLDER, scanDirectory } from './directory.ts';
import { dumpNotes } from './notes.ts';
import { dumpToFolder, storeFolder } from './write-directory.ts';
import { warningsOf } from './warnings.ts';
import { DumpWriter, type DumpInput } from './writer.ts';
import { storeIndex, storeText, tableName, titleOf, type DumpIndex } from './objects.ts';
import type { DumpObject } from './scanner.ts';
import {
  countObjects,
  countRows,
  readExtensions,
  readNewest,
  readRoles,
  readSettings,
  tableBytes,
} from './facts.ts';
import { openKept } from '../server/pooler.ts';
import { preflight, type Preflight } from './preflight.ts';
import { outputOf } from '../server/process.ts';
import { printProperties, readProperties } from './properties.ts';
import { isPartial, type DumpSelection } from './selection.ts';
import { patience, type DatabaseSession } from '../server/session.ts';
import { Spool } from './spool.ts';
import { pinned, readSurroundings, surroundingsOf } from './surroundings.ts';
import { lockRoom, transactionNotes } from './transactions.ts';
import {
  baseEnvironment,
  findTools,
  knowsRestrictKey,
  type Machine,
  type Tools,
} from '../server/tools.ts';

/** What of a database is protected, and how; as configured. */
export interface PostgresOptions extends DumpSelection, DatabaseAccess {
  readonly name: string;
  /** An absolute folder with pg_dump, psql and pg_dumpall; undefined for those of the machine. */
  readonly binaries: string | undefined;
  /** How long pg_dump waits for a lock before it gives up. */
  readonly lockWaitTimeoutSeconds: number;
  /** `schema.table.column`: their newest values are recorded, and set against the time of a backup. */
  readonly timestamps: readonly string[];
  /** Undefined for no limit. */
  readonly maxDatabaseBytes: number | undefined;
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly compression: 'default' | 'small' | 'zstd' | 'none';
  /** `directory` for a dump by several jobs at once, restored by several too. */
  readonly format: 'plain' | 'directory';
  /** For a dump in the directory format; undefined for as many as this machine has cores, at most 8. */
  readonly jobs: number | undefined;
}

const ENCODINGS: Record<PostgresOptions['compression'], Encoding> = {
  none: { codec: 'gzip', level: 0 },
  default: { codec: 'gzip', level: 1 },
  small: { codec: 'gzip', level: 7 },
  zstd: { codec: 'zstd', level: 1 },
};

/** More tables than this make a manifest that is no longer small. */
const MAX_TABLES = 50_000;
/** What a replica cancels may succeed the next time. */
const ATTEMPTS = 2;

/** Reads a database, as `Source.read` says. */
export async function readPostgres(
  options: PostgresOptions,
  machine: Machine,
  input: ReadInput,
): Promise<ReadResult> {
  const tools = await findTools(machine, options.binaries);
  for (let attempt = 1; ; attempt++) {
    try {
      const connection = pinned(await connectionTo(options, machine));
      return await new Run(options, { machine, tools, connection }, input).read();
    } catch (error) {
      const again = error instanceof HoldfastError && /conflict with recovery/.test(error.message);
      if (!again || attempt === ATTEMPTS) throw error;
    }
  }
}

type OfRun = Pick<
  DumpInput,
  'selection' | 'snapshot' | 'restrictKey' | 'encoding' | 'withoutUnlogged' | 'signal'
>;

interface Place {
  readonly machine: Machine;
  readonly tools: Tools;
  readonly connection: Connection;
}

/** What was stored of a dump. */
interface Stored {
  readonly artifacts: readonly Artifact[];
  readonly index: DumpIndex;
  readonly reusedBytes: number;
  /** What pg_dump said beside its dump. */
  readonly said: string;
}

/** One attempt to read a database. */
class Run {
  private readonly options: PostgresOptions;
  private readonly place: Place;
  private readonly input: ReadInput;
  private readonly sequences = new Map<string, { last: string; used: boolean }>();

  constructor(options: PostgresOptions, place: Place, input: ReadInput) {
    this.options = options;
    this.place = place;
    this.input = input;
  }

  async read(): Promise<ReadResult> {
    const stop = new AbortController();
    const signals = [stop.signal, ...(this.input.signal === undefined ? [] : [this.input.signal])];
    const signal = AbortSignal.any(signals);
    const asked = { ...this.place, signal, failure: 'SOURCE_UNREADABLE' } as const;
    await using session = await openKept(asked, this.options.urlFrom);
    await session.ask(patience(this.options.lockWaitTimeoutSeconds));
    // Nothing is looked at outside of this transaction: what pg_dump sees is what the facts tell.
    await session.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const snapshot = await session.ask('SELECT pg_export_snapshot()');
    const found = await preflight({
      ...this.place,
      session,
      selection: this.options,
      timestamps: this.options.timestamps,
      maxDatabaseBytes: this.options.maxDatabaseBytes,
    });
    const restrictKey = knowsRestrictKey(this.place.tools)
      ? `${this.place.machine.random()}${this.place.machine.random()}`
      : undefined;
    const settings = { ...(await readSettings(session)), ...(await readSurroundings(session)) };
    const notes = await dumpNotes(session, { ...found, tools: this.place.tools });
    const room = await lockRoom(session);
    using spool = await this.spool(session, found.selection);
    const run = {
      ...{ selection: found.selection, snapshot, restrictKey, signal },
      ...{ encoding: settings['encoding'], withoutUnlogged: surroundingsOf(settings).standby },
    };
    const both = [
      this.ask(session, found, settings),
      spool === undefined ? this.dump(run) : this.dumpToSpool(run, spool),
    ] as const;
    // When one of them fails, the other would work for nothing, perhaps for hours.
    for (const one of both) one.catch(() => stop.abort());
    const [{ facts, properties }, store] = await Promise.all(both).finally(() =>
      Promise.allSettled(both),
    );
    // The server keeps what it would clean up for as long as the snapshot is held.
    await session[Symbol.asyncDispose]();
    const { artifacts, index, reusedBytes, said } = await store();
    const database = {
      ...facts,
      ...(restrictKey !== undefined && { restrictKey }),
      sequences: Object.fromEntries(this.sequences),
    };
    assertSame(index.objects, database.rows);
    this.assertFilled(index.objects);
    const globals = await this.globals();
    const { sink, pool } = this.input;
    const kept = properties && (await storeText(sink, pool, properties));
    const stored = await storeIndex(sink, pool, index);
    const beside = [...globals.artifacts, ...(kept === undefined ? [] : [kept]), stored];
    return this.result([...artifacts, ...beside], index, {
      database,
      reusedBytes,
      problems: [
        ...[...found.notes, ...notes, ...warningsOf(said)],
        ...transactionNotes(facts.counts, room, this.input.tested),
        ...globals.problems,
      ],
    });
  }

  /** What proves the dump, and what it does not hold: the properties of the database itself, unless the backup is of a part of it. */
  private async ask(
    session: DatabaseSession,
    found: Preflight,
    settings: DatabaseFacts['settings'],
  ) {
    const facts = await this.facts(session, found, settings);
    if (isPartial(found.selection)) return { facts, properties: undefined };
    const text = Buffer.from(printProperties(await readProperties(session)));
    const properties = { role: 'properties', extension: 'sql.gz', text } as const;
    return { facts, properties };
  }

  private async facts(
    session: DatabaseSession,
    { serverVersion, selection }: Preflight,
    settings: DatabaseFacts['settings'],
  ): Promise<Omit<DatabaseFacts, 'restrictKey' | 'sequences'>> {
    const rows = await countRows(session, selection, { inTransaction: true });
    if (Object.keys(rows).length > MAX_TABLES) {
      throw new HoldfastError(
        'SOURCE_UNREADABLE',
        `the database has ${Object.keys(rows).length} tables, at most ${MAX_TABLES} are supported`,
        { hint: 'Make a source for each part of its schemas.' },
      );
    }
    return {
      serverVersion,
      clientVersion: this.place.tools.version,
      selection: structuredClone(selection) as DatabaseFacts['selection'],
      settings,
      extensions: await readExtensions(session),
      roles: await readRoles(session),
      rows,
      newest: await readNewest(session, this.options.timestamps),
      counts: await countObjects(session, selection),
    };
  }

  /** For a program that connects later than others: the secret may have changed by now. */
  private async connectAnew(): Promise<Connection> {
    return pinned(await connectionTo(this.options, this.place.machine));
  }

  private async dumpInput(run: OfRun): Promise<DumpInput> {
    const { lockWaitTimeoutSeconds } = this.options;
    const place = { ...this.place, connection: await this.connectAnew() };
    return { ...place, ...run, lockWaitTimeoutSeconds, failure: 'SOURCE_UNREADABLE' };
  }

  /** Dumps and stores at once: nothing is left to be done. */
  private async dump(run: OfRun): Promise<() => Promise<Stored>> {
    const { pool, sink, onProgress, predecessor } = this.input;
    const encoding = ENCODINGS[this.options.compression];
    const totalBytes = predecessor?.manifest.totals.contentBytes;
    let entries = 0;
    const writer = new DumpWriter(await this.dumpInput(run), {
      pool,
      encoding,
      scan: {
        onDefinition: (object, text) => {
          entries++;
          this.noteSequence(object, text);
        },
      },
      onProgress: (bytes) => onProgress?.({ entries, bytes, totalBytes }),
    });
    const extension = encoding.codec === 'gzip' ? 'sql.gz' : 'sql.zst';
    const key = await sink.put('dump', extension, writer.write());
    const { index, digest, said } = writer.finish();
    const artifact: Artifact = { role: 'dump', key, codec: encoding.codec, ...digest };
    return () => Promise.resolve({ artifacts: [artifact], index, reusedBytes: 0, said });
  }

  /** A folder for a dump in the directory format, with room for what the tables take now. */
  private async spool(
    session: DatabaseSession,
    selection: DumpSelection,
  ): Promise<Spool | undefined> {
    if (this.options.format === 'plain') return undefined;
    return Spool.withRoom(this.place.machine, await tableBytes(session, selection));
  }

  /** Dumps to files. What is left to be done needs the database no more. */
  private async dumpToSpool(run: OfRun, spool: Spool): Promise<() => Promise<Stored>> {
    const jobs = this.options.jobs ?? defaultJobs();
    const said = await dumpToFolder(await this.dumpInput(run), spool.folder, jobs);
    return async () => ({ ...(await this.storeSpooled(run, spool)), said });
  }

  private async storeSpooled(
    { restrictKey, signal }: OfRun,
    spool: Spool,
  ): Promise<Omit<Stored, 'said'>> {
    const { machine, tools } = this.place;
    const dump = path.join(spool.folder, DUMP_FOLDER);
    // What pg_restore cannot read, and what lacks a row, is not stored.
    const { objects, bytes } = await scanDirectory(
      { machine, tools, dump, restrictKey, signal, failure: 'SOURCE_UNREADABLE' },
      { onDefinition: (object, text) => this.noteSequence(object, text) },
    );
    const encoding = ENCODINGS[this.options.compression];
    const { artifacts, totals } = await storeFolder(spool.folder, this.input, encoding);
    const index = { members: [], objects, rawBytes: bytes };
    return { artifacts, index, reusedBytes: totals.reusedBytes };
  }

  /** Sequences do not belong to a snapshot: what the dump says of them is what it restores. */
  private noteSequence(object: DumpObject, text: Buffer): void {
    if (object.type !== 'SEQUENCE SET') return;
    const [, last, used] = /, (-?\d+), (true|false)\);\s*$/.exec(text.toString('utf8')) ?? [];
    if (last !== undefined) this.sequences.set(tableName(object), { last, used: used === 'true' });
  }

  private assertFilled(objects: readonly DumpObject[]): void {
    if (this.options.allowEmpty || objects.some(({ type }) => type === 'TABLE DATA')) return;
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the source "${this.options.name}", ${this.place.connection.label}, holds no table`,
      { hint: 'Is it the right database? If an empty one is fine, set `allowEmpty: true`.' },
    );
  }

  /** Roles belong to the server, not to the database. What may not be read is said: the dump restores only where they are. */
  private async globals(): Promise<{ artifacts: Artifact[]; problems: Problem[] }> {
    const { machine, tools } = this.place;
    try {
      const connection = await this.connectAnew();
      const text = await outputOf(
        {
          file: path.join(tools.folder, 'pg_dumpall'),
          args: [
            '--roles-only',
            '--no-role-passwords',
            '--no-password',
            `--database=${databaseArgument(connection)}`,
          ],
          env: { ...baseEnvironment(machine), ...connection.env },
          signal: this.input.signal,
          secrets: [connection.password],
          failure: 'SOURCE_UNREADABLE',
          what: `pg_dumpall of ${connection.label}`,
        },
        64 << 20,
      );
      assertGlobals(text, connection);
      const file = { role: 'globals', extension: 'sql.gz', text } as const;
      return {
        artifacts: [await storeText(this.input.sink, this.input.pool, file)],
        problems: [],
      };
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.code.startsWith('SOURCE_')) throw error;
      const tolerated = this.options.tolerate.includes('globals');
      const detail = `the roles of the server could not be read: ${error.message}`;
      return {
        artifacts: [],
        problems: [
          { path: 'globals', code: 'unreadable', detail, ...(tolerated && { tolerated }) },
        ],
      };
    }
  }

  private result(
    artifacts: readonly Artifact[],
    { objects, rawBytes }: DumpIndex,
    {
      reusedBytes,
      ...rest
    }: { database: DatabaseFacts; problems: readonly Problem[]; reusedBytes: number },
  ): ReadResult {
    const { codec, level } = ENCODINGS[this.options.compression];
    return {
      artifacts,
      totals: {
        entries: objects.length,
        files: objects.filter(({ type }) => type === 'TABLE DATA').length,
        contentBytes: rawBytes,
        readBytes: rawBytes,
        reusedBytes,
      },
      options: {
        ...{ codec, level, build: buildOf({ codec, level }), node: process.versions.node },
        ...(this.options.format === 'directory' && { format: 'directory', times: 'content' }),
      },
      full: true,
      git: undefined,
      package: undefined,
      ...rest,
    };
  }
}

function assertGlobals(text: Buffer, { label }: Connection): void {
  if (text.includes('-- PostgreSQL database cluster dump complete\n')) return;
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `pg_dumpall of ${label} ended well and its output of ${text.length} bytes is not complete`,
  );
}

/** pg_dump and the questions beside it saw one snapshot: other numbers of rows mean that one of them did not see everything. */
function assertSame(objects: readonly DumpObject[], rows: DatabaseFacts['rows']): void {
  const dumped = new Map<string, number>();
  for (const object of objects) {
    if (object.type !== 'TABLE DATA') continue;
    const name = tableName(object);
    dumped.set(name, (dumped.get(name) ?? 0) + (object.rows ?? 0));
  }
  for (const [name, expected] of Object.entries(rows)) {
    const got = dumped.get(name);
    if (got === expected) continue;
    const title = titleOf({ type: 'TABLE', schema: '-', name });
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the dump holds ${got ?? 'no'} rows of ${title}, the database ${expected}`,
      { hint: 'Nothing was kept. Run the backup again, and report it if it stays so.' },
    );
  }
}

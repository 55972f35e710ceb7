// A restore test of a database: loaded into a scratch server, dumped again, and compared byte for byte and fact for fact.
import { HoldfastError, type Problem } from '../../errors.ts';
import type { DatabaseFacts } from '../../format/manifest.ts';
import type { Facts } from '../../format/record.ts';
import type { OpenBackup, TriedOut, TryOutInput, Work } from '../source.ts';
import { failedChecks, runChecks, type CheckResult } from './checks.ts';
import {
  compareDumps,
  compareFacts,
  factsOf,
  neededExtensions,
  PRINTED_OTHERWISE,
} from './compare.ts';
import { owner } from './confinement.ts';
import { DirectoryText, extractDump, loadDirectory } from './directory.ts';
import { isDirectory, openIndex, readText } from './dump-index.ts';
import type { Stretch } from './dump-reader.ts';
import { loadDump, runLeniently } from './load.ts';
import { ToolEnd } from './process.ts';
import { proveDump } from './prove.ts';
import { ScratchServer } from './scratch.ts';
import { leavesOut } from './selection.ts';
import { identifier, literal, Session } from './session.ts';
import { assertRoom } from './spool.ts';
import { findDumper, findServer, type Machine, type Server, type Tools } from './tools.ts';

const DATABASE = 'holdfast_restored';
/** No restore test may take longer. */
const MAX_TEST_MS = 6 * 3600 * 1000;

/** `SourceKind.tryOut` of databases. */
export async function tryOutDump(
  machine: Machine,
  backup: OpenBackup,
  input: TryOutInput,
): Promise<TriedOut> {
  const timeout = AbortSignal.timeout(MAX_TEST_MS);
  const signal = input.signal === undefined ? timeout : AbortSignal.any([input.signal, timeout]);
  const work: Work = { pool: input.pool, signal, onProgress: input.onProgress };
  try {
    return await new Test(machine, backup, { ...input, ...work }).run();
  } catch (error) {
    const late = timeout.aborted && input.signal?.aborted !== true;
    if (!late) throw error;
    const detail = `the restore test took more than ${MAX_TEST_MS / 60_000} minutes`;
    return { ...NOTHING, unclear: [{ path: '', code: 'timeout', detail }] };
  }
}

const NOTHING: TriedOut = {
  damage: [],
  unclear: [],
  notes: [],
  files: 0,
  bytes: 0,
  restoreMs: 0,
  facts: {},
};

/** What a dump is tried out with. */
interface Made {
  readonly server: ScratchServer;
  readonly tools: Server;
  readonly dumper: Tools;
}

class Test {
  private readonly machine: Machine;
  private readonly backup: OpenBackup;
  private readonly input: TryOutInput;
  private readonly facts: DatabaseFacts;
  private readonly damage: Problem[] = [];
  private readonly unclear: Problem[] = [];
  private readonly notes: Problem[] = [];
  /** Of the server that was dumped. */
  private readonly major: number;

  constructor(machine: Machine, backup: OpenBackup, input: TryOutInput) {
    this.machine = machine;
    this.backup = backup;
    this.input = input;
    this.facts = factsOf(backup);
    this.major = Number.parseInt(this.facts.serverVersion, 10);
  }

  async run(): Promise<TriedOut> {
    // Checked whole before psql sees the first byte of it; the server needs nothing of it and is made meanwhile.
    const [proof, made] = await Promise.allSettled([
      proveDump(this.backup, 'content', this.input),
      this.makeServer(),
    ]);
    try {
      if (proof.status === 'rejected') throw proof.reason;
      if (proof.value.problems.length > 0) return { ...NOTHING, damage: proof.value.problems };
      if (made.status === 'rejected') throw made.reason;
      return await this.tryOn(made.value);
    } finally {
      if (made.status === 'fulfilled') await made.value.server[Symbol.asyncDispose]();
    }
  }

  private async makeServer(): Promise<Made> {
    const { signal, scratch: parent } = this.input;
    const { machine } = this;
    // What a newer pg_dump writes of an older server, that server need not understand.
    const needed = Math.max(this.major, Number.parseInt(this.facts.clientVersion, 10));
    const tools = await findServer(machine, needed);
    const dumper = await findDumper(machine, this.facts.clientVersion, tools);
    const server = await ScratchServer.start({ machine, tools, parent, signal });
    return { server, tools, dumper };
  }

  private async tryOn({ server, tools, dumper }: Made): Promise<TriedOut> {
    const { signal } = this.input;
    const begin = this.input.now();
    const facts = {
      server: tools.version,
      client: dumper.version,
      offline: server.confinement.offline,
    };
    if (!(await this.prepare(server, tools))) return await this.result(facts, 0);
    const dump = await this.extract(server);
    const loaded = await this.load(server, tools, dump);
    const restoreMs = this.input.now().getTime() - begin.getTime();
    if (!loaded) return await this.result(facts, restoreMs);
    const at = { ...this.place(server, tools, DATABASE), tools: dumper };
    using directory = dump === undefined ? undefined : this.text(dump, at);
    const text = directory && ((range: Stretch) => directory.read(range));
    await this.compare({ ...at, text }, { sameMajor: tools.major === this.major, dumper });
    const { newest, problems } = await this.ask(at, tools.major === this.major);
    this.damage.push(...problems);
    const checks = await runChecks(this.input.checks, { ...at, tools, signal });
    this.damage.push(...failedChecks(checks));
    return await this.result({ ...facts, ...this.report(newest, checks) }, restoreMs);
  }

  private place(server: ScratchServer, tools: Tools, database: string) {
    const { confinement } = server;
    return { machine: this.machine, tools, connection: server.connection(database), confinement };
  }

  /** Roles, the database and what it needs; false when something is missing without which nothing can be loaded. */
  private async prepare(server: ScratchServer, tools: Tools): Promise<boolean> {
    const place = this.place(server, tools, 'postgres');
    const { signal } = this.input;
    await using session = new Session({ ...place, signal, failure: 'COMMAND_FAILED' });
    const wanted = await neededExtensions(this.backup);
    const available = await session.json<string[]>(
      "SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions",
    );
    for (const name of wanted.filter((one) => !available.includes(one))) {
      const detail = `PostgreSQL ${tools.version} on this machine does not have it, so nothing could be loaded and nothing is proven; install its package`;
      this.unclear.push({ path: `extension ${name}`, code: 'extension-missing', detail });
    }
    if (this.unclear.length > 0) return false;
    await this.loadRoles(session, place);
    await this.createDatabase(session, place);
    return true;
  }

  private async loadRoles(session: Session, place: ReturnType<typeof this.place>): Promise<void> {
    const globals = this.backup.manifest.artifacts.find(({ role }) => role === 'globals');
    const load = { ...place, failure: 'COMMAND_FAILED' } as const;
    if (globals !== undefined) {
      const text = await readText(this.backup, globals);
      const said = await runLeniently(load, text, this.input.signal);
      for (const line of said.slice(0, 20))
        this.notes.push({ path: 'globals', code: 'globals', detail: line });
    }
    const absent = await session.json<string[]>(
      `SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY[${this.facts.roles.map(literal).join(',')}]::text[]) name
       WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)`,
    );
    // What they might do was in globals, or is not known. That they may do too little must not make a dump fail that is whole.
    for (const name of absent) await session.ask(`CREATE ROLE ${identifier(name)} SUPERUSER`);
  }

  /** With the encoding and, where this machine has it, the collation of the original. */
  private async createDatabase(
    session: Session,
    place: ReturnType<typeof this.place>,
  ): Promise<void> {
    const { encoding = 'UTF8', collate = 'C', ctype = 'C' } = this.facts.settings;
    const create = (locale: [string, string]) =>
      `CREATE DATABASE ${DATABASE} TEMPLATE template0 ENCODING ${literal(encoding)} LC_COLLATE ${literal(locale[0])} LC_CTYPE ${literal(locale[1])}`;
    const load = { ...place, failure: 'COMMAND_FAILED' } as const;
    const said = await runLeniently(load, `${create([collate, ctype])};\n`, this.input.signal);
    if (said.length === 0) return;
    const detail = `the collation ${collate} is not on this machine: C was used, so indexes of text were built in another order`;
    this.notes.push({ path: '', code: 'collation', detail });
    await session.ask(create(['C', 'C']));
  }

  /** A dump in the directory format, where the programs that work on the server can read it. */
  private async extract(server: ScratchServer): Promise<string | undefined> {
    const { manifest } = this.backup;
    if (!isDirectory(manifest)) return undefined;
    assertRoom(server.folder, manifest.totals.contentBytes);
    return extractDump(this.backup, server.folder, this.input, owner());
  }

  private text(dump: string, at: Parameters<typeof compareDumps>[1]): DirectoryText {
    const { restrictKey } = this.facts;
    const { signal } = this.input;
    return new DirectoryText({ ...at, dump, restrictKey, signal, failure: 'RESTORE_DIFFERS' });
  }

  private async load(
    server: ScratchServer,
    tools: Tools,
    dump: string | undefined,
  ): Promise<boolean> {
    const load = { ...this.place(server, tools, DATABASE), failure: 'RESTORE_DIFFERS' } as const;
    try {
      if (dump === undefined) await loadDump(load, this.backup, this.input);
      else await loadDirectory(load, dump, this.input.signal);
      return true;
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'RESTORE_DIFFERS') throw error;
      this.judge(error, tools);
      return false;
    }
  }

  /** SQL that fails is the backup's fault, where it has everything it needs; whatever else ends psql is the machine's. */
  private judge(error: HoldfastError, tools: Tools): void {
    // psql has a code of its own for it, pg_restore quotes the server.
    const { code } = error.cause instanceof ToolEnd ? error.cause : { code: undefined };
    const bySql = code === 3 || (code === 1 && /ERROR: /.test(error.message));
    const noRoom = /No space left on device|out of (?:shared )?memory|disk full/i.test(
      error.message,
    );
    const detail = error.message;
    if (bySql && leavesOut(this.facts.selection)) {
      const why = `it holds only some schemas or tables, and refers to what it does not hold: ${detail}`;
      this.unclear.push({ path: '', code: 'refers-outside', detail: why });
    } else if (bySql && !noRoom && String(tools.major) === this.facts.serverVersion.split('.')[0]) {
      this.damage.push({ path: '', code: 'not-loaded', detail });
    } else this.unclear.push({ path: '', code: noRoom ? 'no-space' : 'not-loaded', detail });
  }

  private async compare(
    at: Parameters<typeof compareDumps>[1],
    { sameMajor, dumper }: { sameMajor: boolean; dumper: Tools },
  ): Promise<void> {
    const differences = await compareDumps(this.backup, at, this.input);
    const sameClient = dumper.version === this.facts.clientVersion;
    // What was loaded is what the backup says; another server prints it otherwise.
    const printed = differences.filter(({ code }) => !sameMajor && code === PRINTED_OTHERWISE);
    this.notes.push(...printed);
    const others = differences.filter((one) => !printed.includes(one));
    if (sameClient && sameMajor) this.damage.push(...others);
    else if (others.length > 0) {
      const detail = `the dump was made by pg_dump ${this.facts.clientVersion} of PostgreSQL ${this.facts.serverVersion}; on this machine are ${dumper.version} and another server, which may write the same otherwise`;
      this.unclear.push({ path: '', code: 'other-version', detail }, ...others);
    }
  }

  private async ask(
    at: Parameters<typeof compareDumps>[1],
    sameMajor: boolean,
  ): ReturnType<typeof compareFacts> {
    const { signal } = this.input;
    await using session = new Session({ ...at, signal, failure: 'RESTORE_DIFFERS' });
    return await compareFacts(this.backup, session, { sameMajor });
  }

  private report(newest: DatabaseFacts['newest'], checks: readonly CheckResult[]): Facts {
    const at = Date.parse(this.backup.manifest.begin);
    const ages = Object.entries(newest).map(([column, value]) => [
      column,
      value === null
        ? { value, secondsBeforeBackup: null }
        : { value, secondsBeforeBackup: Math.round((at - Date.parse(value)) / 1000) },
    ]);
    return {
      ...(ages.length > 0 && { newest: Object.fromEntries(ages) as Facts }),
      ...(checks.length > 0 && {
        checks: checks.map(({ check, passed }) => ({ check, passed })),
      }),
    };
  }

  private async result(facts: Facts, restoreMs: number): Promise<TriedOut> {
    const { objects, rawBytes } = await openIndex(this.backup);
    const files = objects.filter(({ type }) => type === 'TABLE DATA').length;
    const { damage, unclear, notes } = this;
    return { damage, unclear, notes, files, bytes: rawBytes, restoreMs, facts };
  }
}

// A restore test of a database: loaded into a scratch server, dumped again, and compared byte for byte and fact for fact.
import { HOUR_MS, MINUTE_MS } from '../../../durations.ts';
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { DatabaseFacts } from '../../../format/manifest.ts';
import type { Facts } from '../../../format/record.ts';
import type { OpenBackup, TriedOut, TryOutInput, Work } from '../../source.ts';
import { failedChecks, runChecks, type CheckResult } from './checks.ts';
import { compareFacts, factsOf, neededExtensions, type CompareInput } from './compare-facts.ts';
import { compareDumps, type Comparison } from './compare-dumps.ts';
import { owner } from '../server/confinement.ts';
import { DirectoryText, extractDump, loadDirectory } from '../dump/directory.ts';
import { isDirectory, openIndex, readText } from '../dump/objects.ts';
import { dumpText, type StoredText, type Stretch } from '../dump/reader.ts';
import { explain } from './explain.ts';
import { loadDump, type LoadOptions } from '../restore/load.ts';
import { settingsToLoad } from '../restore/properties.ts';
import { missingHere } from './missing-here.ts';
import { LC_MONETARY, mayHoldMoney, tablesOfMoney } from './money.ts';
import { ToolEnd } from '../server/process.ts';
import { proveDump } from './prove.ts';
import { ScratchServer } from '../server/scratch.ts';
import { SCRATCH_DATABASE, ScratchDatabase, type Lack } from './scratch-database.ts';
import { makeRoles } from './scratch-roles.ts';
import { leavesOut } from '../dump/selection.ts';
import { knownExtensions, needsPreloading, preloading } from '../server/extensions.ts';
import { remedyFor } from '../server/extensions-of-rds.ts';
import { DatabaseSession } from '../server/session.ts';
import { assertRoom } from '../dump/spool.ts';
import { surroundingsOf } from '../dump/surroundings.ts';
import { findDumper, findServer, type Machine, type Server, type Tools } from '../server/tools.ts';
import { SEVERAL, severalDetail } from '../dump/transactions.ts';
import { unknownSettings } from '../dump/unknown-settings.ts';

/** No restore test may take longer. */
const MAX_TEST_MS = 6 * HOUR_MS;

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
    const detail = `the restore test took more than ${MAX_TEST_MS / MINUTE_MS} minutes`;
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

/** A database that a dump was loaded into, and how. */
interface Loaded {
  readonly database: ScratchDatabase;
  readonly at: CompareInput;
  readonly how: Pick<LoadOptions, 'unknown' | 'several' | 'text' | 'settings'>;
  /** By pg_restore, each job in transactions of its own. */
  readonly byJobs: boolean;
  readonly restoreMs: number;
}

class Test {
  private readonly machine: Machine;
  private readonly backup: OpenBackup;
  private readonly input: TryOutInput;
  private readonly facts: DatabaseFacts;
  private readonly damage: Problem[] = [];
  private readonly unclear: Problem[] = [];
  private readonly notes: Problem[] = [];
  /** The major version of the server that was dumped. */
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
    const { machine, facts } = this;
    const { tools, dumper } = await this.programs();
    const { superuser } = surroundingsOf(facts.settings);
    const wanted = Object.keys(facts.extensions).filter(needsPreloading);
    const known = wanted.length === 0 ? undefined : await knownExtensions(machine, tools);
    const extensions = wanted.filter((name) => known?.has(name));
    const settings = preloading(extensions, SCRATCH_DATABASE);
    const server = await ScratchServer.start({
      ...{ machine, tools, parent, signal, superuser, settings },
    });
    return { server, tools, dumper };
  }

  /** A server of the version that was dumped, if there is one: what a newer pg_dump writes of it, it has to take back. */
  private async programs(): Promise<{ tools: Server; dumper: Tools }> {
    const { machine, facts } = this;
    const client = Number.parseInt(facts.clientVersion, 10);
    const tools = await findServer(machine, this.major);
    const dumper = await findDumper(machine, facts.clientVersion, tools);
    // Only a pg_restore that is not older reads the directory that a pg_dump wrote.
    if (!isDirectory(this.backup.manifest) || dumper.major >= client) return { tools, dumper };
    const newer = await findServer(machine, Math.max(this.major, client));
    return { tools: newer, dumper: await findDumper(machine, facts.clientVersion, newer) };
  }

  private async tryOn(made: Made): Promise<TriedOut> {
    const { server, tools, dumper } = made;
    const begin = this.input.now();
    const facts = {
      server: tools.version,
      client: dumper.version,
      offline: server.confinement.offline,
    };
    if (!(await this.prepare(made))) return await this.result(facts, 0);
    const database = await ScratchDatabase.create({
      ...{ machine: this.machine, server, tools, facts: this.facts, signal: this.input.signal },
    });
    const dump = await this.extract(server);
    const at = database.at(dumper);
    using directory = dump === undefined ? undefined : this.text(dump, at);
    const text = directory && ((range: Stretch) => directory.read(range));
    const loaded = await this.load({ made, database, dump, text });
    const restoreMs = this.input.now().getTime() - begin.getTime();
    if (loaded === undefined) {
      this.unclear.push(...database.lacks.map(lacking));
      return await this.result(facts, restoreMs);
    }
    const told = await this.look(made, { ...loaded, at: { ...at, text }, restoreMs });
    const transactions = loaded.how.several === true ? 'several' : 'one';
    const known = loaded.byJobs ? {} : { transactions };
    return await this.result({ ...facts, ...known, ...told }, restoreMs);
  }

  /** Compares what was loaded with the backup, and asks it what is configured to be asked. */
  private async look(
    { server, tools, dumper }: Made,
    { database, at, how }: Omit<Loaded, 'byJobs'>,
  ): Promise<Facts> {
    const { signal } = this.input;
    const sameMajor = tools.major === this.major;
    const comparison = await compareDumps(this.backup, at, this.input);
    const { newest, problems } = await this.ask(at, sameMajor);
    this.damage.push(...problems);
    const checks = await runChecks(this.input.checks, { ...at, tools, signal });
    this.damage.push(...failedChecks(checks));
    const unread = await this.lackingThere(database, comparison, at);
    this.judgeDump(comparison, { tools, dumper }, unread);
    const explained = await explain(comparison.otherwise, {
      ...{ backup: this.backup, work: this.input, folder: server.folder, load: how },
      fresh: async () => {
        await database.renew();
        const load = { ...database.at(tools), failure: 'RESTORE_DIFFERS' } as const;
        return { load, dump: { ...database.at(dumper), text: at.text } };
      },
    });
    this.damage.push(...explained.damage);
    this.unclear.push(...explained.unclear);
    this.notes.push(...explained.remarks);
    return this.report(newest, checks);
  }

  /** Says what is missing here; of that, what changes how rows are read counts where there are such, and their tables are given back. */
  private async lackingThere(
    { lacks }: ScratchDatabase,
    { otherwise }: Comparison,
    at: CompareInput,
  ): Promise<ReadonlySet<string>> {
    const money = lacks.find(({ setting }) => setting === LC_MONETARY);
    this.unclear.push(...lacks.filter((one) => one !== money).map(lacking));
    if (money === undefined) return new Set();
    const { signal } = this.input;
    await using session = new DatabaseSession({ ...at, signal, failure: 'RESTORE_DIFFERS' });
    const tables = await tablesOfMoney(session);
    if (tables.size > 0 || [...otherwise.values()].some(mayHoldMoney))
      this.unclear.push(lacking(money));
    return tables;
  }

  /** What is lost or changed, unless other programs may have written the same in another way. */
  private judgeDump(
    comparison: Comparison,
    { tools, dumper }: Pick<Made, 'tools' | 'dumper'>,
    unread: ReadonlySet<string>,
  ): void {
    const { clientVersion, serverVersion } = this.facts;
    const isUnread = ({ path }: Problem) => unread.has(path.replace(/^TABLE DATA /, ''));
    this.unclear.push(...comparison.damage.filter(isUnread));
    const damage = comparison.damage.filter((one) => !isUnread(one));
    if (damage.length === 0) return;
    if (dumper.version === clientVersion && tools.major === this.major) {
      this.damage.push(...damage);
      return;
    }
    const detail = `the dump was made by pg_dump ${clientVersion} of PostgreSQL ${serverVersion}; on this machine are ${dumper.version} and PostgreSQL ${tools.version}, which may write the same otherwise`;
    this.unclear.push({ path: '', code: 'other-version', detail }, ...damage);
  }

  /** Roles, and whether the extensions are here; false when something is missing without which nothing can be loaded. */
  private async prepare({ server, tools }: Made): Promise<boolean> {
    const { machine, facts } = this;
    const { signal } = this.input;
    const connection = server.connection('postgres');
    const place = { machine, tools, connection, confinement: server.confinement };
    await using session = new DatabaseSession({ ...place, signal, failure: 'COMMAND_FAILED' });
    const wanted = await neededExtensions(this.backup);
    const available = await session.json<string[]>(
      "SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions",
    );
    for (const name of wanted.filter((one) => !available.includes(one))) {
      const detail = `PostgreSQL ${tools.version} on this machine does not have it, so nothing could be loaded and nothing is proven; ${remedyFor(name, INSTALL)}`;
      this.unclear.push({ path: `extension ${name}`, code: 'extension-missing', detail });
    }
    if (this.unclear.length > 0) return false;
    const artifact = this.backup.manifest.artifacts.find(({ role }) => role === 'globals');
    const globals = artifact && (await readText(this.backup, artifact));
    const load = { ...place, failure: 'COMMAND_FAILED' } as const;
    const { superuser } = server;
    const said = await makeRoles(session, load, { globals, roles: facts.roles, superuser, signal });
    for (const line of said) this.notes.push({ path: 'globals', code: 'globals', detail: line });
    return true;
  }

  /** A dump in the directory format, where the programs that work on the server can read it. */
  private async extract(server: ScratchServer): Promise<string | undefined> {
    const { manifest } = this.backup;
    if (!isDirectory(manifest)) return undefined;
    assertRoom(server.folder, manifest.totals.contentBytes);
    return extractDump(this.backup, server.folder, this.input, owner());
  }

  private text(dump: string, at: CompareInput): DirectoryText {
    const { restrictKey } = this.facts;
    const { signal } = this.input;
    return new DirectoryText({ ...at, dump, restrictKey, signal, failure: 'RESTORE_DIFFERS' });
  }

  /** Loads the dump; in several transactions where it does not load in one. Undefined when it does not, which is judged then. */
  private async load({
    made,
    database,
    dump,
    text,
  }: {
    readonly made: Made;
    readonly database: ScratchDatabase;
    readonly dump: string | undefined;
    readonly text: StoredText | undefined;
  }): Promise<Pick<Loaded, 'database' | 'how' | 'byJobs'> | undefined> {
    const unknown = await this.unknownHere(database.at(made.tools), text);
    const load = { ...database.at(made.tools), failure: 'RESTORE_DIFFERS' } as const;
    const settings = await settingsToLoad(this.backup);
    const how = { unknown, settings, ...(text !== undefined && { text }) };
    // What pg_restore itself sets, nothing can leave out.
    const byJobs = dump !== undefined && unknown.size === 0;
    const refused = byJobs
      ? await failureOf(
          loadDirectory(
            { ...load, tools: database.at(made.dumper).tools },
            dump,
            this.input.signal,
          ),
        )
      : await failureOf(loadDump(load, this.backup, this.input, how));
    if (refused === undefined) return { database, how, byJobs };
    const again = isOfSql(refused) && !byJobs && missingHere(refused.message) === undefined;
    if (again && !NO_ROOM.test(refused.message)) {
      await database.renew();
      const apart = { ...how, several: true };
      if ((await failureOf(loadDump(load, this.backup, this.input, apart))) === undefined) {
        this.notes.push({ path: '', code: SEVERAL, detail: severalDetail(refused) });
        return { database, how: apart, byJobs };
      }
    }
    this.judge(refused, made.tools, database);
    return undefined;
  }

  private async unknownHere(
    at: CompareInput,
    text: StoredText | undefined,
  ): Promise<ReadonlySet<string>> {
    const { signal } = this.input;
    await using session = new DatabaseSession({ ...at, signal, failure: 'COMMAND_FAILED' });
    const stored: StoredText = (range) => dumpText(this.backup, { ...this.input, range });
    return await unknownSettings(this.backup, session, text ?? stored);
  }

  /** SQL that fails is the backup's fault, where it has everything it needs; whatever else ends psql is the machine's. */
  private judge(error: HoldfastError, tools: Tools, { lacks }: ScratchDatabase): void {
    const bySql = isOfSql(error);
    const noRoom = NO_ROOM.test(error.message);
    const detail = error.message;
    const missing = bySql ? missingHere(detail) : undefined;
    if (missing !== undefined) {
      const why = `it is missing where this was tested, so the dump could not be loaded and nothing is proven: ${detail}; ${missing.remedy}`;
      this.unclear.push({ path: missing.what, code: MISSING, detail: why });
    } else if (bySql && leavesOut(this.facts.selection)) {
      const why = `it holds only some schemas or tables, and refers to what it does not hold: ${detail}`;
      this.unclear.push({ path: '', code: 'refers-outside', detail: why });
    } else if (bySql && !noRoom && lacks.length === 0 && tools.major === this.major) {
      this.damage.push({ path: '', code: 'not-loaded', detail });
    } else this.unclear.push({ path: '', code: noRoom ? 'no-space' : 'not-loaded', detail });
  }

  private async ask(at: CompareInput, sameMajor: boolean): ReturnType<typeof compareFacts> {
    const { signal } = this.input;
    await using session = new DatabaseSession({ ...at, signal, failure: 'RESTORE_DIFFERS' });
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

const INSTALL = 'install its package; in a stack, name it in aws.databases.extensions';
/** The code of what is missing where a dump is tried out. */
const MISSING = 'missing-here';

function lacking({ what, detail }: Lack): Problem {
  return { path: what, code: MISSING, detail };
}

const NO_ROOM = /No space left on device|out of (?:shared )?memory|disk full/i;

/** Whether SQL was refused: psql has a code of its own for it, pg_restore quotes the server. */
function isOfSql(error: HoldfastError): boolean {
  const { code } = error.cause instanceof ToolEnd ? error.cause : { code: undefined };
  return code === 3 || (code === 1 && /ERROR: /.test(error.message));
}

/** Why loading failed; undefined when it did not. Whatever else fails is thrown. */
async function failureOf(loading: Promise<void>): Promise<HoldfastError | undefined> {
  try {
    await loading;
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'RESTORE_DIFFERS') return error;
    throw error;
  }
}

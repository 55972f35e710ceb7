// Restores a dump to a database in use: checked whole before a program sees a byte of it, in one transaction unless it is in the
// directory format, and compared afterwards.
import { HoldfastError, type Problem } from '../../errors.ts';
import type {
  OpenBackup,
  RestoredToService,
  RestoreToService,
  RestoreToServiceInput,
  SourceKind,
} from '../source.ts';
import { failedChecks, runChecks } from './checks.ts';
import { compareFacts, factsOf } from './compare.ts';
import { parseConnection, type Connection } from './connection.ts';
import { DirectoryText, extractDump, loadDirectory } from './directory.ts';
import { isDirectory, openIndex, tableName } from './dump-index.ts';
import { dumpText, type StoredText } from './dump-reader.ts';
import type { DumpObject } from './dump-text.ts';
import { countRows } from './facts.ts';
import { readSettings } from './facts.ts';
import { loadDump, runTogether, type LoadInput } from './load.ts';
import { proveDump } from './prove.ts';
import { readPostgres, type PostgresOptions } from './read.ts';
import { rangesOf } from './restore-folder.ts';
import { EVERYTHING, parseTable } from './selection.ts';
import { identifier, literal, Session } from './session.ts';
import { Spool } from './spool.ts';
import { isOfSurroundings } from './surroundings.ts';
import { objectsOfTables } from './table-objects.ts';
import { createRoles, MAKE_ROOM, missingRoles, readOccupancy, type Occupancy } from './target.ts';
import { findTools, knowsRestrictKey, machineFor, type Machine, type Tools } from './tools.ts';
import { unknownSettings } from './unknown-settings.ts';

/** Restoring backups of databases to databases. */
export function databaseService(machine: Machine, kind: () => SourceKind): RestoreToService {
  return {
    label: (target, targetFrom) => parseConnection(target, targetFrom, machine.environment).label,
    restore: (backup, input) =>
      new DatabaseRestore(machineFor(machine, backup.manifest.source), backup, {
        ...input,
        kind,
      }).run(),
  };
}

type Input = RestoreToServiceInput & { readonly kind: () => SourceKind };

/** Encoding and collation are of the database, which a restore does not make: with others, text is kept and sorted otherwise. */
function settingsNotes(
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Problem[] {
  return Object.entries(expected)
    .filter(([name, value]) => name !== 'collationVersion' && found[name] !== value)
    .filter(([name]) => !isOfSurroundings(name))
    .map(([name, value]) => ({
      path: `setting ${name}`,
      code: 'other-setting',
      detail: `the database that was backed up has ${value || 'none'}, the target ${found[name] || 'none'}`,
    }));
}

class DatabaseRestore {
  private readonly machine: Machine;
  private readonly backup: OpenBackup;
  private readonly input: Input;
  private readonly connection: Connection;
  private readonly notes: Problem[] = [];

  constructor(machine: Machine, backup: OpenBackup, input: Input) {
    this.machine = machine;
    this.backup = backup;
    this.input = input;
    this.connection = parseConnection(input.target, input.targetFrom, machine.environment);
  }

  async run(): Promise<RestoredToService> {
    const { backup, input } = this;
    await this.assertWhole();
    const tools = await this.tools();
    using spool = this.spool();
    const dump = spool && (await extractDump(backup, spool.folder, input));
    using directory = dump === undefined ? undefined : this.text(dump, tools);
    const text: StoredText = (range) =>
      directory?.read(range) ?? dumpText(backup, { ...input, range });
    const { objects } = await openIndex(backup);
    const all = input.parts.length === 0;
    const wanted = all ? objects : await objectsOfTables(backup, input.parts, text);
    const { before, saved, sameMajor } = await this.makeReady(tools);
    const unknown = await this.unknownThere(tools, text);
    const load = { ...this.place(tools), failure: 'COMMAND_FAILED' } as const;
    // What pg_restore itself sets, nothing can leave out.
    if (dump !== undefined && this.byJobs && unknown.size === 0)
      await this.loadByJobs(load, dump, { before, saved });
    else await loadDump(load, backup, input, { before, ranges: rangesOf(wanted), text, unknown });
    return {
      entries: wanted.length,
      bytes: wanted.reduce((sum, { bytes }) => sum + bytes, 0),
      differences: await this.look(tools, wanted, sameMajor),
      notes: this.notes,
      saved,
      facts: { parts: [...input.parts], replaced: saved !== undefined },
    };
  }

  /** Whether several jobs load it, each in transactions of its own. */
  private get byJobs(): boolean {
    return isDirectory(this.backup.manifest) && this.input.parts.length === 0;
  }

  /** Programs need a dump in the directory format as files. */
  private spool(): Spool | undefined {
    const { manifest } = this.backup;
    if (!isDirectory(manifest)) return undefined;
    return Spool.withRoom(this.machine, manifest.totals.contentBytes);
  }

  private text(dump: string, tools: Tools): DirectoryText {
    const { machine } = this;
    const { restrictKey } = factsOf(this.backup);
    const { signal } = this.input;
    return new DirectoryText({
      ...{ machine, tools, dump, restrictKey, signal, failure: 'COMMAND_FAILED' },
    });
  }

  /** What stands in the way goes in one transaction. Those that load after it are several, so a failure leaves what they have done. */
  private async loadByJobs(
    load: LoadInput,
    dump: string,
    { before, saved }: { before: string; saved: string | undefined },
  ): Promise<void> {
    const { signal } = this.input;
    if (before !== '') await runTogether(load, before, signal);
    try {
      await loadDirectory(load, dump, signal);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const was = saved === undefined ? '' : ` What was there before is in ${saved}.`;
      throw new HoldfastError(
        error.code,
        `${error.message}; the database ${this.connection.label} is incomplete now, as several jobs cannot share a transaction`,
        {
          hint: `Do not use it as it is. When the cause is gone, restore again, to a new database or with --replace.${was}${error.hint === undefined ? '' : ` ${error.hint}`}`,
          cause: error,
        },
      );
    }
  }

  private async unknownThere(tools: Tools, text: StoredText): Promise<ReadonlySet<string>> {
    await using session = this.session(tools);
    return await unknownSettings(this.backup, session, text);
  }

  private place(tools: Tools) {
    const { machine, connection } = this;
    return { machine, tools, connection };
  }

  /** A dump that is cut off restores half a table, and psql ends well: so every byte is looked at before. */
  private async assertWhole(): Promise<void> {
    const { problems } = await proveDump(this.backup, 'content', this.input);
    const [first] = problems;
    if (first === undefined) return;
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the dump is damaged, so nothing was restored: ${first.path} ${first.detail}`,
      { hint: 'Restore another backup: `holdfast list` shows them.' },
    );
  }

  private async tools(): Promise<Tools> {
    const tools = await findTools(this.machine);
    if (factsOf(this.backup).restrictKey !== undefined && !knowsRestrictKey(tools)) {
      throw new HoldfastError(
        'COMMAND_FAILED',
        `psql ${tools.version} in ${tools.folder} does not know \\restrict, with which this dump begins`,
        { hint: 'Update PostgreSQL’s client; the first line must not be removed from the dump.' },
      );
    }
    // The directory is of the version that wrote it, or newer ones read it.
    const { clientVersion } = factsOf(this.backup);
    if (isDirectory(this.backup.manifest) && tools.major < Number.parseInt(clientVersion, 10)) {
      throw new HoldfastError(
        'COMMAND_FAILED',
        `the dump was made by pg_dump ${clientVersion}, pg_restore in ${tools.folder} is ${tools.version}: it must not be older`,
        {
          hint: 'Install the client of that version or a newer one: apt-get install postgresql-client.',
        },
      );
    }
    return tools;
  }

  private async makeReady(
    tools: Tools,
  ): Promise<{ before: string; saved: string | undefined; sameMajor: boolean }> {
    const { input } = this;
    const facts = factsOf(this.backup);
    await using session = this.session(tools);
    const found = await readOccupancy(session);
    const inTheWay = await this.inTheWay(session, found);
    if (inTheWay.length > 0 && !input.replace) this.refuse(inTheWay, found);
    if (inTheWay.length > 0) this.assertReplaceable();
    const missing = input.parts.length > 0 ? [] : await missingRoles(session, facts.roles);
    if (missing.length > 0 && !input.prepare) {
      throw new HoldfastError(
        'TARGET_REFUSED',
        `the server of ${this.connection.label} lacks roles that the dump names: ${missing.join(', ')}`,
        {
          hint: 'Create them first, from globals.sql, or pass --create-roles to have them made without a password and without the right to log in.',
        },
      );
    }
    if (missing.length > 0) {
      const detail = `${missing.join(', ')}: made without passwords, attributes and memberships; globals.sql has these`;
      this.notes.push({ path: 'roles', code: 'created', detail });
    }
    const saved = inTheWay.length === 0 ? undefined : await this.save();
    const room = inTheWay.length === 0 ? '' : this.room();
    this.notes.push(...settingsNotes(facts.settings, await readSettings(session)));
    const sourceMajor = Number.parseInt(facts.serverVersion, 10);
    if (found.serverMajor < sourceMajor) {
      const detail = `the backup is of PostgreSQL ${sourceMajor}, the target is ${found.serverMajor}`;
      this.notes.push({ path: '', code: 'older-server', detail });
    }
    return {
      before: `${room}${createRoles(missing)}`,
      saved,
      sameMajor: found.serverMajor === sourceMajor,
    };
  }

  /** What the restore would meet: anything, or the tables that are wanted. */
  private async inTheWay(session: Session, found: Occupancy): Promise<readonly string[]> {
    const { parts } = this.input;
    if (parts.length === 0) return found.count > 0 ? found.objects : [];
    const pairs = parts
      .map(parseTable)
      .map(({ schema, table }) => `(${literal(schema)},${literal(table)})`);
    return session.json<string[]>(
      `SELECT coalesce(json_agg('the table ' || n.nspname || '.' || c.relname), '[]') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname, c.relname) IN (${pairs.join(',')})`,
    );
  }

  private refuse(inTheWay: readonly string[], { count }: Occupancy): never {
    const more = count > inTheWay.length && this.input.parts.length === 0 ? ', …' : '';
    throw new HoldfastError(
      'TARGET_REFUSED',
      `the database ${this.connection.label} is not empty: it holds ${inTheWay.join(', ')}${more}`,
      {
        hint: `Restore to a new database (createdb), or pass --replace to have what is there backed up, and then replaced${this.byJobs ? '' : ' in one transaction'}.`,
      },
    );
  }

  /** What goes is the whole database: a backup of a part of it does not bring back the rest. */
  private assertReplaceable(): void {
    const left = Object.entries(factsOf(this.backup).selection).filter(
      ([, names]) => names.length > 0,
    );
    if (this.input.parts.length > 0 || left.length === 0) return;
    throw new HoldfastError(
      'TARGET_REFUSED',
      `the backup holds only a part of its database (${left.map(([option]) => option).join(', ')}), and replacing would remove all of ${this.connection.label}`,
      {
        hint: 'Restore to a new database (createdb) and take over from there what is needed, or name tables with --table.',
      },
    );
  }

  private room(): string {
    const { parts } = this.input;
    if (parts.length === 0) return MAKE_ROOM;
    return parts
      .map(parseTable)
      .map(
        ({ schema, table }) => `DROP TABLE IF EXISTS ${identifier(schema)}.${identifier(table)};\n`,
      )
      .join('');
  }

  private save(): Promise<string> {
    const { target, targetFrom, kind, save } = this.input;
    const options: PostgresOptions = {
      name: this.backup.manifest.source,
      url: () => Promise.resolve(target),
      urlFrom: targetFrom,
      binaries: undefined,
      lockWaitTimeoutSeconds: 60,
      timestamps: [],
      maxDatabaseBytes: undefined,
      tolerate: ['globals'],
      allowEmpty: true,
      compression: 'default',
      ...{ format: 'plain', jobs: undefined },
      ...EVERYTHING,
    };
    const { machine } = this;
    return save({
      name: options.name,
      kind: kind(),
      read: (input) => readPostgres(options, machine, input),
    });
  }

  private session(tools: Tools): Session {
    const { signal } = this.input;
    return new Session({ ...this.place(tools), signal, failure: 'COMMAND_FAILED' });
  }

  private async look(
    tools: Tools,
    restored: readonly DumpObject[],
    sameMajor: boolean,
  ): Promise<Problem[]> {
    const { parts, checks, signal } = this.input;
    const differences: Problem[] = [];
    {
      await using session = this.session(tools);
      if (parts.length > 0) differences.push(...(await this.compareRows(session, restored)));
      else differences.push(...(await compareFacts(this.backup, session, { sameMajor })).problems);
    }
    const asked = await runChecks(checks, { ...this.place(tools), signal });
    return [...differences, ...failedChecks(asked)];
  }

  private async compareRows(session: Session, restored: readonly DumpObject[]): Promise<Problem[]> {
    const tables = restored.filter(({ type }) => type === 'TABLE DATA').map(tableName);
    if (tables.length === 0) return [];
    const found = await countRows(session, { ...EVERYTHING, tables });
    const { rows } = factsOf(this.backup);
    return tables
      .filter((name) => found[name] !== rows[name])
      .map((name) => ({
        path: name,
        code: 'rows',
        detail: `expected ${rows[name] ?? 'no'} rows, found ${found[name] ?? 'none'}`,
      }));
  }
}

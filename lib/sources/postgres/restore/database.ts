// Restores a dump to a database in use: checked whole before a program sees a byte of it, in one transaction unless it is in the
// directory format, and compared afterwards.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type {
  OpenBackup,
  RestoredToService,
  RestoreToService,
  RestoreToServiceInput,
  SourceKind,
} from '../../source.ts';
import { factsOf } from '../proof/compare-facts.ts';
import { readConnection } from '../server/connect.ts';
import type { Connection } from '../server/connection.ts';
import type { Definition, Relation } from '../dump/definitions.ts';
import { DirectoryText, extractDump } from '../dump/directory.ts';
import { isDirectory, titleOf } from '../dump/objects.ts';
import { dumpText, type StoredText } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { assertNobodyHolds, assertNothingDepends, dropTables, refuseTables } from './hindrances.ts';
import { LOCK_SECONDS, MAKE_ROOM } from './make-room.ts';
import { openKept } from '../server/pooler.ts';
import { proveDump } from '../proof/prove.ts';
import {
  assertHas,
  assertMay,
  orHowToCreate,
  otherThere,
  rolesToMake,
  toolsFor,
  type Requirements,
} from './requirements.ts';
import { compareRestored, type Restored } from './compare-restored.ts';
import { assertTaken, NO_CHANGE, propertyChange, type PropertyChange } from './properties.ts';
import { filledAnew, refreshSql } from './session-settings.ts';
import { loadByJobs, loadFromText, type Loading } from './load-backup.ts';
import {
  isKept,
  isOfPrivileges,
  lackingParents,
  leftByChoice,
  piecesOf,
  readContents,
  rolesIn,
  tablesInto,
  tablespacesIn,
  type Contents,
  type Kept,
} from './plan.ts';
import { safetySource } from './safety-source.ts';
import { literal, DatabaseSession } from '../server/session.ts';
import { Spool } from '../dump/spool.ts';
import { keyOf, type TableParts } from './table-objects.ts';
import { createRoles, readKept, readOccupancy, type Occupancy } from './target.ts';
import { machineFor, type Machine, type Tools } from '../server/tools.ts';
import { assertOneWillDo } from '../dump/transactions.ts';
import { unknownSettings } from '../dump/unknown-settings.ts';

/** Restoring backups of databases to databases. */
export function databaseService(machine: Machine, kind: () => SourceKind): RestoreToService {
  return {
    label: (target, targetFrom) => readConnection(target, targetFrom, machine).label,
    restore: (backup, input) =>
      new DatabaseRestore(machineFor(machine, backup.manifest.source), backup, {
        ...input,
        kind,
      }).run(),
  };
}

type Input = RestoreToServiceInput & { readonly kind: () => SourceKind };

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
    this.connection = readConnection(input.target, input.targetFrom, machine);
  }

  async run(): Promise<RestoredToService> {
    const { backup, input } = this;
    await this.assertWhole();
    const tools = await toolsFor(this.machine, backup);
    using spool = this.spool();
    const dump = spool && (await extractDump(backup, spool.folder, input));
    using directory = dump === undefined ? undefined : this.text(dump, tools);
    const text: StoredText = (range) =>
      directory?.read(range) ?? dumpText(backup, { ...input, range });
    const unknown = await this.unknownThere(tools, text);
    // What pg_restore itself sets, nothing can leave out.
    const byJobs = this.byJobs && unknown.size === 0;
    const contents = await readContents(backup, input.parts, byJobs ? undefined : text);
    const described =
      contents.definitions === undefined ? await directory?.definitions() : undefined;
    const ready = await this.makeReady(tools, contents, described ?? []);
    const load = { ...this.place(tools), failure: 'COMMAND_FAILED' } as const;
    if (input.dryRun !== true) {
      const target = { load, backup, input };
      if (dump !== undefined && byJobs) await loadByJobs(target, dump, ready);
      else await loadFromText(target, ready, { text, unknown });
    }
    return {
      entries: ready.objects.length,
      bytes: ready.objects.reduce((sum, { bytes }) => sum + bytes, 0),
      differences: input.dryRun === true ? [] : await this.look(tools, ready, text),
      notes: this.notes,
      saved: ready.saved,
      facts: {
        parts: [...input.parts],
        left: leftByChoice(input),
        replaced: ready.replaces,
        transactions: byJobs || input.apart === true ? 'several' : 'one',
      },
    };
  }

  private get owners(): boolean {
    return this.input.owners !== false;
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

  private async unknownThere(tools: Tools, text: StoredText): Promise<ReadonlySet<string>> {
    const { signal, targetFrom } = this.input;
    const kept = { ...this.place(tools), signal, failure: 'COMMAND_FAILED' } as const;
    try {
      await using session = await openKept(kept, targetFrom);
      return await unknownSettings(this.backup, session, text);
    } catch (error) {
      throw orHowToCreate(error, factsOf(this.backup), this.connection.database);
    }
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

  /** `described` says of a directory what its definitions are, without their places in its text. */
  private async makeReady(
    tools: Tools,
    contents: Contents,
    described: readonly Definition[],
  ): Promise<Ready> {
    const facts = factsOf(this.backup);
    await using session = this.session(tools);
    const found = await readOccupancy(session);
    this.assertOpen(found);
    const { parts } = contents;
    const kept = await readKept(session, parts ? [...parts.tables, ...parts.parents] : []);
    const inTheWay = await this.inTheWay(session, found, parts);
    if (inTheWay.length > 0 && !this.input.replace) this.refuse(inTheWay, found);
    const requirements = { session, label: this.connection.label, owners: this.owners };
    const definitions = this.definitionsInto(contents, kept);
    const needed = definitions ?? described.filter((one) => this.isWanted(one, kept));
    await this.assertTakes(requirements, needed, lackingParents(parts, kept), tools);
    await this.assertTransaction(session, parts);
    const roles = await this.roles(requirements, needed);
    const change = await this.properties(session, tools, createRoles(roles));
    const there = parts?.tables.filter((one) => kept.tables.has(keyOf(one))) ?? [];
    const { saved, room } =
      inTheWay.length === 0 ? NOTHING_THERE : await this.clear(session, parts && there);
    this.notes.push(...(await this.otherThere(session, found)));
    const all = definitions?.map(({ object }) => object) ?? contents.objects;
    const isLeftOut = (one: DumpObject) =>
      !this.isGiven(one) || (parts === undefined && isKept(one, kept));
    const pieces =
      definitions && piecesOf(definitions, { owners: this.owners, settings: parts !== undefined });
    const objects = all.filter((one) => !isLeftOut(one));
    return {
      before: `${room}${createRoles(roles)}`,
      change,
      again: change.loses ? refreshSql(objects) : '',
      saved,
      replaces: inTheWay.length > 0,
      parts,
      properties: change.properties,
      ...(definitions !== undefined && { definitions }),
      ...(pieces !== undefined && { pieces }),
      objects,
      leftOut: new Set(
        all
          .filter(isLeftOut)
          .map(({ type, schema, name, owner }) => `${type} ${schema} ${name} ${owner}`),
      ),
      sameMajor: found.serverMajor === Number.parseInt(facts.serverVersion, 10),
    };
  }

  /** All of it in one transaction must be possible, unless several are asked for. */
  private async assertTransaction(
    session: DatabaseSession,
    parts: TableParts | undefined,
  ): Promise<void> {
    const { apart = false, tested } = this.input;
    if (parts !== undefined || this.byJobs || apart) return;
    const { label } = this.connection;
    const { manifest } = this.backup;
    this.notes.push(...(await assertOneWillDo({ manifest, tested, session, label })));
  }

  /** Saves what is in the way, once nobody holds it and nothing depends on it; gives the SQL that takes it away. */
  private async clear(
    session: DatabaseSession,
    tables: readonly Relation[] | undefined,
  ): Promise<{ saved: string | undefined; room: string }> {
    const { label } = this.connection;
    this.assertReplaceable();
    await assertNobodyHolds(session, label, tables ?? []);
    if (tables !== undefined) await assertNothingDepends(session, label, tables);
    const saved = this.input.dryRun === true ? undefined : await this.save();
    return { saved, room: roomFor(tables) };
  }

  /** Looks, before anything is changed, whether the server has what is needed, and whether the role may make it. */
  private async assertTakes(
    requirements: Requirements,
    definitions: readonly Definition[],
    inherited: readonly Relation[],
    tools: Tools,
  ): Promise<void> {
    await using trial = this.session(tools);
    const tablespaces = tablespacesIn(definitions);
    await assertHas(requirements, { definitions, tablespaces, trial }, inherited);
    await assertMay(requirements, definitions);
  }

  /** Privileges are given unless they are not wanted. */
  private isGiven({ type }: DumpObject): boolean {
    return this.input.privileges !== false || !isOfPrivileges(type);
  }

  private isWanted({ object }: Definition, kept: Kept): boolean {
    return this.isGiven(object) && !isKept(object, kept);
  }

  /** What of the definitions the target takes; what it cannot take of tables is noted. */
  private definitionsInto({ definitions, parts }: Contents, kept: Kept): Definition[] | undefined {
    if (parts === undefined) return definitions?.filter((one) => this.isWanted(one, kept));
    const fitting = tablesInto(parts, kept).filter(({ object }) => this.isGiven(object));
    const left = parts.definitions.filter(
      (one) => !fitting.includes(one) && this.isGiven(one.object),
    );
    for (const { object, parent } of left) {
      const detail =
        object.type === 'PUBLICATION TABLE'
          ? 'the target has no such publication'
          : `the target has no ${parent?.schema ?? ''}.${parent?.name ?? ''}, so it is a table of its own there`;
      this.notes.push({ path: titleOf(object), code: 'left-out', detail });
    }
    return fitting;
  }

  /** The roles that have to be made; refused unless that is wanted. */
  private async roles(
    requirements: Requirements,
    definitions: readonly Definition[],
  ): Promise<readonly string[]> {
    const { roles } = factsOf(this.backup);
    const { parts, privileges = true } = this.input;
    const all = this.owners && privileges && parts.length === 0;
    const needed = all ? roles : rolesIn(definitions, roles, this.owners);
    const missing = await rolesToMake(requirements, needed, this.input.prepare);
    if (missing.length > 0) {
      const detail = `${missing.join(', ')}: made without passwords, attributes and memberships; globals.sql has these`;
      this.notes.push({ path: 'roles', code: 'created', detail, tolerated: true });
    }
    return missing;
  }

  /** What the database itself gets, once the server would take it after some SQL. */
  private async properties(
    session: DatabaseSession,
    tools: Tools,
    before: string,
  ): Promise<PropertyChange> {
    const { parts, properties: wanted = true, privileges = true, signal } = this.input;
    if (!wanted || parts.length > 0) return NO_CHANGE;
    const choice = { owners: this.owners, privileges };
    const change = await propertyChange(this.backup, session, choice);
    if (change.properties.length === 0) return change;
    const load = { ...this.place(tools), failure: 'TARGET_REFUSED' } as const;
    await assertTaken(load, `${before}${change.sql}`, signal);
    return change;
  }

  /** What the restore would meet: anything, or the tables that are wanted. */
  private async inTheWay(
    session: DatabaseSession,
    found: Occupancy,
    parts: TableParts | undefined,
  ): Promise<readonly string[]> {
    if (parts === undefined) return found.count > 0 ? found.objects : [];
    const pairs = parts.tables.map(({ schema, name }) => `(${literal(schema)},${literal(name)})`);
    return session.json<string[]>(
      `SELECT coalesce(json_agg(n.nspname || '.' || c.relname ORDER BY 1), '[]') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname, c.relname) IN (${pairs.join(',')})`,
    );
  }

  private otherThere(session: DatabaseSession, { serverMajor }: Occupancy): Promise<Problem[]> {
    const { database } = this.connection;
    return otherThere(session, factsOf(this.backup), { database, serverMajor });
  }

  private assertOpen({ closed: why }: Occupancy): void {
    if (why === null) return;
    throw new HoldfastError(
      'TARGET_REFUSED',
      `the database ${this.connection.label} takes no writes: ${why}`,
      {
        hint: 'Name the primary server (target_session_attrs=read-write finds it among several hosts), or ALTER ROLE or DATABASE … RESET default_transaction_read_only.',
      },
    );
  }

  private refuse(inTheWay: readonly string[], { count }: Occupancy): never {
    if (this.input.parts.length > 0) refuseTables(inTheWay, this.connection.label);
    const more = count > inTheWay.length ? ', …' : '';
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

  private save(): Promise<string> {
    const { target, targetFrom, kind, save } = this.input;
    const { source } = this.backup.manifest;
    return save(safetySource({ name: source, target, targetFrom, kind: kind() }, this.machine));
  }

  private session(tools: Tools): DatabaseSession {
    const { signal } = this.input;
    return new DatabaseSession({ ...this.place(tools), signal, failure: 'COMMAND_FAILED' });
  }

  private async look(tools: Tools, ready: Ready, text: StoredText): Promise<readonly Problem[]> {
    await using session = this.session(tools);
    const place = { ...this.place(tools), session, text };
    const found = await compareRestored(this.backup, ready, { ...this.input, ...place });
    this.notes.push(...found.notes, ...(await filledAnew(ready, session)));
    return found.differences;
  }
}

/** What is known of a target, and what is loaded there. */
interface Ready extends Loading, Restored {
  readonly replaces: boolean;
  readonly objects: readonly DumpObject[];
}

const NOTHING_THERE = { saved: undefined, room: '' };

function roomFor(tables: readonly Relation[] | undefined): string {
  if (tables === undefined) return MAKE_ROOM;
  return `SET LOCAL lock_timeout = '${LOCK_SECONDS}s';\n${dropTables(tables)};\nSET LOCAL lock_timeout = 0;\n`;
}

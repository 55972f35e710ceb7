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
import type { Definition, Relation } from './definitions.ts';
import { DirectoryText, extractDump } from './directory.ts';
import { isDirectory, titleOf } from './dump-index.ts';
import { dumpText, type StoredText } from './dump-reader.ts';
import type { DumpObject } from './dump-text.ts';
import { assertNobodyHolds, assertNothingDepends, dropTables } from './hindrances.ts';
import { LOCK_SECONDS, MAKE_ROOM } from './make-room.ts';
import { differingProperties, readProperties, type Property } from './properties.ts';
import { proveDump } from './prove.ts';
import { assertHas, otherThere, rolesToMake, toolsFor, type Requirements } from './requirements.ts';
import { assertTaken, propertyChange, type PropertyChange } from './restore-properties.ts';
import { readPostgres, type PostgresOptions } from './read.ts';
import { loadByJobs, loadFromText, type Loading } from './restore-load.ts';
import {
  isKept,
  piecesOf,
  readContents,
  rolesIn,
  tablesInto,
  type Contents,
  type Kept,
} from './restore-plan.ts';
import { EVERYTHING } from './selection.ts';
import { literal, Session } from './session.ts';
import { Spool } from './spool.ts';
import { absentBeside, compareTables } from './table-compare.ts';
import { keyOf, type TableParts } from './table-objects.ts';
import { createRoles, readKept, readOccupancy, type Occupancy } from './target.ts';
import { machineFor, type Machine, type Tools } from './tools.ts';
import { assertOneWillDo } from './transactions.ts';
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
    const ready = await this.makeReady(tools, contents);
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

  private async makeReady(tools: Tools, contents: Contents): Promise<Ready> {
    const facts = factsOf(this.backup);
    await using session = this.session(tools);
    const found = await readOccupancy(session);
    const { parts } = contents;
    const kept = await readKept(session, parts ? [...parts.tables, ...parts.parents] : []);
    const inTheWay = await this.inTheWay(session, found, parts);
    if (inTheWay.length > 0 && !this.input.replace) this.refuse(inTheWay, found);
    const requirements = { session, label: this.connection.label, owners: this.owners };
    await assertHas(requirements, contents, kept);
    await this.assertTransaction(session, parts);
    const definitions = this.definitionsInto(contents, kept);
    const roles = await this.roles(requirements, definitions);
    const { properties, reset } = await this.properties(session);
    const after = [reset, ...properties.map(({ sql }) => `${sql}\n`)].join('');
    if (properties.length > 0) {
      const load = { ...this.place(tools), failure: 'TARGET_REFUSED' } as const;
      await assertTaken(load, `${createRoles(roles)}${after}`, this.input.signal);
    }
    const there = parts?.tables.filter((one) => kept.tables.has(keyOf(one))) ?? [];
    const { saved, room } =
      inTheWay.length === 0 ? NOTHING_THERE : await this.clear(session, parts && there);
    this.notes.push(...(await otherThere(session, facts, found.serverMajor)));
    const all = definitions?.map(({ object }) => object) ?? contents.objects;
    const isLeftOut = (one: DumpObject) => parts === undefined && isKept(one, kept);
    const pieces =
      definitions && piecesOf(definitions, { owners: this.owners, settings: parts !== undefined });
    return {
      before: `${room}${createRoles(roles)}`,
      after,
      saved,
      replaces: inTheWay.length > 0,
      parts,
      properties,
      ...(definitions !== undefined && { definitions }),
      ...(pieces !== undefined && { pieces }),
      objects: all.filter((one) => !isLeftOut(one)),
      leftOut: new Set(
        all
          .filter(isLeftOut)
          .map(({ type, schema, name, owner }) => `${type} ${schema} ${name} ${owner}`),
      ),
      sameMajor: found.serverMajor === Number.parseInt(facts.serverVersion, 10),
    };
  }

  /** All of it in one transaction must be possible, unless several are asked for. */
  private async assertTransaction(session: Session, parts: TableParts | undefined): Promise<void> {
    const { apart = false, tested } = this.input;
    if (parts !== undefined || this.byJobs || apart) return;
    const { label } = this.connection;
    const { manifest } = this.backup;
    this.notes.push(...(await assertOneWillDo({ manifest, tested, session, label })));
  }

  /** Saves what is in the way, once nobody holds it and nothing depends on it; gives the SQL that takes it away. */
  private async clear(
    session: Session,
    tables: readonly Relation[] | undefined,
  ): Promise<{ saved: string | undefined; room: string }> {
    const { label } = this.connection;
    this.assertReplaceable();
    await assertNobodyHolds(session, label, tables ?? []);
    if (tables !== undefined) await assertNothingDepends(session, label, tables);
    const saved = this.input.dryRun === true ? undefined : await this.save();
    return { saved, room: roomFor(tables) };
  }

  /** What of the definitions the target takes; what it cannot take of tables is noted. */
  private definitionsInto({ definitions, parts }: Contents, kept: Kept): Definition[] | undefined {
    if (parts === undefined) return definitions?.filter(({ object }) => !isKept(object, kept));
    const fitting = tablesInto(parts, kept);
    const left = parts.definitions.filter((one) => !fitting.includes(one));
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
    definitions: readonly Definition[] | undefined,
  ): Promise<readonly string[]> {
    const { roles } = factsOf(this.backup);
    const all = definitions === undefined || (this.owners && this.input.parts.length === 0);
    const needed = all ? roles : rolesIn(definitions, roles, this.owners);
    const missing = await rolesToMake(requirements, needed, this.input.prepare);
    if (missing.length > 0) {
      const detail = `${missing.join(', ')}: made without passwords, attributes and memberships; globals.sql has these`;
      this.notes.push({ path: 'roles', code: 'created', detail });
    }
    return missing;
  }

  private properties(session: Session): Promise<PropertyChange> {
    const { parts, properties: wanted = true } = this.input;
    if (!wanted || parts.length > 0) return Promise.resolve({ properties: [], reset: '' });
    return propertyChange(this.backup, session, this.owners);
  }

  /** What the restore would meet: anything, or the tables that are wanted. */
  private async inTheWay(
    session: Session,
    found: Occupancy,
    parts: TableParts | undefined,
  ): Promise<readonly string[]> {
    if (parts === undefined) return found.count > 0 ? found.objects : [];
    const pairs = parts.tables.map(({ schema, name }) => `(${literal(schema)},${literal(name)})`);
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

  private async look(tools: Tools, ready: Ready, text: StoredText): Promise<Problem[]> {
    const { checks, signal } = this.input;
    await using session = this.session(tools);
    const { parts, definitions = [] } = ready;
    const differences = parts
      ? await this.lookAtTables(
          { ...this.place(tools), session, text, tables: parts.tables },
          definitions,
        )
      : await this.lookAtAll(session, ready);
    const asked = await runChecks(checks, { ...this.place(tools), signal });
    return [...differences, ...failedChecks(asked)];
  }

  private async lookAtTables(
    place: Omit<Parameters<typeof compareTables>[2], 'owners' | 'signal'> & { session: Session },
    definitions: readonly Definition[],
  ): Promise<Problem[]> {
    const { signal } = this.input;
    const options = { ...place, owners: this.owners, signal };
    const { differences, notes } = await compareTables(this.backup, definitions, options);
    this.notes.push(...notes);
    return [...differences, ...(await absentBeside(place.session, definitions))];
  }

  private async lookAtAll(session: Session, { properties, sameMajor }: Ready): Promise<Problem[]> {
    const { problems } = await compareFacts(this.backup, session, { sameMajor });
    // Privileges are counted by who is no owner.
    const facts = problems.filter(
      ({ path }) => this.owners || !path.startsWith('number of grants'),
    );
    if (properties.length === 0) return facts;
    const kinds = new Set(properties.map(({ kind }) => kind));
    const found = (await readProperties(session)).filter(({ kind }) => kinds.has(kind));
    const detail = 'the database has another than the one that was backed up';
    const others = differingProperties(properties, found).map((path) => ({
      path,
      code: 'property',
      detail,
    }));
    return [...facts, ...others];
  }
}

/** What is known of a target, and what is loaded there. */
interface Ready extends Loading {
  readonly replaces: boolean;
  readonly parts: TableParts | undefined;
  readonly properties: readonly Property[];
  readonly definitions?: readonly Definition[];
  readonly objects: readonly DumpObject[];
  readonly sameMajor: boolean;
}

const NOTHING_THERE = { saved: undefined, room: '' };

function roomFor(tables: readonly Relation[] | undefined): string {
  if (tables === undefined) return MAKE_ROOM;
  return `SET LOCAL lock_timeout = '${LOCK_SECONDS}s';\n${dropTables(tables)};\nSET LOCAL lock_timeout = 0;\n`;
}

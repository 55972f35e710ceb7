// The database that a dump is tried out in, made like the one that was backed up: its encoding and locale, its tablespaces, the settings
// under which it was dumped. What the machine lacks for that is told.
import type { DatabaseFacts } from '../../../format/manifest.ts';
import type { CompareInput } from './compare-facts.ts';
import { runLeniently, type LoadInput } from '../restore/load.ts';
import { createDatabase, localeOf, type Locale } from '../server/locale.ts';
import type { ScratchServer } from '../server/scratch.ts';
import { identifier, literal, DatabaseSession } from '../server/session.ts';
import { surroundingsOf } from '../dump/surroundings.ts';
import type { Machine, Tools } from '../server/tools.ts';

/** Something that the machine does not have, and what follows from it. */
export interface Lack {
  readonly what: string;
  readonly detail: string;
  /** The setting that the server refuses. */
  readonly setting?: string;
}

export interface ScratchDatabaseInput {
  readonly machine: Machine;
  readonly server: ScratchServer;
  readonly tools: Tools;
  readonly facts: DatabaseFacts;
  readonly signal: AbortSignal | undefined;
}

const NAME = 'holdfast_restored';
export const SCRATCH_DATABASE = NAME;
const INSTALL =
  'install it (apt-get install locales-all, or localedef) where restore tests run, to have them prove it';

/** A scratch database, made again as often as it is needed. */
export class ScratchDatabase {
  private readonly input: ScratchDatabaseInput;
  /** What the machine lacks, known once the database was made. */
  readonly lacks: Lack[] = [];
  private settings: Record<string, string> = {};
  private locale: Locale | undefined;

  private constructor(input: ScratchDatabaseInput) {
    this.input = input;
  }

  /** Makes it, with the tablespaces that it needs. */
  static async create(input: ScratchDatabaseInput): Promise<ScratchDatabase> {
    const database = new ScratchDatabase(input);
    const { tablespaces, session } = surroundingsOf(input.facts.settings);
    await using server = database.serverSession();
    for (const [i, name] of tablespaces.entries()) {
      const folder = input.server.makeFolder(`tablespace-${i}`);
      await server.ask(`CREATE TABLESPACE ${identifier(name)} LOCATION ${literal(folder)}`);
    }
    database.settings = await database.takenSettings(session);
    await database.make(server);
    return database;
  }

  /** Where it is, for programs of a client. */
  at(tools: Tools): CompareInput {
    const { machine, server } = this.input;
    const connection = server.connection(NAME, this.settings);
    return { machine, tools, connection, confinement: server.confinement };
  }

  /** Makes it again, without anything in it. */
  async renew(): Promise<void> {
    await this.dropSubscriptions();
    await using session = this.serverSession();
    await session.ask(`DROP DATABASE IF EXISTS ${NAME} WITH (FORCE)`);
    await this.make(session);
  }

  /** A database that subscribes to something cannot be dropped. Nobody is connected to for it, and no slot is dropped. */
  private async dropSubscriptions(): Promise<void> {
    const { signal, tools } = this.input;
    const place = { ...this.at(tools), signal, failure: 'COMMAND_FAILED' } as const;
    await using session = new DatabaseSession(place);
    const names = await session.json<string[]>(
      "SELECT coalesce(json_agg(subname), '[]') FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    for (const name of names.map(identifier)) {
      await session.ask(`ALTER SUBSCRIPTION ${name} DISABLE`);
      await session.ask(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
      await session.ask(`DROP SUBSCRIPTION ${name}`);
    }
  }

  private serverSession(): DatabaseSession {
    const { signal } = this.input;
    return new DatabaseSession({ ...this.maintenance(), signal });
  }

  private maintenance(): LoadInput {
    const { machine, server, tools } = this.input;
    const connection = server.connection('postgres');
    return {
      ...{ machine, tools, connection, confinement: server.confinement },
      failure: 'COMMAND_FAILED',
    };
  }

  /** Those settings that this server takes; what it refuses is lacking here. */
  private async takenSettings(
    wanted: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> {
    const taken: Record<string, string> = {};
    for (const [name, value] of Object.entries(wanted)) {
      const refused = await this.refused(`SET ${identifier(name)} = ${literal(value)};\n`);
      if (refused === undefined) taken[name] = value;
      else
        this.lacks.push({
          what: `${name} ${value}`,
          detail: `the dump was made with it, and this server refuses it: ${refused}; ${INSTALL}`,
          setting: name,
        });
    }
    return taken;
  }

  /** With the locale of the original where this machine has it. */
  private async make(session: DatabaseSession): Promise<void> {
    const major = this.input.tools.major;
    if (this.locale !== undefined) {
      await session.ask(createDatabase(NAME, this.locale, major));
      return;
    }
    const wanted = localeOf(this.input.facts.settings);
    for (const locale of alternatives(wanted)) {
      const refused = await this.refused(`${createDatabase(NAME, locale, major)};\n`);
      if (refused !== undefined) continue;
      this.locale = locale;
      this.compareLocales(wanted, locale);
      return;
    }
    this.locale = { ...PLAIN, encoding: wanted.encoding };
    this.compareLocales(wanted, this.locale);
    await session.ask(createDatabase(NAME, this.locale, major));
  }

  private compareLocales(wanted: Locale, made: Locale): void {
    if (wanted.provider !== made.provider) {
      const name = wanted.provider === 'i' ? `${wanted.locale} of ICU` : wanted.locale;
      this.lack(
        `locale ${name}`,
        `the database has it, this server does not: ${SORTS}; ${INSTALL}`,
      );
      return;
    }
    const missing = [...new Set([wanted.collate, wanted.ctype])].filter(
      (name) => name !== made.collate && name !== made.ctype,
    );
    // What ICU sorts, it sorts without these; that they classify characters is little.
    if (missing.length === 0 || wanted.provider !== 'c') return;
    const detail = `this machine does not have it: ${SORTS}; ${INSTALL}`;
    this.lack(`locale ${missing.join(' and ')}`, detail);
  }

  private lack(what: string, detail: string): void {
    if (!this.lacks.some((one) => one.what === what)) this.lacks.push({ what, detail });
  }

  /** Why the server does not take a statement; undefined when it does. */
  private async refused(sql: string): Promise<string | undefined> {
    const [said] = await runLeniently(this.maintenance(), sql, this.input.signal);
    return said;
  }
}

const SORTS =
  'the restored database sorts by C, so what depends on the order of text was not tried';

const PLAIN: Locale = {
  ...{ encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'c', locale: '', rules: '' },
};

/** What a database may have instead, the nearest first. */
function alternatives(wanted: Locale): Locale[] {
  const plain = { collate: 'C', ctype: 'C' };
  return [
    wanted,
    { ...wanted, ...plain },
    { ...wanted, ...plain, provider: 'c', locale: '', rules: '' },
  ];
}

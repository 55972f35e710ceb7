// What a dump depends on besides its database: of the server, and of the session that wrote it. Recorded among the settings of a
// database, under names with a dot, so that a scratch server can be made alike.
import type { Connection } from '../server/connection.ts';
import type { DatabaseSession } from '../server/session.ts';

/** What of a server and a session a dump was made under. */
export interface Surroundings {
  /** The role that the server was made with; undefined where it was not recorded. */
  readonly superuser: string | undefined;
  /** Whether the server was a standby, of whose unlogged tables nobody can read the rows. */
  readonly standby: boolean;
  /** Those that objects of the database lie in, besides the server's own. */
  readonly tablespaces: readonly string[];
  /** The settings of the session that `pg_dump` leaves as they are and that change what it prints. */
  readonly session: Readonly<Record<string, string>>;
}

/**
 * Settings that change what `pg_dump` prints, that it does not set itself, and that no variable of libpq sets. Found by going through
 * all that `pg_settings` lists.
 */
const SESSION = [
  ...['bytea_output', 'lc_monetary', 'quote_all_identifiers', 'standard_conforming_strings'],
  // Pinned below, and recorded: where something stands between that takes no notice, it is seen.
  ...['DateStyle', 'TimeZone'],
];
const PINNED = { PGTZ: 'UTC', PGDATESTYLE: 'ISO' };

/** A connection whose sessions print times alike, whatever is set on the server; by variables that poolers pass on. */
export function pinned(connection: Connection): Connection {
  return { ...connection, env: { ...connection.env, ...PINNED } };
}

/** Reads the surroundings, as entries to be recorded. */
export async function readSurroundings(session: DatabaseSession): Promise<Record<string, string>> {
  const names = SESSION.map((name) => `'${name}'`).join(', ');
  return session.json(
    `SELECT json_object_agg(name, value ORDER BY name) FROM (
       SELECT 'session.' || name AS name, current_setting(name) AS value FROM pg_settings WHERE name IN (${names})
       UNION ALL SELECT 'server.superuser', rolname FROM pg_roles WHERE oid = 10
       UNION ALL SELECT 'server.database', current_database()
       UNION ALL SELECT 'server.standby', 'on' WHERE pg_is_in_recovery()
       UNION ALL SELECT DISTINCT 'tablespace.' || t.spcname, 'used' FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
         WHERE t.spcname NOT IN ('pg_default', 'pg_global')) found`,
  );
}

/** The name that a database had when it was backed up; undefined where that was not recorded. */
export function nameOf(settings: Readonly<Record<string, string>>): string | undefined {
  return settings['server.database'];
}

/** Whether a recorded setting is one of these, and none of the database. */
export function isOfSurroundings(name: string): boolean {
  return name.includes('.');
}

/** The surroundings among recorded settings. */
export function surroundingsOf(settings: Readonly<Record<string, string>>): Surroundings {
  const below = (prefix: string) =>
    Object.entries(settings)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value] as const);
  return {
    superuser: settings['server.superuser'],
    standby: settings['server.standby'] === 'on',
    tablespaces: below('tablespace.').map(([name]) => name),
    session: Object.fromEntries(below('session.')),
  };
}

// The database that a restore goes to: what it holds already, which roles its server lacks, and the SQL that makes room.
import { identifier, literal, type Session } from './session.ts';

/** What a database holds that is neither the system's nor an extension's. */
export interface Occupancy {
  readonly serverMajor: number;
  readonly role: string;
  /** Some of it, for people. */
  readonly objects: readonly string[];
  readonly count: number;
}

const OWN = (catalog: string, oid: string) =>
  `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

/** Looks at what a restore would meet. */
export async function readOccupancy(session: Session): Promise<Occupancy> {
  return session.json<Occupancy>(
    `WITH found AS (
       SELECT 'the table or sequence ' || n.nspname || '.' || c.relname AS what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','S','f') AND ${OWN('pg_class', 'c.oid')}
       UNION ALL SELECT 'the function ' || n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN('pg_proc', 'p.oid')}
       UNION ALL SELECT 'the type ' || n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e','d','r') AND ${OWN('pg_type', 't.oid')}
       UNION ALL SELECT 'the schema ' || n.nspname FROM pg_namespace n WHERE n.nspname <> 'public' AND ${OWN('pg_namespace', 'n.oid')}
       UNION ALL SELECT 'the large object ' || oid FROM pg_largeobject_metadata)
     SELECT json_build_object('serverMajor', current_setting('server_version_num')::int / 10000, 'role', current_user,
       'count', (SELECT count(*) FROM found), 'objects', (SELECT coalesce(json_agg(what), '[]') FROM (SELECT what FROM found ORDER BY what LIMIT 3) first))`,
  );
}

/** Roles that a dump names and a server does not have. */
export async function missingRoles(
  session: Session,
  roles: readonly string[],
): Promise<readonly string[]> {
  return session.json(
    `SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY[${roles.map(literal).join(',')}]::text[]) name
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)`,
  );
}

/** Roles that own and are granted, and that nobody can log in as until somebody says so. */
export function createRoles(roles: readonly string[]): string {
  return roles.map((name) => `CREATE ROLE ${identifier(name)} NOLOGIN;\n`).join('');
}

/** Takes away everything that `readOccupancy` counts; extensions stay, as a dump creates only those that are missing. */
export const MAKE_ROOM = `SELECT pg_catalog.set_config('search_path', '', false);
DO $holdfast$
DECLARE one record;
BEGIN
  FOR one IN SELECT evtname FROM pg_event_trigger e WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP EVENT TRIGGER %I', one.evtname);
  END LOOP;
  FOR one IN SELECT pubname FROM pg_publication LOOP
    EXECUTE format('DROP PUBLICATION %I', one.pubname);
  END LOOP;
  FOR one IN SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r','p','v','m','f') AND ${OWN('pg_class', 'c.oid')} LOOP
    EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', CASE one.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, one.nspname, one.relname);
  END LOOP;
  FOR one IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND ${OWN('pg_class', 'c.oid')} LOOP
    EXECUTE format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', one.nspname, one.relname);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN('pg_proc', 'p.oid')} LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name);
  END LOOP;
  FOR one IN SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE (t.typtype IN ('e','d','r') OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))) AND ${OWN('pg_type', 't.oid')} LOOP
    EXECUTE format('DROP TYPE IF EXISTS %I.%I CASCADE', one.nspname, one.typname);
  END LOOP;
  FOR one IN SELECT n.nspname FROM pg_namespace n WHERE n.nspname <> 'public' AND ${OWN('pg_namespace', 'n.oid')} LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', one.nspname);
  END LOOP;
  PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
END $holdfast$;
`;

// SQL that takes away what a database holds, before a backup of it is restored there: every kind of object that the owner of a database may
// drop. Extensions stay, with the schemas that they are in, and so does the schema public.

/** SQL: what no extension owns. */
export function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;
}

/** SQL: schemas in which an extension or something of it is, as `pg_namespace n`. */
export const HOLDS_EXTENSION = `(EXISTS (SELECT FROM pg_extension e WHERE e.extnamespace = n.oid)
  OR EXISTS (SELECT FROM pg_depend m JOIN pg_depend d ON d.classid = m.classid AND d.objid = m.objid AND d.deptype = 'e' WHERE m.refclassid = 'pg_namespace'::regclass AND m.refobjid = n.oid))`;

const OWN = (catalog: string, oid: string) =>
  `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${notOfExtension(catalog, oid)}`;

/** The first oid that is not the server's own. */
const FIRST_OWN = 16384;

/** Catalogs whose objects are dropped by their identity, and more conditions. */
const BY_IDENTITY: readonly string[] = [
  'pg_cast',
  'pg_transform',
  'pg_opclass',
  'pg_opfamily',
  'pg_operator',
  'pg_conversion',
  'pg_collation',
  'pg_ts_config',
  'pg_ts_dict',
  'pg_ts_parser',
  'pg_ts_template',
  'pg_statistic_ext',
  'pg_foreign_server',
  'pg_foreign_data_wrapper',
  'pg_language',
  'pg_am',
];

const IDENTIFIED = BY_IDENTITY.map(
  (catalog) =>
    `SELECT '${catalog}'::regclass::oid AS classid, x.oid AS objid FROM ${catalog} x WHERE x.oid >= ${FIRST_OWN} AND ${notOfExtension(catalog, 'x.oid')}`,
).join(' UNION ALL ');

/** Seconds that a statement waits for a lock that somebody else has, before the restore is given up. */
export const LOCK_SECONDS = 10;

export const MAKE_ROOM = `SELECT pg_catalog.set_config('search_path', '', false);
SET LOCAL lock_timeout = '${LOCK_SECONDS}s';
DO $holdfast$
DECLARE one record; kind text; what text;
BEGIN
  FOR one IN SELECT evtname FROM pg_event_trigger e WHERE ${notOfExtension('pg_event_trigger', 'e.oid')} LOOP
    EXECUTE format('DROP EVENT TRIGGER %I', one.evtname);
  END LOOP;
  FOR one IN SELECT pubname FROM pg_publication p WHERE ${notOfExtension('pg_publication', 'p.oid')} LOOP
    EXECUTE format('DROP PUBLICATION %I', one.pubname);
  END LOOP;
  FOR one IN SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) LOOP
    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', one.subname);
    EXECUTE format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', one.subname);
    EXECUTE format('DROP SUBSCRIPTION %I', one.subname);
  END LOOP;
  FOR one IN SELECT n.nspname, c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r','p','v','m','f') AND ${OWN('pg_class', 'c.oid')} LOOP
    EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', CASE one.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, one.nspname, one.relname);
  END LOOP;
  FOR one IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND ${OWN('pg_class', 'c.oid')} LOOP
    EXECUTE format('DROP SEQUENCE IF EXISTS %I.%I CASCADE', one.nspname, one.relname);
  END LOOP;
  FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN('pg_proc', 'p.oid')}
    -- Those of a range go with it.
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i') LOOP
    EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name);
  END LOOP;
  FOR one IN SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE (t.typtype IN ('e','d','r','p') OR (t.typtype = 'b' AND t.typcategory <> 'A')
      OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))) AND ${OWN('pg_type', 't.oid')} LOOP
    EXECUTE format('DROP TYPE IF EXISTS %I.%I CASCADE', one.nspname, one.typname);
  END LOOP;
  FOR one IN ${IDENTIFIED} LOOP
    SELECT i.type, i.identity INTO kind, what FROM pg_identify_object(one.classid, one.objid, 0) i;
    CONTINUE WHEN what IS NULL;
    kind := CASE kind WHEN 'statistics object' THEN 'statistics' WHEN 'foreign-data wrapper' THEN 'foreign data wrapper' ELSE kind END;
    IF kind = 'transform' THEN what := replace(what, ' on language ', ' language '); END IF;
    EXECUTE format('DROP %s IF EXISTS %s CASCADE', kind, what);
  END LOOP;
  FOR one IN SELECT n.nspname FROM pg_namespace n WHERE n.nspname <> 'public' AND ${OWN('pg_namespace', 'n.oid')} AND NOT ${HOLDS_EXTENSION} LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', one.nspname);
  END LOOP;
  -- Nothing drops default privileges: they go when they are what they are without.
  FOR one IN SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s', pg_get_userbyid(a.defaclrole), CASE a.defaclnamespace WHEN 0 THEN '' ELSE format(' IN SCHEMA %I', n.nspname) END) AS of,
      CASE a.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kinds,
      a.defaclacl AS acl, CASE a.defaclnamespace WHEN 0 THEN acldefault(CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole) END AS before
    FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace LOOP
    FOR what IN SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END FROM aclexplode(one.acl) x LOOP
      EXECUTE format('%s REVOKE ALL ON %s FROM %s', one.of, one.kinds, what);
    END LOOP;
    FOR kind, what IN SELECT x.privilege_type, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END FROM aclexplode(one.before) x LOOP
      EXECUTE format('%s GRANT %s ON %s TO %s', one.of, kind, one.kinds, what);
    END LOOP;
  END LOOP;
  -- The rows that a dump holds of an extension are those of its users.
  FOR one IN SELECT x.id::regclass AS name, x.condition FROM (SELECT unnest(extconfig) AS id, unnest(extcondition) AS condition FROM pg_extension) x
    JOIN pg_class c ON c.oid = x.id WHERE c.relkind = 'r' AND has_table_privilege(x.id, 'SELECT') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %s %s)::text', one.name, one.condition) INTO what;
    IF what = 'true' THEN EXECUTE format('DELETE FROM %s %s', one.name, one.condition); END IF;
  END LOOP;
  PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
END $holdfast$;
SET LOCAL lock_timeout = 0;
`;

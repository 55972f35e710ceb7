// What belongs to a database itself and to nothing in it, so that pg_dump leaves it out: its owner, the privileges on it, its settings and
// its comment. Kept as SQL of one statement a line, in which psql puts the name of the database it is connected to for :"DBNAME".
import { identifier, type DatabaseSession } from '../server/session.ts';

const KINDS = ['owner', 'privileges', 'limit', 'settings', 'comment'] as const;

/** One statement that gives a database one of its properties. */
export interface Property {
  readonly kind: (typeof KINDS)[number];
  /** What it is about, for people; a value is never part of it, as settings of applications hold secrets. */
  readonly title: string;
  readonly sql: string;
}

/** Whether a restore gives a property to a database, by what of it is wanted. */
export function isChosen(
  { kind, sql }: Property,
  { owners, privileges }: { readonly owners: boolean; readonly privileges: boolean },
): boolean {
  return (owners || kind !== 'owner') && (privileges || !/^(?:GRANT|REVOKE) /.test(sql));
}

interface Found {
  readonly owner: string;
  readonly limit: number;
  readonly comment: string | null;
  /** An empty name is PUBLIC. */
  readonly grants: readonly { to: string; privilege: string; grantable: boolean }[];
  /** An empty name is every role. */
  readonly settings: readonly { role: string; assignments: readonly string[] }[];
}

/** Settings that are lists of names; each of those is a word of its own. */
const LISTS: readonly string[] = [
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
];

/** The properties of the database of a session. Two databases have the same when these are equal, whatever their names. */
export async function readProperties(session: DatabaseSession): Promise<Property[]> {
  const found = await session.json<Found>(
    `SELECT json_build_object('owner', pg_get_userbyid(d.datdba), 'limit', d.datconnlimit, 'comment', shobj_description(d.oid, 'pg_database'),
       'grants', (SELECT coalesce(json_agg(json_build_object('to', CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END,
           'privilege', a.privilege_type, 'grantable', a.grantable) ORDER BY pg_get_userbyid(a.grantee) COLLATE "C", a.privilege_type, a.grantable), '[]')
         FROM (SELECT grantee, privilege_type, bool_or(is_grantable) AS grantable FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) GROUP BY 1, 2) a),
       'settings', (SELECT coalesce(json_agg(json_build_object('role', CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole) END, 'assignments', s.setconfig)
           ORDER BY s.setrole <> 0, pg_get_userbyid(s.setrole) COLLATE "C"), '[]') FROM pg_db_role_setting s WHERE s.setdatabase = d.oid))
     FROM pg_database d WHERE d.datname = current_database()`,
  );
  const { owner, limit, comment, grants, settings } = found;
  return [
    property('owner', 'owner', `ALTER DATABASE ${DATABASE} OWNER TO ${identifier(owner)};`),
    ...ofRole(owner, 'owner', grants),
    ...[...new Set(['', ...grants.map(({ to }) => to)])]
      .filter((role) => role !== owner)
      .flatMap((role) => ofRole(role, 'privileges', grants)),
    property('limit', 'connection limit', `ALTER DATABASE ${DATABASE} CONNECTION LIMIT ${limit};`),
    ...settings.flatMap(({ role, assignments }) =>
      [...assignments].sort().map((one) => setting(role, one)),
    ),
    ...(comment === null
      ? []
      : [
          property('comment', 'comment', `COMMENT ON DATABASE ${DATABASE} IS ${oneLine(comment)};`),
        ]),
  ];
}

const DATABASE = ':"DBNAME"';

function property(kind: Property['kind'], title: string, sql: string): Property {
  return { kind, title, sql };
}

function ofRole(role: string, kind: Property['kind'], grants: Found['grants']): Property[] {
  const name = role === '' ? 'PUBLIC' : identifier(role);
  const title = `privileges of ${role === '' ? 'PUBLIC' : role}`;
  const own = grants.filter(({ to }) => to === role);
  return [
    property(kind, title, `REVOKE ALL ON DATABASE ${DATABASE} FROM ${name};`),
    ...own.map(({ privilege, grantable }) => {
      const option = grantable && role !== '' && kind !== 'owner' ? ' WITH GRANT OPTION' : '';
      return property(
        kind,
        title,
        `GRANT ${privilege} ON DATABASE ${DATABASE} TO ${name}${option};`,
      );
    }),
  ];
}

function setting(role: string, assignment: string): Property {
  const at = assignment.indexOf('=');
  const [name, value] = [assignment.slice(0, at), assignment.slice(at + 1)];
  const words = LISTS.includes(name.toLowerCase()) ? namesIn(value) : [value];
  const list = words.length === 0 ? "''" : words.map(oneLine).join(', ');
  const of = role === '' ? 'ALTER DATABASE' : `ALTER ROLE ${identifier(role)} IN DATABASE`;
  const title = `setting ${name}${role === '' ? '' : ` of ${role}`}`;
  return property('settings', title, `${of} ${DATABASE} SET ${identifier(name)} TO ${list};`);
}

/** The names of a list as the server keeps it: quoted where they have to be, divided by commas. */
function namesIn(list: string): string[] {
  const names = [...list.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)];
  return names.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}

/** A string of SQL that takes one line, whatever is in it and however the session reads backslashes. */
function oneLine(text: string): string {
  if (!/[\\\n\r]/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "''")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
  return `E'${escaped}'`;
}

const HEAD =
  '-- What belongs to the database itself: to be read by psql, connected to the database that gets it, which :"DBNAME" means.\n';

/** The text in which properties are kept. */
export function printProperties(properties: readonly Property[]): string {
  const lines = properties.map(({ kind, title, sql }) => `-- ${kind}: ${flat(title)}\n${sql}\n`);
  return `${HEAD}${lines.join('')}`;
}

function flat(title: string): string {
  return title.replaceAll(/[\n\r]/g, ' ');
}

/** The properties that {@link printProperties} has printed. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = [];
  // A name may hold a newline, so a statement ends where the next one is announced.
  const parts = text.matchAll(/^-- (\w+): (.*)\n([^]*?)\n(?=-- \w+: |$(?![^]))/gm);
  for (const [, named, title = '', sql = ''] of parts) {
    const kind = KINDS.find((one) => one === named);
    if (kind !== undefined) properties.push({ kind, title, sql });
  }
  return properties;
}

/** SQL for psql: takes from the database of a session what it has been given besides, so that what follows is all that it has. */
export async function resetProperties(
  session: DatabaseSession,
  kinds: readonly Property['kind'][],
): Promise<string> {
  const found = await readProperties(session);
  const has = (kind: Property['kind']) => kinds.includes(kind);
  const granted = found.filter(
    ({ kind, sql }) => kind === 'privileges' && sql.startsWith('REVOKE'),
  );
  const roles = found.flatMap(({ kind, sql }) => {
    const [role] =
      kind === 'settings' ? (/^ALTER ROLE .* IN DATABASE :"DBNAME"/.exec(sql) ?? []) : [];
    return role === undefined ? [] : [`${role} RESET ALL;`];
  });
  return [
    ...(has('privileges') ? granted.map(({ sql }) => sql) : []),
    ...(has('settings') ? [`ALTER DATABASE ${DATABASE} RESET ALL;`, ...new Set(roles)] : []),
    ...(has('comment') ? [`COMMENT ON DATABASE ${DATABASE} IS NULL;`] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** The properties that a database lacks or has otherwise, by their titles. */
export function differingProperties(
  expected: readonly Property[],
  found: readonly Property[],
): string[] {
  const lines = (properties: readonly Property[]) => new Set(properties.map(({ sql }) => sql));
  const [one, other] = [lines(expected), lines(found)];
  const titles = [
    ...expected.filter(({ sql }) => !other.has(sql)),
    ...found.filter(({ sql }) => !one.has(sql)),
  ].map(({ title }) => title);
  return [...new Set(titles)];
}

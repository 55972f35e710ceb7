// The databases that `init` knows by name: how files speak of each, and what to do about those that Holdfast cannot back up.

export type EngineId =
  | 'postgres'
  | 'cockroach'
  | 'mysql'
  | 'mariadb'
  | 'mysql-or-mariadb'
  | 'sqlite'
  | 'mongodb'
  | 'dynamodb'
  | 'sqlserver'
  | 'oracle';

/** An engine as holdfast.yaml names it. */
export type OtherDatabase = Exclude<EngineId, 'mysql-or-mariadb'>;

export interface Engine {
  readonly id: EngineId;
  readonly title: string;
  /** What drivers, adapters, dialects, providers and schemes of URLs are called: the whole of a word, in lower case. */
  readonly words: RegExp;
  /** Images of containers, without tag and registry. */
  readonly images: RegExp;
  /** Libraries that speak to it alone: packages of npm, gems, and packages of Python. */
  readonly libraries: readonly string[];
  /** What to do where Holdfast cannot back it up: a sentence. Undefined for PostgreSQL. */
  readonly advice: string | undefined;
  /**
   * It is reached by an API of its own: no variable has a URL of it, and a site that has its library uses it, whatever else it uses.
   * @default - by a URL
   */
  readonly isByApi?: boolean;
}

// A dump in the folder of a site may be one that its web server hands out.
const DUMP_FIRST =
  'before each backup, into a folder outside of the site, and make that folder a source of kind files: docs/other-databases.md has an example.';

export const ENGINES: readonly Engine[] = [
  {
    id: 'postgres',
    title: 'PostgreSQL',
    words:
      /^(?:postgres|postgresql|pgsql|pg|postgis|postgresql_psycopg2|postgres(?:ql)?\+\w+|pdo_pgsql|neon|vercel-postgres|pg-native)$/,
    images: /(?:^|\/)(?:postgres|postgresql|postgis|pgvector|timescaledb(?:-ha)?|pgvecto-rs)$/,
    libraries: [
      ...['pg', 'postgres', '@neondatabase/serverless', '@vercel/postgres', 'pg-promise'],
      ...['psycopg', 'psycopg2', 'psycopg2-binary', 'asyncpg'],
    ],
    advice: undefined,
  },
  {
    id: 'cockroach',
    title: 'CockroachDB',
    words: /^(?:cockroachdb|cockroach)$/,
    images: /(?:^|\/)cockroach$/,
    libraries: [],
    advice: 'Use its own BACKUP statement.',
  },
  {
    id: 'mariadb',
    title: 'MariaDB',
    words: /^mariadb(?:\+\w+)?$/,
    images: /(?:^|\/)mariadb$/,
    libraries: ['mariadb'],
    advice: `Dump it by \`mariadb-dump --single-transaction\` ${DUMP_FIRST}`,
  },
  {
    id: 'mysql',
    title: 'MySQL',
    words: /^(?:mysql2?|mysqli|pdo_mysql|trilogy|planetscale|mysql\+\w+)$/,
    images: /(?:^|\/)(?:mysql|mysql-server|percona(?:-server)?)$/,
    libraries: ['mysql', 'mysql2', 'trilogy', '@planetscale/database', 'mysqlclient', 'pymysql'],
    advice: `Dump it by \`mysqldump --single-transaction\` ${DUMP_FIRST}`,
  },
  {
    id: 'mysql-or-mariadb',
    title: 'MySQL or MariaDB',
    words: /^mysql-or-mariadb$/,
    images: /^-$/,
    libraries: [],
    advice: `Dump it by \`mysqldump --single-transaction\` or \`mariadb-dump --single-transaction\` ${DUMP_FIRST}`,
  },
  {
    id: 'sqlite',
    title: 'SQLite',
    words: /^(?:sqlite[23]?|better-sqlite3?|libsql|turso|d1|file|pdo_sqlite|sqlite\+\w+)$/,
    images: /^-$/,
    libraries: ['sqlite3', 'better-sqlite3', '@libsql/client', 'aiosqlite'],
    advice:
      'A copy of its file that is made while somebody writes may be broken: make one by `sqlite3 FILE ".backup COPY"` before each backup.',
  },
  {
    id: 'mongodb',
    title: 'MongoDB',
    words: /^(?:mongo|mongodb|mongoid|mongodb\+srv|mongoose)$/,
    images: /(?:^|\/)(?:mongo|mongodb|mongodb-community-server|percona-server-mongodb)$/,
    libraries: ['mongodb', 'mongoose', 'mongoid', 'pymongo', 'motor', 'djongo'],
    advice: `Dump it by \`mongodump --archive=FILE\` ${DUMP_FIRST}`,
  },
  {
    id: 'dynamodb',
    title: 'DynamoDB',
    words: /^(?:dynamodb|dynamoose|dynamoid)$/,
    images: /(?:^|\/)dynamodb-local$/,
    libraries: [
      ...['@aws-sdk/client-dynamodb', '@aws-sdk/lib-dynamodb', 'dynamoose', 'electrodb'],
      ...['dynamoid', 'aws-sdk-dynamodb', 'pynamodb'],
    ],
    advice:
      'With a store on AWS, name its tables under `aws.recoveryPoints`: AWS Backup protects them, and what it restores for tests is looked into.',
    isByApi: true,
  },
  {
    id: 'sqlserver',
    title: 'Microsoft SQL Server',
    words: /^(?:sqlserver|mssql|sqlsrv|tedious|mssql\+\w+)$/,
    images: /(?:^|\/)mssql\/server$/,
    libraries: ['mssql', 'tedious', 'tiny_tds'],
    advice: 'Use its own BACKUP DATABASE statement.',
  },
  {
    id: 'oracle',
    title: 'Oracle Database',
    words: /^(?:oracle|oracledb|oracle_enhanced|oci8)$/,
    images: /(?:^|\/)database\/(?:free|express|enterprise)$|(?:^|\/)oracle-(?:free|xe)$/,
    libraries: ['oracledb', 'ruby-oci8', 'cx_oracle'],
    advice: 'Use its own tools, such as RMAN or expdp.',
  },
];

export function engineOf(id: EngineId): Engine {
  const found = ENGINES.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no engine ${id}`);
  return found;
}

/** The database that a driver, an adapter or a provider of this name speaks to. */
export function engineByWord(word: string): EngineId | undefined {
  const wanted = word.trim().toLowerCase();
  return ENGINES.find(({ words }) => words.test(wanted))?.id;
}

/** The database to which a URL leads, by its scheme: `jdbc:mysql://…`, `file:./dev.db`. */
export function engineByUrl(url: string): EngineId | undefined {
  const scheme = /^(?:jdbc:)?([a-z][a-z0-9+_-]*):/i.exec(url.trim())?.[1] ?? '';
  if (scheme === 'file') return /\.(?:db3?|sqlite3?)(?:$|\?)/.test(url) ? 'sqlite' : undefined;
  return ['pg', 'd1', 'neon', 'planetscale'].includes(scheme) ? undefined : engineByWord(scheme);
}

/** The database in an image such as `docker.io/library/postgres:16-alpine`. */
export function engineByImage(image: string): EngineId | undefined {
  const name = image
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .toLowerCase();
  return ENGINES.find(({ images }) => images.test(name))?.id;
}

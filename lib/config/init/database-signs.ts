// The table of signs of a database: which files may hold one, and how each is read. Pure.
// From values, only the kind of database is derived; nothing but names of variables leaves this file.
import { parse } from 'yaml';

import { engineByImage, engineByUrl, engineByWord, ENGINES, type EngineId } from './engines.ts';
import { recordOf } from './looked-at.ts';
import { gemsIn, namesPythonPackage } from './manifests.ts';

/** What a file says about a database. */
export interface Sign {
  /** Undefined where only a variable is named that may hold the URL of any database. */
  readonly engine: EngineId | undefined;
  /** The variable that holds its URL. */
  readonly variable?: string | undefined;
  /** Variables that hold parts of its address, such as DB_HOST. */
  readonly parts?: boolean;
}

/** `strong`: what the site runs with. `weak`: what it may run with, or what an example shows; it counts where nothing is strong. */
export type Strength = 'strong' | 'weak';

export interface Teller {
  readonly files: RegExp;
  readonly strength: Strength;
  readonly read: (text: string) => readonly Sign[];
}

/** The variable that most frameworks take a URL from. */
export const USUAL_VARIABLE = 'DATABASE_URL';

const EXAMPLE =
  /(?:^|\/)\.env\.(?:[\w-]+\.)*(?:example|sample|template|dist|test|testing|ci)$|(?:^|\/)\.env\.(?:example|sample|template|dist|test|testing|ci)\b/;

// The most telling first: a schema says which database it is for, and by which variable it is reached.
export const TELLERS: readonly Teller[] = [
  { files: /\.prisma$/, strength: 'strong', read: prisma },
  { files: /(?:^|\/)drizzle\.config\.\w+$/, strength: 'strong', read: drizzle },
  {
    files: new RegExp(`^(?!.*(?:${EXAMPLE.source})).*(?:^|/)\\.env(?:rc|\\.[\\w.-]+)?$`, 's'),
    strength: 'strong',
    read: environment,
  },
  { files: /(?:^|\/)config\/database\.ya?ml$/, strength: 'strong', read: rails },
  { files: /(?:^|\/)settings(?:\/\w+|_\w+)?\.py$/, strength: 'strong', read: django },
  { files: /(?:^|\/)wp-config\.php$/, strength: 'strong', read: wordpress },
  {
    files:
      /(?:^|\/)(?:knexfile|data-source|ormconfig|mikro-orm\.config)\.\w+$|(?:^|\/)config\/(?:config\.json|database\.(?:[jt]s|json))$/,
    strength: 'strong',
    read: client,
  },
  {
    files: /(?:^|\/)supabase\/config\.toml$/,
    strength: 'strong',
    read: () => [{ engine: 'postgres' }],
  },
  {
    files: /(?:^|\/)(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$/,
    strength: 'strong',
    read: compose,
  },
  { files: /(?:^|\/)(?:render\.yaml|app\.json)$/, strength: 'strong', read: platform },
  { files: EXAMPLE, strength: 'weak', read: environment },
  { files: /(?:^|\/)package\.json$/, strength: 'weak', read: npmLibraries },
  { files: /(?:^|\/)Gemfile$/, strength: 'weak', read: gems },
  {
    files:
      /(?:^|\/)(?:requirements[-_.\w]*\.txt|requirements\/[-_.\w]+\.txt|pyproject\.toml|Pipfile)$/,
    strength: 'weak',
    read: pythonLibraries,
  },
];

const POSTGRES_NAME = /(?:^|_)(?:PG|PGSQL|POSTGRES|POSTGRESQL|NEON)(?:_|$)/;
const URL_NAME = /(?:_|^)(?:UR[IL]|DSN|UNPOOLED|URL_NON_POOLING)$/;
const DATABASE_NAME = /(?:^|_)(?:DATABASE|DB)_(?:UR[IL]|DSN)(?:_|$)|(?:^|_)DIRECT_URL$/;
const KIND_NAME =
  /^(?:\w+_)?(?:DB|DATABASE)_(?:CONNECTION|ENGINE|CLIENT|TYPE|DIALECT|DRIVER|ADAPTER|PROVIDER)$/;

/** Variables whose mere name says to which database they belong. */
const TELLING_NAMES: readonly (readonly [RegExp, EngineId])[] = [
  [/^(?:PGHOST|PGDATABASE|POSTGRES(?:QL)?_(?:DB|DATABASE|HOST|USER|PASSWORD|SERVER))$/, 'postgres'],
  [/^MYSQL_(?:DATABASE|HOST|USER|PASSWORD|ROOT_PASSWORD|UR[IL])$/, 'mysql'],
  [/^MARIADB_(?:DATABASE|HOST|USER|PASSWORD|ROOT_PASSWORD|UR[IL])$/, 'mariadb'],
  [/^(?:MONGO|MONGODB|MONGO_DB)_(?:UR[IL]|HOST|DATABASE|CONNECTION_STRING)$/, 'mongodb'],
];

function environment(text: string): Sign[] {
  return [...text.matchAll(/^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*)$/gm)].flatMap(
    ([, name = '', value = '']) => variableSigns(name, unquoted(value)),
  );
}

function unquoted(value: string): string {
  return /^(['"`])(.*?)\1/.exec(value.trim())?.[2] ?? value.trim();
}

/** What the name and the value of a variable say. The value goes no further. */
export function variableSigns(name: string, value: string): Sign[] {
  const led = engineByUrl(value);
  if (led !== undefined) return [{ engine: led, variable: name }];
  if (KIND_NAME.test(name)) {
    const engine = engineByWord(value.replace(/^.*\./, ''));
    return engine === undefined ? [] : [{ engine, parts: true }];
  }
  // A value that is there and is another URL, such as that of a web page, belongs to something else.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  if (POSTGRES_NAME.test(name) && URL_NAME.test(name))
    return [{ engine: 'postgres', variable: name }];
  const told = TELLING_NAMES.find(([names]) => names.test(name))?.[1];
  if (told !== undefined) return [{ engine: told, parts: true }];
  return DATABASE_NAME.test(name) ? [{ engine: undefined, variable: name }] : [];
}

function prisma(text: string): Sign[] {
  const plain = text.replace(/^\s*\/\/.*$/gm, '');
  const source = /\bdatasource\s+\w+\s*\{([^}]*)\}/.exec(plain)?.[1] ?? '';
  const engine = engineByWord(/^\s*provider\s*=\s*"([\w-]+)"/m.exec(source)?.[1] ?? '');
  if (engine === undefined) return [];
  // Where there are two, `url` leads to a pooler, which may not keep sessions.
  const named = (key: string) =>
    new RegExp(`^\\s*${key}\\s*=\\s*env\\("(\\w+)"\\)`, 'm').exec(source)?.[1];
  return [{ engine, variable: named('directUrl') ?? named('url') }];
}

function drizzle(text: string): Sign[] {
  const word = /\b(?:dialect|driver)['"]?\s*:\s*['"]([\w-]+)['"]/.exec(text)?.[1] ?? '';
  const engine = engineByWord(word);
  if (engine === undefined) return [];
  return [{ engine, variable: /\benv(?:\.|\[['"])([A-Z]\w*)/.exec(text)?.[1] }];
}

function client(text: string): Sign[] {
  const words = [...text.matchAll(/\b(?:client|type|dialect)['"]?\s*:\s*['"]([\w-]+)['"]/g)];
  const found = words.map(([, word = '']) => engineByWord(word));
  const variable = /\benv(?:\.|\[['"]|\(['"])([A-Z]\w*_UR[IL])\b/.exec(text)?.[1];
  return found.filter((engine) => engine !== undefined).map((engine) => ({ engine, variable }));
}

function rails(text: string): Sign[] {
  const variable = /ENV(?:\.fetch\(|\[)\s*['"](\w*UR[IL]\w*)['"]/.exec(text)?.[1];
  const plain = text.replace(/<%.*?%>/gs, '').replace(/^\s*#.*$/gm, '');
  const data = recordOf(yamlOf(plain));
  const inUse = data['production'] ?? data['default'] ?? data;
  const adapters = [...adaptersIn(inUse)];
  const words =
    adapters.length > 0
      ? adapters
      : [...plain.matchAll(/^\s*adapter\s*:\s*['"]?([\w-]+)/gm)].map(([, word = '']) => word);
  const found = words.map(engineByWord).filter((engine) => engine !== undefined);
  return [...new Set(found)].map((engine) => ({ engine, variable, parts: true }));
}

/** `adapter`, of one database or of several below it. */
function adaptersIn(section: unknown): string[] {
  const { adapter, ...others } = recordOf(section);
  if (typeof adapter === 'string') return [adapter];
  return Object.values(others).flatMap((one) => {
    const own = recordOf(one)['adapter'];
    return typeof own === 'string' ? [own] : [];
  });
}

function django(text: string): Sign[] {
  const plain = text.replace(/^\s*#.*$/gm, '');
  const engines = [...plain.matchAll(/['"]ENGINE['"]\s*:[^\n]*?['"](?:\w+\.)+(\w+)['"]/g)]
    .map(([, word = '']) => engineByWord(word))
    .filter((engine) => engine !== undefined);
  const named =
    /\benv\.(?:db|db_url|dj_db_url)\(\s*['"](\w+)['"]/.exec(plain)?.[1] ??
    /\bdj_database_url\.\w+\([^)]*\benv\s*=\s*['"](\w+)['"]/.exec(plain)?.[1] ??
    (/\bdj_database_url\.\w+\(|\benv\.(?:db|db_url|dj_db_url)\(/.test(plain)
      ? USUAL_VARIABLE
      : undefined);
  const signs = [...new Set(engines)].map((engine): Sign => ({ engine, parts: true }));
  return named === undefined ? signs : [...signs, { engine: undefined, variable: named }];
}

function wordpress(text: string): Sign[] {
  return /\bDB_NAME\b/.test(text) ? [{ engine: 'mysql-or-mariadb', parts: true }] : [];
}

function compose(text: string): Sign[] {
  const services = Object.values(recordOf(recordOf(yamlOf(text))['services']));
  const images = services.map((service) => recordOf(service)['image']);
  const urls = services.flatMap((service) => variablesOf(recordOf(service)['environment']));
  return [
    ...images
      .map((image) => (typeof image === 'string' ? engineByImage(defaultsOf(image)) : undefined))
      .filter((engine) => engine !== undefined)
      .map((engine) => ({ engine })),
    ...urls
      .flatMap(([name, value]) => variableSigns(name, defaultsOf(value)))
      .filter(({ variable }) => variable !== undefined),
  ];
}

/** `${IMAGE:-postgres:16}` is `postgres:16`. */
function defaultsOf(text: string): string {
  return text.replace(/\$\{\w+(?::?-([^}]*))?\}/g, (_, value: string | undefined) => value ?? '');
}

function variablesOf(section: unknown): (readonly [string, string])[] {
  if (Array.isArray(section)) {
    return section
      .filter((one): one is string => typeof one === 'string')
      .map((one) => [one.replace(/=.*$/s, ''), one.replace(/^[^=]*=?/, '')] as const);
  }
  return Object.entries(recordOf(section)).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : '',
  ]);
}

function platform(text: string): Sign[] {
  const data = recordOf(yamlOf(text));
  const addons = JSON.stringify(data['addons'] ?? []);
  const { databases } = data;
  if (/heroku-postgresql/.test(addons)) return [{ engine: 'postgres', variable: USUAL_VARIABLE }];
  // Render makes databases of PostgreSQL alone.
  return Array.isArray(databases) && databases.length > 0 ? [{ engine: 'postgres' }] : [];
}

function npmLibraries(text: string): Sign[] {
  const { dependencies } = recordOf(yamlOf(text));
  return librariesIn((name) => Object.hasOwn(recordOf(dependencies), name));
}

function gems(text: string): Sign[] {
  const named = gemsIn(text);
  return librariesIn((name) => named.has(name));
}

function pythonLibraries(text: string): Sign[] {
  return librariesIn((name) => namesPythonPackage(text, name));
}

function librariesIn(isThere: (name: string) => boolean): Sign[] {
  return ENGINES.filter(({ libraries }) => libraries.some(isThere)).map(({ id }) => ({
    engine: id,
  }));
}

/** What YAML (and so JSON) holds; undefined where it is neither. */
function yamlOf(text: string): unknown {
  try {
    return parse(text, { merge: true, logLevel: 'silent' });
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** True for a file of variables that a site runs with; false for an example of one. */
export function isInUse(path: string): boolean {
  const teller = tellerOf(path);
  return teller?.read === environment && teller.strength === 'strong';
}

/** How a file is read, if it is one that may speak of a database. */
export function tellerOf(path: string): Teller | undefined {
  return TELLERS.find(({ files }) => files.test(path));
}

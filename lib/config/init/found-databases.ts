// From the signs of databases to what `init` says and writes: a source for PostgreSQL, a sentence for every other one. Pure.
import {
  isInUse,
  tellerOf,
  USUAL_VARIABLE,
  variableSigns,
  type Sign,
  type Strength,
} from './database-signs.ts';
import { engineOf, type EngineId } from './engines.ts';
import type { FoundStack } from './found-stacks.ts';
import type { LookedAt } from './looked-at.ts';

/** A database of PostgreSQL for which there can be a source. */
export interface FoundDatabase {
  /** The variable that holds its URL, or shall hold it; the value is not kept. */
  readonly variable: string;
  /** True when the variable is set here and leads to PostgreSQL. */
  readonly isSet: boolean;
  /** False when a file only names a variable, which may lead to a database of any kind. */
  readonly isCertain: boolean;
  /** False when no file names the variable, as where an address is kept in parts such as DB_HOST. */
  readonly isNamed: boolean;
  /** A file of variables with parts of its address, such as DB_HOST; undefined where there is none that is in use. */
  readonly partsIn: string | undefined;
  /** What told of it: `the environment`, or a file of the folder. */
  readonly toldBy: string;
  /** Other variables that lead to PostgreSQL: to the same database by another way, or to another one. */
  readonly others: readonly string[];
}

/** Databases of one kind that were seen, and that Holdfast cannot back up. */
export interface SeenDatabase {
  readonly engine: EngineId;
  readonly title: string;
  /** `the environment`, files that speak of it, and files of SQLite themselves. */
  readonly toldBy: readonly string[];
  readonly advice: string;
}

export interface FoundDatabases {
  readonly database: FoundDatabase | undefined;
  readonly unsupported: readonly SeenDatabase[];
}

interface Told extends Sign {
  readonly toldBy: string;
  readonly strength: Strength;
}

const ENVIRONMENT = 'the environment';

/** The databases of which the folder or the environment tells. */
export function findDatabases(
  looked: LookedAt,
  stacks: readonly FoundStack[],
  env: Readonly<Record<string, string | undefined>>,
): FoundDatabases {
  const all = [...environmentSigns(env), ...fileSigns(looked), ...stackSigns(stacks)];
  const isStrong = all.some(
    ({ engine, strength }) => engine !== undefined && !isByApi(engine) && strength === 'strong',
  );
  const signs = all.filter(
    ({ engine, strength }) =>
      !isStrong || engine === undefined || strength === 'strong' || isByApi(engine),
  );
  const ofSqlite = looked.sqliteFiles.map((toldBy): Told => ({
    engine: 'sqlite',
    toldBy,
    strength: 'strong',
  }));
  return {
    database: postgresIn(signs, looked, stacks),
    unsupported: unsupportedIn([...signs, ...ofSqlite]),
  };
}

function isByApi(engine: EngineId): boolean {
  return engineOf(engine).isByApi === true;
}

function environmentSigns(env: Readonly<Record<string, string | undefined>>): Told[] {
  return Object.keys(env)
    .sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1))
    .filter((name) => /^\w+$/.test(name))
    .flatMap((name) => variableSigns(name, env[name] ?? ''))
    .filter(({ engine, variable }) => engine !== undefined && variable !== undefined)
    .filter(({ variable }) => /^[a-z0-9+]+:\/\//.test(env[variable ?? ''] ?? ''))
    .map((sign) => ({ ...sign, toldBy: ENVIRONMENT, strength: 'strong' }));
}

function fileSigns({ texts }: LookedAt): Told[] {
  return [...texts]
    .flatMap(([toldBy, text]) => {
      const teller = tellerOf(toldBy);
      return teller === undefined ? [] : [{ toldBy, text, teller }];
    })
    .flatMap(({ toldBy, text, teller: { read, strength } }) =>
      read(text).map((sign) => ({ ...sign, toldBy, strength })),
    );
}

function stackSigns(stacks: readonly FoundStack[]): Told[] {
  const wordpress = stacks.some(({ stack }) => stack.id === 'wordpress');
  return wordpress
    ? [{ engine: 'mysql-or-mariadb', toldBy: 'the files of WordPress', strength: 'weak' }]
    : [];
}

/** Pools may not keep sessions, so a direct way comes first; the usual name before one that says little. */
function rankOf(variable: string): number {
  if (/DIRECT|UNPOOLED|NON_POOLING/.test(variable)) return 0;
  if (/POOL|PRISMA_URL|TEST|SHADOW/.test(variable)) return 3;
  return variable === USUAL_VARIABLE ? 1 : 2;
}

function postgresIn(
  signs: readonly Told[],
  looked: LookedAt,
  stacks: readonly FoundStack[],
): FoundDatabase | undefined {
  const certain = signs.filter(({ engine }) => engine === 'postgres');
  // A variable without a kind belongs to the database whose kind is known.
  const open = signs.filter(({ engine }) => engine === undefined);
  const isOther = signs.some(
    ({ engine }) => engine !== undefined && engine !== 'postgres' && !isByApi(engine),
  );
  if (certain.length === 0 && (isOther || open.length === 0)) return undefined;
  const set = certain.filter(({ toldBy }) => toldBy === ENVIRONMENT);
  const inFiles = variablesOf([...certain, ...open].filter(({ toldBy }) => toldBy !== ENVIRONMENT));
  const ofEnvironment = variablesOf(set);
  const variable =
    [...inFiles, ...ofEnvironment].find((name) => ofEnvironment.includes(name)) ?? inFiles[0];
  const isSet = variable !== undefined && ofEnvironment.includes(variable);
  const teller = isSet
    ? set[0]
    : (certain.find((one) => one.variable === variable) ?? certain[0] ?? open[0]);
  return {
    variable: variable ?? variableOf(looked, stacks),
    isSet,
    isCertain: certain.length > 0,
    isNamed: variable !== undefined,
    partsIn: certain.find(({ parts, toldBy }) => parts === true && isInUse(toldBy))?.toldBy,
    toldBy: teller?.toldBy ?? ENVIRONMENT,
    others: variablesOf(certain).filter((name) => name !== variable),
  };
}

/** The variables of `signs`: that of a schema first, then by {@link rankOf}. */
function variablesOf(signs: readonly Told[]): string[] {
  const ofSchemas = signs.filter(({ toldBy }) => /\.prisma$|drizzle\.config\./.test(toldBy));
  const rank = ({ variable = '' }: Told) => rankOf(variable);
  const others = signs.filter((one) => !ofSchemas.includes(one)).sort((a, b) => rank(a) - rank(b));
  const names = [...ofSchemas, ...others].map(({ variable }) => variable);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The variable that the framework reads a URL from, where no file names one. */
function variableOf(looked: LookedAt, stacks: readonly FoundStack[]): string {
  const laravel = stacks.find(({ stack }) => stack.id === 'laravel');
  if (laravel === undefined) return USUAL_VARIABLE;
  const path = laravel.folder === '' ? '' : `${laravel.folder}/`;
  const text = looked.texts.get(`${path}config/database.php`) ?? '';
  return /['"]url['"]\s*=>\s*env\(\s*['"](\w+)['"]/.exec(text)?.[1] ?? 'DB_URL';
}

function unsupportedIn(signs: readonly Told[]): SeenDatabase[] {
  const seen = new Map<EngineId, string[]>();
  for (const { engine, toldBy } of signs) {
    if (engine === undefined || engine === 'postgres') continue;
    const before = seen.get(engine) ?? [];
    if (!before.includes(toldBy)) seen.set(engine, [...before, toldBy]);
  }
  mergeMysql(seen);
  return [...seen].map(([engine, toldBy]) => {
    const { title, advice = '' } = engineOf(engine);
    return { engine, title, toldBy, advice };
  });
}

/** The same drivers speak to MySQL and MariaDB: where several words were seen they mean one server, and an image says which it is. */
function mergeMysql(seen: Map<EngineId, string[]>): void {
  const ids = (['mariadb', 'mysql', 'mysql-or-mariadb'] as const).filter((id) => seen.has(id));
  if (ids.length < 2) return;
  const toldBy = [...new Set(ids.flatMap((id) => seen.get(id) ?? []))];
  for (const id of ids) seen.delete(id);
  const both = ids.includes('mysql') && ids.includes('mariadb');
  seen.set(both ? 'mysql-or-mariadb' : ids.includes('mariadb') ? 'mariadb' : 'mysql', toldBy);
}

// Which databases the files of a site name that nothing in its configuration protects. Pure.
import type { Config } from '../config.ts';
import type { ResourceKind } from '../../names/resources.ts';
import type { EngineId, OtherDatabase } from './engines.ts';
import type { FoundDatabases } from './found-databases.ts';
import { listed, unsupportedAbout } from './sentences.ts';

/** A database without protection. */
export interface UncoveredDatabase {
  readonly option: OtherDatabase;
  /** What is the matter: without a full stop. */
  readonly message: string;
  /** What to do first: a sentence. */
  readonly advice: string;
}

// The same drivers and programs serve both, so a sign of one may mean the other.
const MYSQL: readonly OtherDatabase[] = ['mysql', 'mariadb'];
const ON_RDS: readonly ResourceKind[] = ['rds', 'aurora'];

/** The names under `otherDatabases` that speak for an engine; the first is the one to write. */
function optionsOf(engine: EngineId): readonly OtherDatabase[] {
  if (engine === 'mariadb') return MYSQL.toReversed();
  return engine === 'mysql' || engine === 'mysql-or-mariadb' ? MYSQL : [engine];
}

/** The kinds of AWS Backup that may protect an engine. */
function kindsOf(engine: EngineId): readonly ResourceKind[] {
  if (engine === 'dynamodb') return ['dynamodb'];
  return ['sqlite', 'mongodb', 'cockroach'].includes(engine) ? [] : ON_RDS;
}

/** Those of `found` that no source, no recovery point and no line of `otherDatabases` speaks for. */
export function uncoveredDatabases(
  { database, unsupported }: FoundDatabases,
  { sources, otherDatabases, aws }: Pick<Config, 'sources' | 'otherDatabases' | 'aws'>,
): UncoveredDatabase[] {
  const selected = new Set(aws?.recoveryPoints?.selections.flatMap(({ kinds }) => kinds));
  const isCovered = (engine: EngineId) =>
    optionsOf(engine).some((option) => otherDatabases[option] !== undefined) ||
    kindsOf(engine).some((kind) => selected.has(kind));
  const others = unsupported
    .filter(({ engine }) => !isCovered(engine))
    .map((one) => ({
      option: optionsOf(one.engine)[0] ?? 'mysql',
      message: unsupportedAbout(one),
      advice: one.advice,
    }));
  const isPostgres =
    database?.isCertain === true &&
    !sources.some(({ kind }) => kind === 'postgres') &&
    !isCovered('postgres');
  if (!isPostgres) return others;
  const message = `PostgreSQL is not backed up (seen in ${listed([database.toldBy])})`;
  const advice = 'Make it a source of kind postgres: docs/postgres.md has an example.';
  return [{ option: 'postgres', message, advice }, ...others];
}

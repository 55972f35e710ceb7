// Databases, as functions and the command line open them.
import type { PostgresSourceConfig } from '../config/config.ts';
import { showReference } from '../config/places.ts';
import type { PostgresOptions } from '../sources/postgres/dump/read.ts';
import type { Parameters } from '../sources/postgres/server/connection.ts';
import type { Machine } from '../sources/postgres/server/tools.ts';
import { postgresSource } from '../sources/postgres/source.ts';
import { MACHINE } from './machine.ts';
import type { OpenContext, Openers } from './openers.ts';

export const DATABASES = openersOn(MACHINE);

/** What opens databases with the programs of `machine`. */
export function openersOn(machine: Machine) {
  return {
    postgres: (config, context) => postgresSource(databaseOptions(config, context), machine),
  } satisfies Openers;
}

/** What the configuration of a database says to the code that reads one. */
export function databaseOptions(
  { connection, server: configured, ...rest }: PostgresSourceConfig,
  { secret }: Pick<OpenContext, 'secret'>,
): PostgresOptions {
  const server = parametersOf(configured);
  if (connection !== 'iam') {
    const url = () => secret(connection);
    return { ...rest, server, url, urlFrom: showReference(connection) };
  }
  return {
    ...rest,
    // A token is sent as it is: to nobody who cannot show that he is the server.
    server: { sslmode: 'verify-full', ...server },
    url: () => Promise.resolve('{}'),
    urlFrom: 'the configuration',
    token: async (to) => {
      const { databaseToken } = await import('../aws/database-token.ts');
      return databaseToken(to, new Date());
    },
  };
}

/** What is configured of where a database is, by the names of libpq. */
function parametersOf({
  host,
  port,
  database,
  user,
  sslmode,
}: PostgresSourceConfig['server']): Parameters {
  const all = { host, port: port?.toString(), dbname: database, user, sslmode };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

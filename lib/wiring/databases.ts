// Databases, as functions and the command line open them.
import type { PostgresSourceConfig } from '../config/config.ts';
import { showReference } from '../config/places.ts';
import type { PostgresOptions } from '../sources/postgres/dump/read.ts';
import { postgresKind } from '../sources/postgres/kind.ts';
import type { Machine } from '../sources/postgres/server/tools.ts';
import { postgresSource } from '../sources/postgres/source.ts';
import type { Kinds } from './kinds.ts';
import { MACHINE } from './machine.ts';
import type { OpenContext, Openers } from './openers.ts';

/** The one kind of databases, with the programs that the image of a function or a layer brings. */
export const DATABASE_KINDS: Kinds = new Map([['postgres', postgresKind(MACHINE)]]);

export const DATABASES = openersOn(MACHINE);

/** What opens databases with the programs of `machine`. */
export function openersOn(machine: Machine) {
  return {
    postgres: (config, context) => postgresSource(databaseOptions(config, context), machine),
  } satisfies Openers;
}

/** What the configuration of a database says to the code that reads one. */
export function databaseOptions(
  { connection, ...rest }: PostgresSourceConfig,
  { secret }: Pick<OpenContext, 'secret'>,
): PostgresOptions {
  return { ...rest, url: () => secret(connection), urlFrom: showReference(connection) };
}

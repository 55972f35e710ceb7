// The source kind `postgres`: one database of a server that can be reached from here.
import type { Source } from '../source.ts';
import { postgresKind } from './kind.ts';
import { readPostgres, type PostgresOptions } from './dump/read.ts';
import type { Machine } from './server/tools.ts';

export function postgresSource(options: PostgresOptions, machine: Machine): Source {
  return {
    name: options.name,
    kind: postgresKind(machine),
    read: (input) => readPostgres(options, machine, input),
  };
}

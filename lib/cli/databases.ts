// Databases on the command line: what this machine gives them.
import type { Config } from '../config/config.ts';
import { embeddedServer } from '../sources/postgres/server/embedded.ts';
import { postgresKind } from '../sources/postgres/kind.ts';
import type { Machine } from '../sources/postgres/server/tools.ts';
import type { SourceKind } from '../sources/source.ts';
import { MACHINE } from '../wiring/machine.ts';

/** The machine of a command line, which may have a server from npm. */
export const LOCAL_MACHINE: Machine = { ...MACHINE, embedded: () => embeddedServer() };

/** The kind of databases, which works on each backup with the programs that are configured for its source. */
export function databaseKind(config: Config | undefined): SourceKind {
  const binariesOf = (name: string) => {
    const source = config?.sources.find((one) => one.name === name);
    return source?.kind === 'postgres' ? source.binaries : undefined;
  };
  return postgresKind({ ...LOCAL_MACHINE, binariesOf });
}

// The kinds of sources, as the command line has them.
import type { Config } from '../config/config.ts';
import type { Kinds } from '../sources/source.ts';
import { ARCHIVE_KINDS } from '../wiring/kinds.ts';

/** Every kind of source that a store can hold backups of. Of the configuration they need the programs of databases alone. */
export function kindsFor(config: Config | undefined): Kinds {
  const postgres = async () => (await import('./databases.ts')).databaseKind(config);
  return new Map([...ARCHIVE_KINDS, ['postgres', postgres]]);
}

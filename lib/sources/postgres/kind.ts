// What can be done with backups of databases, without their source.
import type { SourceKind } from '../source.ts';
import { proveDump } from './proof/prove.ts';
import { databaseService } from './restore/database.ts';
import { compareFolder, restoreToFolder } from './restore/folder.ts';
import { machineFor, type Machine } from './server/tools.ts';
import { tryOutDump } from './proof/restore-test.ts';
import { dumpByHand, listDump } from './views.ts';

/** What a scratch server takes before anything is loaded. */
const SERVER_BYTES = 256 << 20;
/** A database is larger than its text: rows have headers, and indexes are built again. */
const DATABASE_GROWTH = 2;

/** The kind `postgres` on a machine, whose programs restore tests and restores run. */
export function postgresKind(machine: Machine): SourceKind {
  const kind: SourceKind = {
    kind: 'postgres',
    list: listDump,
    roomFor: ({ totals }) => SERVER_BYTES + DATABASE_GROWTH * totals.contentBytes,
    byHand: dumpByHand,
    prove: proveDump,
    restore: restoreToFolder,
    compare: compareFolder,
    inPlace: undefined,
    repair: undefined,
    tryOut: (backup, input) =>
      tryOutDump(machineFor(machine, backup.manifest.source), backup, input),
    service: databaseService(machine, () => kind),
  };
  return kind;
}

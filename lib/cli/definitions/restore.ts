// Commands that bring data back.
import { reading, type Define } from './shared.ts';

export function addRestore(command: Define): void {
  const restore = command(
    'restore <backup> [path...]',
    'restore a backup, or an archive.tar.gz found alone, or some paths of it; or a recovery point of AWS Backup, by its ARN or its selection',
    () => import('../commands/restore.ts'),
  );
  reading(restore)
    .option(
      '--to <folder>',
      'where to: a folder that does not exist yet; with --in-place one that does; for a database env:NAME or file:PATH, where its URL is, or a postgres:// URL without a password; for a recovery point the name of the new resource',
    )
    .option(
      '--in-place',
      'restore over the source itself; what would be overwritten is saved first',
    )
    .option('--moved', 'in place: even if the backup was made of a site in another place')
    .option('--delete', 'in place: remove what is in the source but not in the backup')
    .option('--allow-uncommitted', 'in place: even over changes that git does not have')
    .option(
      '-n, --dry-run',
      'in place, or to a database: say what would change, and change nothing; of a recovery point: say what would be started',
    )
    .option(
      '--resource <arn>',
      'of a selection with several resources: which one, by its ARN or the end of it',
    )
    .option(
      '--at <time>',
      'of a selection with continuous backup: restore that moment (ISO 8601 with a zone)',
    )
    .option('--owner', 'try to restore the recorded owners even when not run by root')
    .option(
      '--no-owner',
      'do not restore owners and set-id bits, even when run by root; to a database: the restoring role owns what is restored',
    )
    .option('--no-verify', 'do not read back and compare what was restored')
    .option('--skip-damaged', 'restore what is whole when entries are damaged')
    .option('--allow-damaged', 'use even a backup that was found damaged')
    .option('--table <table...>', 'to a database: these tables alone, as schema.table')
    .option('--replace', 'to a database: back up what it holds, then replace it')
    .option(
      '--several-transactions',
      'to a database: not in one transaction; what was done before a failure stays',
    )
    .option('--create-roles', 'to a database: create the roles that its server lacks')
    .option('--no-privileges', 'to a database: do not restore privileges')
    .option(
      '--no-database-properties',
      'to a database: keep its own owner, privileges, settings and comment',
    )
    .option('--run-configured', 'run what `afterRestore` lists, in the restored folder')
    .option('--run <command...>', 'run this there too, in a shell');
}

export function addAfterRestore(command: Define): void {
  command(
    'undo [folder]',
    'take back the last restore in place',
    () => import('../commands/restore-in-place.ts'),
  )
    .option('-n, --dry-run', 'say what would change, and change nothing')
    .option('--allow-uncommitted', 'even over changes that git does not have')
    .option('--owner', 'try to restore the recorded owners even when not run by root')
    .option('--no-owner', 'do not restore owners and set-id bits, even when run by root');
  reading(
    command(
      'restore-test [backup...]',
      'restore the newest backups to a scratch folder, and compare',
      () => import('../commands/restore-test.ts'),
    ),
  )
    .option('--live', 'compare with the source as it is now, too')
    .option('--tolerance <share>', 'how many entries may differ from the source by now', '5%');
  command(
    'repair <backup>',
    'heal a damaged backup from the others, as a new backup',
    () => import('../commands/repair.ts'),
  );
}

// Commands that make backups, prove them, and decide how long they stay.
import { Option } from 'commander';
import { TRIGGER_KINDS } from '../../format/ids.ts';
import { collected, reading, type Define } from './shared.ts';

export function addBackup(command: Define): void {
  command(
    'backup [source...]',
    'back up sources, verify the backups and prune',
    () => import('../commands/backup.ts'),
  )
    .option('--full', 'read every file, whatever the previous backup says')
    .option('--no-verify', 'do not read back what was stored; the backup stays unproven')
    .option('--no-prune', 'do not apply the retention policy afterwards')
    .option('-n, --dry-run', 'say what would be backed up, and store nothing')
    .option(
      '--create-store',
      'create the store if there is none: needed once, for a new or moved store',
    )
    .option('--moved', 'the site was moved since its last backup: needed once')
    .option(
      '--new-key',
      'make a new key if the old one is lost: once; what the old one signed still counts',
    )
    .addOption(
      new Option('--trigger <kind>', 'what makes this backup')
        .choices(TRIGGER_KINDS.slice(0, 4))
        .default('manual'),
    )
    .option(
      '--at <time>',
      'the time it was triggered for, not in the future (ISO 8601 with a zone); the same trigger gives the same backup',
    );
}

export function addProofs(command: Define): void {
  reading(
    command(
      'verify [backup...]',
      'prove that stored bytes are what was backed up',
      () => import('../commands/verify.ts'),
    ),
  )
    .addOption(
      new Option('--level <level>', 'digest: stored bytes; content: everything in them too')
        .choices(['digest', 'content'])
        .default('content'),
    )
    .option('--all', 'every backup in the store');
}

export function addRetention(command: Define): void {
  command(
    'prune [source...]',
    'release the backups that no rule keeps, and say why the others stay',
    () => import('../commands/prune.ts'),
  )
    .option('-n, --dry-run', 'say what would be released, and release nothing')
    .option(
      '--accept-missing <backup>',
      'accept that this backup was deleted, so that it is reported no more; may be repeated',
      collected,
    );
}

export function addPins(command: Define): void {
  command(
    'pin <backup>',
    'keep a backup for good, whatever the retention policy wants',
    () => import('../commands/pin.ts'),
  ).option('--note <text>', 'why, for those who find it later');
  command(
    'unpin <backup>',
    'let the retention policy decide again',
    () => import('../commands/unpin.ts'),
  );
}

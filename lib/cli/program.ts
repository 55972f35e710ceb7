// The commands and their options. What a command does is loaded when it is called, so that each starts fast.
import { Argument, Command, Option } from 'commander';
import { TRIGGER_KINDS } from '../format/ids.ts';
import { VERSION } from '../version.ts';
import { addViews } from './definitions/views.ts';
import { addWatch } from './definitions/watch.ts';
import { commonOptions, reading, withPublicKey, type Define } from './definitions/shared.ts';
import type { Run } from './invocation.ts';
import type { CommonOptions } from './session.ts';

/** The program; the exit code of the command that it runs is put into `outcome`. */
export function buildProgram(outcome: { exit: number }, signal: AbortSignal): Command {
  const program = new Command('holdfast')
    .description('Backs up web systems, and proves that the backups restore.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true })
    // What every command takes is also taken before its name.
    .enablePositionalOptions();
  for (const option of commonOptions()) program.addOption(option.hideHelp());

  const command = <Options>(
    usage: string,
    about: string,
    load: () => Promise<{ run: Run<Options> }>,
  ): Command => {
    const [name = '', ...args] = usage.split(' ');
    const made = program.command(name).description(about);
    for (const arg of args) made.argument(arg);
    for (const option of commonOptions()) made.addOption(option);
    return made.action(async (...given: unknown[]) => {
      const names = given
        .slice(0, -2)
        .flat()
        .filter((one) => typeof one === 'string');
      const { run } = await load();
      const options = { ...program.opts(), ...made.opts<CommonOptions & Options>() };
      outcome.exit = await run(names, { options, signal });
    });
  };

  addSetUp(command);
  addWatch(command);
  addStack(command);
  addBackup(command);
  addTrigger(command);
  addProofs(command);
  addRestore(command);
  addAfterRestore(command);
  addRetention(command);
  addPins(command);
  addViews(command);
  return program;
}

function addSetUp(command: Define): void {
  command(
    'init [folder]',
    'set up a folder: a key, and a commented holdfast.yaml',
    () => import('./commands/init.ts'),
  )
    .option(
      '--aws [bucket]',
      'write a configuration for AWS: a store in this bucket, or one of a new name, which the stack makes',
    )
    .option('--region <region>', 'with --aws: the region of the bucket and of the stack')
    .option('--system <name>', 'its name; by default that of the package or the folder')
    .option(
      '--new-key',
      'make a new key if the old one is lost; what the old one signed still counts',
    )
    .option('--scripts', 'add npm scripts such as backup and backup:verify to package.json')
    .option('-n, --dry-run', 'show what would be written, and write nothing');
  command(
    'config',
    'check the configuration, or show all that is in effect',
    () => import('./commands/config.ts'),
  ).addArgument(
    new Argument('<action>', 'validate: every fault at once; show: with the defaults').choices([
      'validate',
      'show',
    ]),
  );
  withPublicKey(
    command(
      'doctor',
      'find what would stop a backup or a restore here',
      () => import('./commands/doctor.ts'),
    ),
  ).option('--deep', 'look at every file of the sources, not at a sample');
  command(
    'trust',
    'the public keys of the functions on AWS, as a block for `trust` in holdfast.yaml',
    () => import('./commands/trust.ts'),
  ).option('--out <folder>', 'write them as .pub files there, too, for the emergency kit');
  command(
    'alert-test [sink...]',
    'send a test message through each sink of `notify`',
    () => import('./commands/alert-test.ts'),
  )
    .option('--contact <name...>', 'send to these contacts, by their own addresses and numbers')
    .option('-n, --dry-run', 'show the texts of all messages, and send nothing');
}

function addStack(command: Define): void {
  command(
    'synth',
    'write the templates of the stack, without contacting AWS',
    () => import('./commands/synth.ts'),
  ).option('-o, --output <folder>', 'where to', 'cdk.out');
  command(
    'deploy',
    'deploy to AWS what holdfast.yaml describes: the bucket, the functions, the alarms',
    () => import('./commands/deploy.ts'),
  )
    .option('-n, --dry-run', 'show what would change on AWS, and change nothing')
    .option('-y, --yes', 'do not ask before permissions are widened')
    .option(
      '--give-up <resource...>',
      'allow these buckets, keys or vaults to be replaced, deleted or left behind; use the names in the refusal',
    );
}

function addBackup(command: Define): void {
  command(
    'backup [source...]',
    'back up sources, verify the backups and prune',
    () => import('./commands/backup.ts'),
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

function addTrigger(command: Define): void {
  command(
    'trigger <source>',
    'start a backup of a source on AWS now, or of a selection by AWS Backup, and report how it ended',
    () => import('./commands/trigger.ts'),
  )
    .option(
      '--wait',
      'wait until the backup is proven, as a pipeline does before it deploys; for a selection until its jobs have ended',
    )
    .option(
      '--resource <arn>',
      'of a selection: only this resource, by its ARN or the end of it (default: all that it expects)',
    )
    .option('--timeout <duration>', 'how long to wait at most, such as 90s or 20m', '20m')
    .addOption(
      new Option('--trigger <kind>', 'what makes this backup')
        .choices(['manual', 'pre-deploy'])
        .default('manual'),
    )
    .option(
      '--at <time>',
      'the time it was triggered for, not in the future (ISO 8601 with a zone); the same trigger gives the same backup',
    );
}

function addProofs(command: Define): void {
  reading(
    command(
      'verify [backup...]',
      'prove that stored bytes are what was backed up',
      () => import('./commands/verify.ts'),
    ),
  )
    .addOption(
      new Option('--level <level>', 'digest: stored bytes; content: everything in them too')
        .choices(['digest', 'content'])
        .default('content'),
    )
    .option('--all', 'every backup in the store');
}

function addRestore(command: Define): void {
  const restore = command(
    'restore <backup> [path...]',
    'restore a backup, or an archive.tar.gz found alone, or some paths of it; or a recovery point of AWS Backup, by its ARN or its selection',
    () => import('./commands/restore.ts'),
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

function addAfterRestore(command: Define): void {
  command(
    'undo [folder]',
    'take back the last restore in place',
    () => import('./commands/restore-in-place.ts'),
  )
    .option('-n, --dry-run', 'say what would change, and change nothing')
    .option('--allow-uncommitted', 'even over changes that git does not have')
    .option('--owner', 'try to restore the recorded owners even when not run by root')
    .option('--no-owner', 'do not restore owners and set-id bits, even when run by root');
  reading(
    command(
      'restore-test [backup...]',
      'restore the newest backups to a scratch folder, and compare',
      () => import('./commands/restore-test.ts'),
    ),
  )
    .option('--live', 'compare with the source as it is now, too')
    .option('--tolerance <share>', 'how many entries may differ from the source by now', '5%');
  command(
    'repair <backup>',
    'heal a damaged backup from the others, as a new backup',
    () => import('./commands/repair.ts'),
  );
}

function addRetention(command: Define): void {
  command(
    'prune [source...]',
    'release the backups that no rule keeps, and say why the others stay',
    () => import('./commands/prune.ts'),
  ).option('-n, --dry-run', 'say what would be released, and release nothing');
}

function addPins(command: Define): void {
  command(
    'pin <backup>',
    'keep a backup for good, whatever the retention policy wants',
    () => import('./commands/pin.ts'),
  ).option('--note <text>', 'why, for those who find it later');
  command(
    'unpin <backup>',
    'let the retention policy decide again',
    () => import('./commands/unpin.ts'),
  );
}

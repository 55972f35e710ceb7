// The commands and their options. What a command does is loaded when it is called, so that each starts fast.
import { Command, Option } from 'commander';
import { TRIGGER_KINDS } from '../format/ids.ts';
import { VERSION } from '../version.ts';
import type { CommonOptions } from './session.ts';

/** What a command gets besides its own arguments. */
export interface Invocation<Options = object> {
  readonly options: CommonOptions & Options;
  readonly signal: AbortSignal;
}

/** A command returns its exit code. */
export type Run<Options> = (names: string[], invocation: Invocation<Options>) => Promise<number>;

/** The program; the exit code of the command that it runs is put into `outcome`. */
export function buildProgram(outcome: { exit: number }, signal: AbortSignal): Command {
  const program = new Command('holdfast')
    .description('Backs up web systems, and proves that the backups restore.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .configureHelp({ showGlobalOptions: true });

  const command = <Options>(
    usage: string,
    about: string,
    load: () => Promise<{ run: Run<Options> }>,
  ): Command => {
    const [name = '', ...args] = usage.split(' ');
    const made = program.command(name).description(about);
    for (const arg of args) made.argument(arg);
    return made
      .option('-c, --config <file>', 'the holdfast.yaml to use (HOLDFAST_CONFIG)')
      .option('--store <folder>', 'the store to use (HOLDFAST_STORE)')
      .option('--json', 'one JSON document on standard output')
      .option('-q, --quiet', 'no progress and no remarks')
      .action(async (...given: unknown[]) => {
        const names = given
          .slice(0, -2)
          .flat()
          .filter((one) => typeof one === 'string');
        const { run } = await load();
        outcome.exit = await run(names, { options: made.opts(), signal });
      });
  };

  addBackup(command);
  addProofs(command);
  addRestore(command);
  addRetention(command);
  addViews(command);
  return program;
}

type Define = <Options>(
  usage: string,
  about: string,
  load: () => Promise<{ run: Run<Options> }>,
) => Command;

/** Reading a store needs no configuration: a public key is enough. */
function reading(command: Command): Command {
  return command
    .option('--public-key <file>', 'trust what this public key signed, besides the configured keys')
    .option('--trust-anyone', 'use even what no trusted key vouches for');
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
    .addOption(
      new Option('--trigger <kind>', 'what makes this backup')
        .choices(TRIGGER_KINDS.slice(0, 4))
        .default('manual'),
    )
    .option(
      '--at <time>',
      'the time it was triggered for (ISO 8601); the same trigger gives the same backup',
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
  reading(
    command(
      'restore <backup> [path...]',
      'restore a backup, or some paths of it',
      () => import('./commands/restore.ts'),
    ),
  )
    .option('--to <folder>', 'where to; it must not exist, or be empty')
    .option('--owner', 'give files to their recorded owners (as root)')
    .option('--no-verify', 'do not read back and compare what was restored')
    .option('--skip-damaged', 'restore what is whole when entries are damaged');
}

function addRetention(command: Define): void {
  command(
    'prune [source...]',
    'let go of the backups that nothing wants, and say why the others stay',
    () => import('./commands/prune.ts'),
  ).option('-n, --dry-run', 'decide, and let go of nothing');
}

function addViews(command: Define): void {
  reading(
    command('list [source...]', 'the backups in the store', () => import('./commands/list.ts')),
  );
}

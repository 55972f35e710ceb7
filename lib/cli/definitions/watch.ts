// Commands about what is wrong, and about what is done by the clock.
import { Argument, Option } from 'commander';
import { withPublicKey, type Define } from './shared.ts';

/** What is wrong, and what is done by the clock. */
export function addWatch(command: Define): void {
  withPublicKey(
    command(
      'incident',
      'what is wrong, and who is handling it',
      () => import('../commands/incident.ts'),
    ),
  )
    .addArgument(
      new Argument('<action>', 'what to do').choices([
        ...['list', 'show', 'open', 'ack', 'note', 'resolve'],
      ]),
    )
    .argument('[incident]', 'its number; with open, what is wrong')
    .argument('[text]', 'what there is to say')
    .option('--all', 'list: also those that are over')
    .option('--anyway', 'resolve: although what opened it was not proven good again')
    .option('--lead <contact>', 'note: who decides what is done')
    .option('--communication <contact>', 'note: who keeps others informed')
    .option('--cause <text>', 'note: what caused it')
    .option('--action <text>', 'note: what keeps it from happening again; needs --owner and --due')
    .option('--owner <contact>', 'note: who does that')
    .option('--due <date>', 'note: until which day')
    .option('--done <number>', 'note: an action is done');
  command(
    'escalate',
    'send what is due about incidents; run it every minute',
    () => import('../commands/escalate.ts'),
  )
    .option('--once', 'run once and exit, for cron and timers')
    .option('--recover', 'try what may end incidents: failed backups again, and repairs')
    .option('--look', 'check the system now, not only every 15 minutes');
  command(
    'run-due',
    'do what the schedules ask for, once; to be run every quarter of an hour',
    () => import('../commands/run-due.ts'),
  ).option('-n, --dry-run', 'show what is due and why, and do nothing');
  command(
    'schedule',
    'timers of this machine that run `run-due` and `escalate`',
    () => import('../commands/schedule.ts'),
  )
    .addArgument(
      new Argument('<action>', 'what to do with the timers').choices(['install', 'show', 'remove']),
    )
    .argument('[system]', 'remove: of which system; otherwise of the one in the configuration')
    .addOption(
      new Option(
        '--manager <manager>',
        'what starts them; otherwise what this machine has',
      ).choices(['systemd', 'cron', 'launchd']),
    )
    .option(
      '--env-file <file>',
      'install: a file with the variables that `env:` names, as NAME=value',
    )
    .option('--out <folder>', 'install: write the files there, and start nothing')
    .option('-n, --dry-run', 'install, remove: show what would change, and change nothing');
  command(
    'explain [code]',
    'what an error or a condition means, and what to do about it',
    () => import('../commands/explain.ts'),
  );
}

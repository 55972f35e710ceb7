// Commands that show what a store holds.
import { collected, reading, type Define } from './shared.ts';

/** What is in the store, what happened, and how it stands. */
export function addViews(command: Define): void {
  reading(
    command('list [source...]', 'the backups in the store', () => import('../commands/list.ts')),
  );
  reading(
    command(
      'show <backup> [path...]',
      'what a backup is, what it holds, and what changed',
      () => import('../commands/show.ts'),
    ),
  ).option('--all', 'every entry, not only what stands directly in the source or in the paths');
  reading(
    command(
      'diff <before> [after]',
      'what differs between two backups, or a backup and its source now',
      () => import('../commands/diff.ts'),
    ),
  )
    .option('--live', 'compare with the source as it is now; [after] is a folder to take for it')
    .option('--all', 'every difference, not only the first 1000')
    .option('--exit-code', 'end with 4 when anything differs');
  reading(
    command(
      'log [source...]',
      'what happened: runs and all other acts, the newest last',
      () => import('../commands/log.ts'),
    ),
  )
    .option('--limit <n>', 'at most so many, the newest', '50')
    .option('--failed', 'only what did not end well')
    .option(
      '--since <time>',
      'only what began then or later: a day, a time with its zone, or how long ago, such as 7d',
    )
    .option('--until <time>', 'only what began before, or on that day')
    .option(
      '--verb <verb>',
      'only this act, such as restore or incident; may be given several times',
      collected,
    )
    .option(
      '--source <source>',
      'only this source, as an argument does; may be given several times',
      collected,
    );
  reading(
    command(
      'status [source...]',
      'whether each source is protected as it should be',
      () => import('../commands/status.ts'),
    ),
  )
    .option('--nagios', 'one line, with the exit codes of a plugin of Nagios: 0, 1, 2, 3')
    .option('--prometheus <file>', 'also write metrics there, for a textfile collector');
}

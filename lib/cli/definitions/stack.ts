// Commands about the stack on AWS.
import { Option } from 'commander';
import { type Define } from './shared.ts';

export function addStack(command: Define): void {
  command(
    'synth',
    'write the templates of the stack, without contacting AWS',
    () => import('../commands/synth.ts'),
  ).option('-o, --output <folder>', 'where to', 'cdk.out');
  command(
    'deploy',
    'deploy to AWS what holdfast.yaml describes: the bucket, the functions, the alarms',
    () => import('../commands/deploy.ts'),
  )
    .option('-n, --dry-run', 'show what would change on AWS, and change nothing')
    .option('-y, --yes', 'do not ask before permissions are widened')
    .option(
      '--give-up <resource...>',
      'allow these buckets, keys or vaults to be replaced, deleted or left behind; use the names in the refusal',
    );
}

export function addTrigger(command: Define): void {
  command(
    'trigger <source>',
    'start a backup of a source on AWS now, or of a selection by AWS Backup, and report how it ended',
    () => import('../commands/trigger.ts'),
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

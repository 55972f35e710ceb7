// Commands that set a system up, and check how it is set up.
import { Argument } from 'commander';
import { withPublicKey, type Define } from './shared.ts';

export function addSetUp(command: Define): void {
  command(
    'init [folder]',
    'set up a folder: a key, and a commented holdfast.yaml',
    () => import('../commands/init.ts'),
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
    () => import('../commands/config.ts'),
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
      () => import('../commands/doctor.ts'),
    ),
  ).option('--deep', 'look at every file of the sources, not at a sample');
  command(
    'trust',
    'the public keys of the functions on AWS, as a block for `trust` in holdfast.yaml',
    () => import('../commands/trust.ts'),
  ).option('--out <folder>', 'write them as .pub files there, too, for the emergency kit');
  command(
    'alert-test [sink...]',
    'send a test message through each sink of `notify`',
    () => import('../commands/alert-test.ts'),
  )
    .option('--contact <name...>', 'send to these contacts, by their own addresses and numbers')
    .option('-n, --dry-run', 'show the texts of all messages, and send nothing');
}

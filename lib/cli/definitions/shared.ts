// What the definitions of commands have in common.
import { Option, type Command } from 'commander';
import { STORE_FORMS } from '../../names/store-place.ts';
import type { Run } from '../invocation.ts';

/** What every command takes. */
export function commonOptions(): Option[] {
  return [
    new Option('-c, --config <file>', 'the holdfast.yaml to use (HOLDFAST_CONFIG)'),
    new Option('--store <place>', `the store to use: ${STORE_FORMS} (HOLDFAST_STORE)`),
    new Option('--json', 'one JSON document on standard output'),
    new Option('-q, --quiet', 'only what is wrong, and what was asked for'),
  ];
}

/** Adds a command, whose module is loaded when it is called. */
export type Define = <Options>(
  usage: string,
  about: string,
  load: () => Promise<{ run: Run<Options> }>,
) => Command;

/** Reading a store needs no configuration: a public key is enough. */
export function reading(command: Command): Command {
  return withPublicKey(command).option(
    '--trust-anyone',
    'use even what no trusted key vouches for',
  );
}

/** For an option that may be given several times. */
export function collected(one: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), one];
}

/** As `reading`, for what never uses anything that nobody vouches for. */
export function withPublicKey(command: Command): Command {
  return command.option(
    '--public-key <file>',
    'trust what this public key signed, besides the configured keys; may be given several times',
    collected,
  );
}

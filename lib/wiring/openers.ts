// What opens configured sources. Each program has a table of its own, so that the bundle of a function holds only what that function reads.
import type { SourceConfig } from '../config/config.ts';
import type { SecretReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import type { Source } from '../sources/source.ts';

/** What sources of all kinds are opened with. */
export interface OpenContext {
  /** Where services of AWS are asked; undefined for the region of the environment. */
  readonly region: string | undefined;
  /** The secret that a reference names. */
  readonly secret: (reference: SecretReference) => Promise<string>;
}

type ConfigOf<K extends SourceConfig['kind']> = Extract<SourceConfig, { kind: K }>;

export type Openers = {
  readonly [K in SourceConfig['kind']]?: (
    config: ConfigOf<K>,
    context: OpenContext,
  ) => Source | Promise<Source>;
};

/** What reads the source. `CONFIG_INVALID` for a kind that `openers` lacks. */
export async function openConfigured(
  openers: Openers,
  config: SourceConfig,
  context: OpenContext,
): Promise<Source> {
  const open = openers[config.kind] as
    ((config: SourceConfig, context: OpenContext) => Source | Promise<Source>) | undefined;
  if (open !== undefined) return open(config, context);
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the source "${config.name}" is of kind ${config.kind}; this function reads ${Object.keys(openers).join(', ')}`,
    {
      hint: '`holdfast trigger` starts the function that reads it. What no function can reach is backed up where it is, by `holdfast backup`.',
    },
  );
}

// From the configuration of a source to the source that a function reads.
import type { Config, SourceConfig } from '../config/config.ts';
import { HoldfastError } from '../errors.ts';
import { filesKind } from '../sources/files-kind.ts';
import type { Source, SourceKind } from '../sources/source.ts';

/** Every kind of source whose backups functions verify, restore and prune. */
export const KINDS: ReadonlyMap<string, SourceKind> = new Map([[filesKind.kind, filesKind]]);

/** What is configured under that name. `USAGE` when nothing is. */
export function sourceConfig({ sources }: Config, name: string): SourceConfig {
  const found = sources.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new HoldfastError('USAGE', `there is no source "${name.slice(0, 100)}"`, {
    hint: `Known here are ${sources.map((one) => one.name).join(', ')}; a source added since needs a deployment.`,
  });
}

/** The source as configured. `CONFIG_INVALID` for one that no function can reach. */
export function remoteSource(config: SourceConfig): Promise<Source> {
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the source "${config.name}" is of kind ${config.kind}, which functions cannot reach`,
    { hint: 'Back it up where it stands: in CI, or on the server, by `holdfast backup`.' },
  );
}

// What is configured of the source that an event names.
import type { Config, SourceConfig } from '../config/config.ts';
import { HoldfastError } from '../errors.ts';

/** What is configured under that name. `USAGE` when nothing is. */
export function sourceConfig({ sources }: Config, name: string): SourceConfig {
  const found = sources.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new HoldfastError('USAGE', `there is no source "${name.slice(0, 100)}"`, {
    hint: `Known here are ${sources.map((one) => one.name).join(', ')}; a source added since needs a deployment.`,
  });
}

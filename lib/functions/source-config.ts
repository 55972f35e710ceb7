// What is configured of the source that an event names.
import type { Config, SourceConfig } from '../config/config.ts';
import { runsOn } from '../config/config.ts';
import { HoldfastError } from '../errors.ts';
import type { RunsOn } from '../names/aws.ts';

/**
 * What is configured under that name. `USAGE` when nothing is, and for a source whose work is done elsewhere than `here`: whoever does it has
 * neither the time nor the rights.
 */
export function sourceConfig({ sources }: Config, name: string, here: RunsOn): SourceConfig {
  const found = sources.find((one) => one.name === name);
  if (found === undefined) {
    throw new HoldfastError('USAGE', `there is no source "${name.slice(0, 100)}"`, {
      hint: `Known here are ${sources.map((one) => one.name).join(', ')}; a source added since needs a deployment.`,
    });
  }
  const there = runsOn(found);
  if (there === here) return found;
  throw new HoldfastError(
    'USAGE',
    `this is a ${here}, and the work of ${name} is done by a ${there}`,
    {
      hint: `Give the event to the ${there === 'task' ? 'state machine' : 'function'} of the same name: \`runOn\` of the source decides.`,
    },
  );
}

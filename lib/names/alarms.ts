// What alarms are called: `holdfast-my-site/sources/site/late`. A slash or a dot, because no name of a system holds one. Pure.
import { resourceName } from './aws.ts';

/** What the names of those alarms of a system begin with that the function `alert` tells, and of no other alarms. */
export function alarmPrefix(system: string): string {
  return `${nameOf(system)}/`;
}

/** What the names of those begin with that tell the topic themselves; `alert` must not be started by its own failures. */
export function directAlarmPrefix(system: string): string {
  return `${nameOf(system)}.direct/`;
}

function nameOf(system: string): string {
  return resourceName(system, '').replace(/-$/, '');
}

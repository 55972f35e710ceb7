// What alarms are called: `holdfast-my-site/site/age`. A slash, because no name of a system holds one. Pure.
import { resourceName } from '../names/aws.ts';

/** What the names of all alarms of a system begin with, and of no other system's. */
export function alarmPrefix(system: string): string {
  return `${resourceName(system, '').replace(/-$/, '')}/`;
}

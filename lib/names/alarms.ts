// What alarms are called: `holdfast-my-site/sources/site/late`. A slash or a dot, because no name of a system holds one. Pure.
import { createHash } from 'node:crypto';
import { resourceName } from './aws.ts';
import { parseResource } from './resources.ts';

/** What the names of those alarms of a system begin with that the function `alert` tells, and of no other alarms. */
export function alarmPrefix(system: string): string {
  return `${nameOf(system)}/`;
}

/** What the names of those begin with that tell the topic themselves; `alert` must not be started by its own failures. */
export function directAlarmPrefix(system: string): string {
  return `${nameOf(system)}.direct/`;
}

/** A name of an alarm has 255 characters at most, and that of a table alone may have so many. */
const MOST_OF_RESOURCE = 100;

/** What alarms and messages call a resource of AWS within its selection: `dynamodb-tasks`; `any` for those of which a number is expected. */
export function resourceLabel(arn: string): string {
  const resource = parseResource(arn);
  if (resource === undefined) return 'any';
  const label = `${resource.kind}-${resource.name}`;
  if (label.length <= MOST_OF_RESOURCE) return label;
  const digest = createHash('sha256').update(arn).digest('hex').slice(0, 12);
  return `${label.slice(0, MOST_OF_RESOURCE - 13)}-${digest}`;
}

function nameOf(system: string): string {
  return resourceName(system, '').replace(/-$/, '');
}

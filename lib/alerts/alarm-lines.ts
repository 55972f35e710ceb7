// What keeps a system from being well, in words: for the log of `freshness` and for the daily report.
import type { Assessment } from '../policy/assessment.ts';
import { resourceLabel } from '../names/alarms.ts';
import { isUnwell } from '../policy/conditions.ts';

/** Everything because of which the system is not well, as lines; none exactly when it is. */
export function unwellLines({
  sources,
  store,
  recoveryPoints,
}: Pick<Assessment, 'sources' | 'store' | 'recoveryPoints'>): string[] {
  return [
    ...sources.flatMap(({ source, findings }) =>
      findings.filter(isUnwell).map(({ detail }) => `${source}: ${detail}`),
    ),
    ...(recoveryPoints?.resources ?? []).flatMap(({ selection, resource, findings }) =>
      findings
        .filter(isUnwell)
        .map(({ detail }) => `${selection}, ${resourceLabel(resource)}: ${detail}`),
    ),
    ...store.findings.filter(isUnwell).map(({ detail }) => detail),
  ];
}

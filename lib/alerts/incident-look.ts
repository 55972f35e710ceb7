// What a look at the system means for its incidents: which conditions somebody has to act on, and what was looked at. Pure.
import type { Problem } from '../errors.ts';
import { resourceLabel } from '../names/alarms.ts';
import { opensIncident, type Finding } from '../policy/conditions/table.ts';
import type { Look, Urgent } from '../policy/incidents/sync.ts';
import type { Assessment } from '../policy/assessment.ts';

/** As much of a judgment as incidents need; `status` and the functions both have it. */
export interface Judged extends Pick<Assessment, 'at'> {
  readonly sources: readonly { readonly source: string; readonly findings: readonly Finding[] }[];
  readonly store: { readonly findings: readonly Finding[] };
  readonly recoveryPoints?: Assessment['recoveryPoints'];
}

/** What a look at the system says for incidents. */
export function lookOf(
  { at, sources, store, recoveryPoints }: Judged,
  forged: readonly Problem[],
): Look {
  const resources = (recoveryPoints?.resources ?? []).map(({ selection, resource, findings }) => ({
    subject: `${selection}, ${resourceLabel(resource)}`,
    findings,
  }));
  const all = [
    ...sources.map(({ source, findings }) => ({ subject: source, findings })),
    ...resources,
    { subject: 'store', findings: store.findings },
  ];
  const urgent = all.flatMap(({ subject, findings }): Urgent[] =>
    findings
      .filter(opensIncident)
      .map(({ code, detail, since }) => ({ subject, code, detail, since })),
  );
  const [first] = forged;
  if (first !== undefined) {
    const more = forged.length > 1 ? `, and ${forged.length - 1} more` : '';
    const detail = `${first.path} counts for nothing: ${first.detail}${more}`;
    urgent.push({ subject: 'store', code: 'incident-forged', detail });
  }
  return { at, urgent, subjects: new Set(all.map(({ subject }) => subject)) };
}

// What keeps a system from being well, in words: for the log of `freshness` and for the daily report.
import { resourceLabel } from '../names/alarms.ts';
import { isUnwell, type Finding } from '../policy/conditions/table.ts';

interface WithFindings {
  readonly findings: readonly Finding[];
}

/** What is known of a system, as far as it takes to say what is wrong. */
export interface Found {
  readonly sources: readonly (WithFindings & { readonly source: string })[];
  readonly store: WithFindings;
  readonly recoveryPoints?:
    | {
        readonly resources: readonly (WithFindings & {
          readonly selection: string;
          readonly resource: string;
        })[];
      }
    | undefined;
}

/** Everything that is not well in the system, as lines; none exactly when it is. */
export function unwellLines({ sources, store, recoveryPoints }: Found): string[] {
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

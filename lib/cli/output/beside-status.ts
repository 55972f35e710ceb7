// What the state of the sources alone does not tell: a store that changed, a source that has another name now, a missing configuration.
import type { Config } from '../../config/config.ts';
import type { SourceStatus, Status } from '../../engine/status.ts';
import {
  finding,
  gravestOf,
  isUnwell,
  sorted,
  type Finding,
} from '../../policy/conditions/table.ts';
import { counted } from './units.ts';

export interface Beside {
  readonly config: Config | undefined;
  /** Why the store may be another one than that which was written to before. */
  readonly doubt: string | undefined;
  /** About the stores to which backups went before. */
  readonly former: readonly Finding[];
  /** A finding for each source whose backups are made of another place. */
  readonly otherSites: ReadonlyMap<string, Finding>;
}

/** `status` with what is known besides. What cannot be judged is not fine. */
export function withFindings(
  status: Status,
  { config, doubt, former, otherSites }: Beside,
): Status {
  const sources = status.sources.map((one) => {
    const other = otherSites.get(one.source);
    const named = one.findings.map((found) =>
      found.code === 'not-configured'
        ? { ...found, detail: absentText(one, status.sources, config) }
        : found,
    );
    const findings = sorted(other === undefined ? named : [other, ...named]);
    return { ...one, findings, verdict: gravestOf(findings) };
  });
  const found: Finding[] = [
    ...(doubt === undefined ? [] : [finding('another-store', doubt)]),
    ...status.store.findings,
    ...former,
    ...(config === undefined ? [UNJUDGED] : []),
  ];
  const store = { ...status.store, findings: found, verdict: gravestOf(found) };
  const resources = status.recoveryPoints?.resources ?? [];
  const all = [...[...sources, ...resources].flatMap(({ findings }) => findings), ...found];
  return { ...status, verdict: gravestOf(all), well: !all.some(isUnwell), sources, store };
}

const UNJUDGED = finding(
  'not-judged',
  'there is no configuration: whether anything is backed up often enough, or at all, cannot be judged',
);

/** What becomes of a source that the configuration does not name. */
function absentText(
  { source, backups }: SourceStatus,
  all: readonly SourceStatus[],
  config: Config | undefined,
): string {
  if (config === undefined) return 'no configuration says how often it should be backed up';
  const count = Object.values(backups).reduce((sum, one) => sum + one, 0);
  const stay = `it is not in the configuration: its ${counted(count, 'backup')} can be restored as before, nothing prunes them, and no new one is made`;
  const begun = all.find((one) => one.configured && Object.keys(one.backups).length === 0);
  return begun === undefined
    ? `${stay}; if it has another name now, call it "${source}" again to go on with them`
    : `${stay}; if it is "${begun.source}" now, which has no backup yet, call it "${source}" again to go on with them`;
}

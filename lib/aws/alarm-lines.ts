// What has to be acted on, in words: for the log of `freshness` and for the daily report.
import type { Measures } from '../engine/freshness.ts';
import { isUnwell } from '../engine/status-findings.ts';

/** What has to be acted on, as lines. */
export function alarmsOf({ findings, store }: Measures): string[] {
  const { hiddenManifests, releasedButWanted } = store;
  return [
    ...findings
      .entries()
      .flatMap(([source, found]) =>
        found.filter(isUnwell).map(({ detail }) => `${source}: ${detail}`),
      ),
    ...(hiddenManifests > 0 ? [`${hiddenManifests} backups are hidden in the store`] : []),
    ...(releasedButWanted > 0
      ? [`${releasedButWanted} backups are released that the policy keeps`]
      : []),
  ];
}

// The alarms of what AWS Backup protects: where their limits are, and what their metrics are called.
import { thresholdOf } from '../../../config/alarms.ts';
import type { ConfiguredAlarm } from '../../../config/alarms.ts';
import { selectionPromise } from '../../../config/objectives.ts';
import type { SelectionConfig } from '../../../config/recovery-points.ts';
import { resourceLabel } from '../../../names/alarms.ts';
import { resourceMetric } from '../../../names/metrics.ts';
import type { ResourceMetric } from '../../../names/metrics.ts';
import { conditionOf } from '../../../policy/conditions/table.ts';
import { pointLimits } from '../../../policy/recovery-points/facts.ts';
import { published } from './alarms.ts';
import type { AlarmDefinition } from './alarms.ts';
import { hours } from './of-sources.ts';

/** The alarm of a resource of `selection`; none where nothing was promised, as of copies where none are made. */
export function resourceAlarm(
  alarm: ConfiguredAlarm,
  selection: SelectionConfig,
  { system, now }: { system: string; now: Date },
): AlarmDefinition[] {
  const { code, watched, subject } = alarm;
  if (subject.about !== 'resource') return [];
  const limits = pointLimits(selectionPromise(selection), now);
  const threshold = thresholdOf(watched, limits);
  if (threshold === undefined) return [];
  const limit = (watched.only === undefined ? undefined : limits[watched.only]) ?? threshold;
  const sentence = conditionOf(code).sentence.replace('LIMIT', hours(limit));
  return [
    {
      alarm,
      threshold,
      means: `${selection.name}, ${resourceLabel(subject.resource)}: ${sentence}.`,
      metric: published(resourceMetric(system, subject, watched.metric as ResourceMetric)),
    },
  ];
}

// The alarms of one source: where its limits are, and what its metrics are called.
import { thresholdOf } from '../../../config/alarms.ts';
import type { ConfiguredAlarm, Limits } from '../../../config/alarms.ts';
import type { SourceConfig } from '../../../config/config.ts';
import { objectivesOf } from '../../../config/objectives.ts';
import { sourceMetric } from '../../../names/metrics.ts';
import type { SourceMetric } from '../../../names/metrics.ts';
import { conditionOf } from '../../../policy/conditions/table.ts';
import { HOUR_MS } from '../../../durations.ts';
import { durationText } from '../../../policy/durations.ts';
import { limitsOf } from '../../../policy/objectives.ts';
import { published } from './alarms.ts';
import type { AlarmDefinition } from './alarms.ts';

/** The alarm of `source`; none where nothing was promised, as of the age of what has no schedule. */
export function sourceAlarm(
  alarm: ConfiguredAlarm,
  source: SourceConfig,
  { system, now }: { system: string; now: Date },
): AlarmDefinition[] {
  const { code, watched } = alarm;
  const limits: Limits = limitsOf(objectivesOf(source), now);
  const threshold = thresholdOf(watched, limits);
  if (threshold === undefined) return [];
  const limit = (watched.only === undefined ? undefined : limits[watched.only]) ?? threshold;
  const sentence = conditionOf(code).sentence.replace('LIMIT', hours(limit));
  return [
    {
      alarm,
      threshold,
      means: `${source.name}: ${sentence}.`,
      metric: published(sourceMetric(system, source.name, watched.metric as SourceMetric)),
    },
  ];
}

/** A limit in words. */
export function hours(seconds: number): string {
  if (seconds * 1000 < 2 * HOUR_MS) return durationText(seconds * 1000);
  const whole = Math.round(seconds / 3600);
  return whole > 72 ? `${Math.round(whole / 24)} days` : `${whole} hours`;
}

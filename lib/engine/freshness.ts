// How the store stands, for alarms: the same judgment as that of `status`, by a clock and on a store that can be relied on.
import { assess, type Assessment, type SourceMeasures } from '../policy/assessment.ts';
import { assertClock } from './catalog/clock.ts';
import type { Engine } from './engine.ts';
import { assertOurs } from './catalog/marker.ts';
import { measure, type MeasureInput } from './measure.ts';

/**
 * Looks at the whole store. Changes nothing.
 *
 * `CLOCK_SKEW` when this clock cannot be trusted, `STORE_CONFLICT` when the store is another system's, and whatever the store says
 * when it cannot be read: there are no numbers then, and never numbers that look well.
 */
export async function assessStore(engine: Engine, input: MeasureInput): Promise<Assessment> {
  await assertClock(engine);
  await assertOurs(engine);
  const { facts } = await measure(engine, input);
  return assess(facts);
}

/** The numbers of the configured sources, by their names. */
export function sourceMeasures({ sources }: Assessment): Readonly<Record<string, SourceMeasures>> {
  return Object.fromEntries(
    sources.flatMap(({ source, configured, measures }) => (configured ? [[source, measures]] : [])),
  );
}

/** The numbers of what AWS Backup protects; undefined where it protects nothing. */
export function recoveryPointMeasures({ recoveryPoints }: Assessment) {
  if (recoveryPoints === undefined) return undefined;
  const { resources, missing, vaults } = recoveryPoints;
  return {
    resources: resources.map(({ selection, resource, measures }) => ({
      ...{ selection, resource, measures },
    })),
    selections: Object.fromEntries(
      [...missing].map(([selection, missingResources]) => [selection, { missingResources }]),
    ),
    vaults: Object.fromEntries(vaults.map(({ vault, bytes }) => [vault, { vaultBytes: bytes }])),
  };
}

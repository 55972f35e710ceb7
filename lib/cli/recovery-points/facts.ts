// What AWS Backup holds, for the judgment that `status` shows: the same that the alarms go by.
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import type { MeasureInput } from '../../engine/measure.ts';
import { HoldfastError } from '../../errors.ts';
import { vaultName } from '../../names/recovery-points.ts';

/** The facts; undefined where there is nothing to ask for, or AWS Backup does not answer from here: then nothing is judged. */
export async function pointFacts(
  engine: Engine,
  config: Config | undefined,
): Promise<MeasureInput['recoveryPoints']> {
  const points = config?.aws?.recoveryPoints;
  if (config === undefined || points === undefined) return undefined;
  const { openBackupReader } = await import('../../recovery-points/aws-backup.ts');
  const { lookAtRecoveryPoints } = await import('../../recovery-points/watch.ts');
  const { signal } = engine;
  const own = config.aws?.region;
  const open = (region = own) =>
    openBackupReader({ signal, ...(region !== undefined && { region }) });
  try {
    await open().vault(vaultName(config.system));
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'CANCELLED') return undefined;
    throw error;
  }
  const sources = config.sources.map(({ name }) => name);
  return lookAtRecoveryPoints(engine, { system: config.system, config: points, sources, open });
}

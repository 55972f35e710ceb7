// The recovery points of a system, as `list` and `status` show them: from AWS Backup where it answers, and from the store in any case.
import type { Config } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import { vaultName } from '../../names/recovery-points.ts';
import type { PointSeen } from '../../policy/recovery-points/standing.ts';
import { listPoints, type ListedPoint } from '../../recovery-points/listed.ts';
import { recordedPoints } from '../../recovery-points/seen.ts';
import { selectionOf } from '../../recovery-points/selection.ts';
import { displayText } from '../../format/paths.ts';
import { ageText, bytesText, table, timeText } from '../output/units.ts';
import { selectionsOf } from './selections.ts';

/** Somebody waits: a service that does not answer is given up soon. */
const PATIENCE_MS = 15_000;

export interface ListedPoints {
  readonly points: readonly ListedPoint[];
  /** Why AWS Backup was not asked, or did not answer; undefined when it did. */
  readonly unasked: string | undefined;
  readonly problems: readonly Problem[];
}

/** The recovery points of the selections of those names, or of all. */
export async function readPoints(
  engine: Engine,
  config: Config | undefined,
  names: readonly string[],
): Promise<ListedPoints | undefined> {
  const wanted = selectionsOf(config).filter(
    ({ name }) => names.length === 0 || names.includes(name),
  );
  if (config === undefined || wanted.length === 0) return undefined;
  const asked = await askVault(config, engine.signal);
  const problems: Problem[] = [];
  const points: ListedPoint[] = [];
  for (const { name } of wanted) {
    const recorded = await recordedPoints(engine, name, (problem) => problems.push(problem));
    const own = asked.points?.filter((point) => selectionIs(name, point, config));
    points.push(...listPoints(name, recorded, { seen: own, now: engine.now() }));
  }
  return { points, unasked: asked.why, problems };
}

function selectionIs(name: string, { resource }: PointSeen, { aws }: Config): boolean {
  const { recoveryPoints } = aws ?? {};
  return recoveryPoints !== undefined && selectionOf(resource, recoveryPoints)?.name === name;
}

async function askVault(
  { system, aws }: Config,
  signal: AbortSignal | undefined,
): Promise<{ points: PointSeen[] | undefined; why: string | undefined }> {
  const { openBackupReader } = await import('../../recovery-points/aws-backup.ts');
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const reader = openBackupReader({
    ...(aws !== undefined && { region: aws.region }),
    signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
  });
  try {
    const points: PointSeen[] = [];
    for await (const point of reader.points(vaultName(system))) points.push(point);
    return { points, why: undefined };
  } catch (error) {
    if (!(error instanceof HoldfastError) || signal?.aborted === true) throw error;
    return { points: undefined, why: error.message };
  }
}

const HEAD = ['selection', 'resource', 'made', 'age', 'standing', 'tested', 'stored', 'kept until'];

/** A table of recovery points, one a line; empty without any. */
export function pointLines(points: readonly ListedPoint[], now: Date): string[] {
  if (points.length === 0) return [];
  return table([HEAD, ...points.map((point) => rowOf(point, now))]);
}

function rowOf(point: ListedPoint, now: Date): string[] {
  const { selection, resource, at, standing, test, bytes, keptUntil } = point;
  const made = new Date(at);
  return [
    selection,
    displayText(shortName(resource)),
    timeText(made),
    ageText(made, now),
    standing,
    test?.verdict ?? 'no',
    bytes === undefined ? '' : bytesText(bytes),
    keptUntil === undefined ? '' : keptUntil.slice(0, 10),
  ];
}

/** Without the account: `table/tasks`. */
export function shortName(arn: string): string {
  return arn.split(':').slice(5).join(':') || arn;
}

// Recovery points as they are listed: what AWS Backup holds now, beside what the store knows of each. Pure.
import { pointStanding, type PointSeen } from '../policy/recovery-points/standing.ts';
import type { RecordedPoint, TestSeen } from './seen.ts';

export interface ListedPoint {
  readonly selection: string;
  readonly resource: string;
  readonly recoveryPoint: string;
  readonly at: string;
  /** As `PointStanding`; `recorded` where AWS Backup was not asked, and `failed` for a job that made none. */
  readonly standing: string;
  readonly why: string;
  readonly bytes: number | undefined;
  readonly keptUntil: string | undefined;
  readonly test: TestSeen | undefined;
}

/**
 * The recovery points of a selection, oldest first. `seen` is what AWS Backup lists of its resources; undefined where it was not
 * asked: then what was recorded is listed, whether it is still there or not.
 */
export function listPoints(
  selection: string,
  recorded: readonly RecordedPoint[],
  { seen, now }: { seen: readonly PointSeen[] | undefined; now: Date },
): ListedPoint[] {
  const trusted = recorded.filter(({ distrust }) => distrust === undefined);
  if (seen === undefined) return trusted.map(fromRecord);
  const byArn = new Map(trusted.map((one) => [one.recoveryPoint, one]));
  const live = seen.map((point) =>
    fromVault(selection, point, { now, known: byArn.get(point.arn) }),
  );
  const failed = trusted.filter(({ recoveryPoint }) => recoveryPoint === '').map(fromRecord);
  return [...live, ...failed].sort((a, b) => (a.at < b.at ? -1 : 1));
}

function fromRecord(one: RecordedPoint): ListedPoint {
  const { selection, resource, recoveryPoint, at, verdict, detail, bytes, test } = one;
  const standing = verdict === 'done' ? 'recorded' : verdict === 'partial' ? 'bad' : 'failed';
  const why = verdict === 'done' ? 'as its job was recorded' : detail;
  return {
    selection,
    resource,
    recoveryPoint,
    at,
    standing,
    why,
    bytes,
    test,
    keptUntil: undefined,
  };
}

function fromVault(
  selection: string,
  point: PointSeen,
  { now, known }: { now: Date; known: RecordedPoint | undefined },
): ListedPoint {
  const { standing, why } = pointStanding(point, now);
  return {
    selection,
    resource: point.resource,
    recoveryPoint: point.arn,
    at: point.created.toISOString(),
    standing: known?.test?.verdict === 'damaged' ? 'damaged' : standing,
    why: known?.test?.verdict === 'damaged' ? known.test.detail : why,
    bytes: point.bytes,
    keptUntil: point.deleteAt?.toISOString(),
    test: known?.test,
  };
}

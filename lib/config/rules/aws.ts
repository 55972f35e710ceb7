// What must hold for what runs on AWS: the stack and its functions.
import { DAY_MS } from '../../durations.ts';
import { maxSystemLength } from '../../names/aws.ts';
import { S3_URL_FORM } from '../../names/s3-place.ts';
import { s3PlaceOf } from '../../names/store-place.ts';
import { databaseFindings, packageFindings } from './databases.ts';
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import { outOfReach, rateFindings, repeatedFindings } from './functions.ts';
import type { PlacedSource } from './sources.ts';
import { globsOf, leavesOut, mergedRetention } from './sources.ts';
import { diskFindings, taskFindings } from './tasks.ts';
import type { ConfigShape, RetentionShape } from '../schema/configuration.ts';
import { durationMs, formatDuration } from '../units.ts';
import type { Path } from '../load/yaml.ts';

/** Finds what would stop the stack from being made, or from protecting what it promises to. */
export function stackFindings(shape: ConfigShape): ConfigFinding[] {
  const { aws } = shape;
  if (aws === undefined) return [];
  return [
    ...stackPlaceFindings(shape),
    ...lockFindings(shape, aws),
    ...repeatedFindings(aws.deployingRoles, ['aws', 'deployingRoles'], 'role'),
    ...repeatedFindings(aws.breakGlassRoles, ['aws', 'breakGlassRoles'], 'role'),
    ...packageFindings(aws),
    ...diskFindings(aws),
  ];
}

function stackPlaceFindings({ store, system, sources, aws }: ConfigShape): ConfigFinding[] {
  const findings: ConfigFinding[] = [];
  const allowed = S3_URL_FORM;
  const place = s3PlaceOf(store);
  if (place === undefined)
    findings.push({
      path: ['store'],
      also: [['aws']],
      message: `got ${quote(store)}, but "aws" needs a store on S3`,
      allowed,
    });
  else if (place.region === undefined)
    findings.push({
      path: ['store'],
      also: [['aws']],
      message: `got ${quote(store)}, which names no region, and "aws" is deployed to that of the store`,
      allowed,
    });
  if (aws?.account !== undefined && place?.account !== undefined && aws.account !== place.account)
    findings.push({
      path: ['aws', 'account'],
      also: [['store']],
      message: `got ${quote(aws.account)}, but the bucket of "store" belongs to ${quote(place.account)}`,
      allowed: 'the same account in both, or in one of them alone',
    });
  const databases = Object.values(sources).some(({ kind }) => kind === 'postgres');
  const recoveryPoints = aws?.recoveryPoints !== undefined;
  const most = maxSystemLength({ databases, recoveryPoints });
  const withOthers = databases ? '"aws" and a database' : '"aws"';
  if (system.length > most)
    findings.push({
      path: ['system'],
      also: [['aws']],
      message: `got ${quote(system)}, ${system.length} characters, from which names on AWS would become too long`,
      allowed: `at most ${most} characters together with ${recoveryPoints ? '"aws.recoveryPoints"' : withOthers}`,
    });
  return findings;
}

/** For how long the longest rule keeps a backup; undefined when that depends on how often there is one. */
function longestLifeDays(retention: RetentionShape): number | undefined {
  const { daily, weekly, monthly, yearly, last, within } = retention;
  if (last > 0) return undefined;
  return Math.max(daily, weekly * 7, monthly * 28, yearly * 365, durationMs(within) / DAY_MS);
}

/** Finds a lock that would outlive what it protects, so that letting go of a backup would mean nothing. */
function lockFindings(shape: ConfigShape, aws: NonNullable<ConfigShape['aws']>): ConfigFinding[] {
  const path: Path = ['aws', 'lock', 'days'];
  const { days, mode } = aws.lock;
  const undoDays = durationMs(aws.undo) / DAY_MS;
  const findings: ConfigFinding[] = [];
  if (days > undoDays) {
    const who = mode === 'compliance' ? ', and in compliance mode nobody can delete it before' : '';
    findings.push({
      path,
      also: [['aws', 'undo']],
      message: `got ${days}, but a released backup is to be gone after "undo", ${aws.undo}: the lock would hold it longer${who}`,
      allowed: `at most ${undoDays}, or a longer "undo"`,
    });
  }
  const policies = [
    { at: ['retention'], retention: shape.retention },
    ...Object.entries(shape.sources).flatMap(([name, { retention }]) =>
      retention === undefined
        ? []
        : [
            {
              at: ['sources', name, 'retention'],
              retention: mergedRetention(shape.retention, retention),
            },
          ],
    ),
  ];
  for (const { at, retention } of policies) {
    const lifeDays = longestLifeDays(retention);
    // A policy that keeps nothing has a fault of its own.
    if (lifeDays === undefined || lifeDays === 0 || lifeDays >= days) continue;
    findings.push({
      path: at,
      also: [path],
      message: `keeps nothing for longer than ${formatDuration(lifeDays * DAY_MS)}, but every backup is locked for ${days}d`,
      allowed: `a rule that keeps for at least ${days} days, or fewer days in aws.lock.days`,
    });
  }
  return findings;
}

/** Finds what would stop a function from backing up a source. */
export function remoteFindings(
  { at, source }: PlacedSource,
  shape: ConfigShape,
  now: Date,
): ConfigFinding[] {
  if (source.kind === 'files') return [];
  if (source.kind === 'postgres') return databaseFindings({ at, source }, shape, now);
  const findings = repeatedFindings(source.onDeployment, [...at, 'onDeployment'], 'trigger');
  if (source.kind === 'bucket') {
    findings.push(...ownStoreFindings({ at, source }, shape));
    findings.push(...taskFindings({ at, source }, shape));
  }
  if (source.kind === 'parameters' && source.paths.length + source.secretNames.length === 0)
    findings.push({
      path: [...at, 'paths'],
      also: [[...at, 'secretNames']],
      message: 'nothing is named that could be backed up',
      allowed: 'at least one path, or the beginning of a name in "secretNames"',
    });
  if (shape.aws === undefined) {
    if (source.onDeployment.length > 0)
      findings.push({
        path: [...at, 'onDeployment'],
        also: [['aws']],
        message: 'nobody would hear of a deployment: the stack does',
        allowed: '"onDeployment" together with "aws"',
      });
    return findings;
  }
  if (source.kind === 'github') findings.push(...outOfReach(source.token, [...at, 'token']));
  return [...findings, ...rateFindings({ at, source }, now)];
}

/** Finds a bucket that would back up the store itself: each backup would hold all before it. */
function ownStoreFindings({ at, source }: PlacedSource, { store }: ConfigShape): ConfigFinding[] {
  const place = s3PlaceOf(store);
  if (source.kind !== 'bucket' || place?.bucket !== source.bucket) return [];
  const { prefix } = source;
  const isInside = place.prefix !== '' && prefix.startsWith(place.prefix);
  const inside = place.prefix.slice(prefix.length);
  const isAround = place.prefix.startsWith(prefix);
  if (!isInside && !isAround) return [];
  const excluded =
    inside !== '' && globsOf(source, 'exclude').some((one) => leavesOut(one, inside));
  if (!isInside && excluded) return [];
  return [
    {
      path: [...at, 'bucket'],
      also: [['store'], [...at, 'prefix'], [...at, 'exclude']],
      message: `${quote(source.bucket)} with the prefix ${quote(prefix)} holds the store`,
      allowed:
        isInside || inside === ''
          ? 'another bucket, or a prefix outside of the store'
          : `another bucket or prefix, or an "exclude" that names the store (${quote(inside)})`,
    },
  ];
}

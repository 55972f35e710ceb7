// From what `aws.recoveryPoints` says to what the program uses. Pure.
import assert from 'node:assert/strict';

import { DAY_MS } from '../../durations.ts';
import { parseResource, parseVault } from '../../names/resources.ts';
import type { ResourceKind } from '../../names/resources.ts';
import { timeZoneName } from '../../policy/calendar.ts';
import type {
  CopyConfig,
  ExpectedResources,
  RecoveryPointRetention,
  RecoveryPointsConfig,
  RecoveryPointTestConfig,
  SelectionConfig,
} from '../recovery-points.ts';
import type { ConfigShape, SelectionShape } from '../schema/configuration.ts';
import { durationMs } from '../units.ts';

/** What AWS Backup does for the system; undefined where it does nothing. */
export function recoveryPointsOf({
  aws,
  retention,
}: ConfigShape): RecoveryPointsConfig | undefined {
  const shape = aws?.recoveryPoints;
  if (shape === undefined) return undefined;
  const { mode, minDays, maxDays, graceDays } = shape.lock;
  return {
    lock: { mode, minDays, maxDays, graceDays },
    selections: Object.entries(shape.selections).map(([name, selection]) =>
      selectionOf(name, selection, retention),
    ),
  };
}

function selectionOf(
  name: string,
  shape: SelectionShape,
  retention: ConfigShape['retention'],
): SelectionConfig {
  const { resources, tags, keys, schedule, rpo, rto, grace, continuous, coldAfter } = shape;
  return {
    ...{ name, resources, tags, keys, schedule },
    expected: expectedOf(shape),
    kinds: kindsOf(shape),
    timeZone: timeZoneName(shape.timeZone),
    rpoMs: rpo === undefined ? undefined : durationMs(rpo),
    rtoMs: rto === undefined ? undefined : durationMs(rto),
    graceMs: durationMs(grace),
    retention: pointRetention(shape, retention),
    continuousDays: daysOf(continuous),
    coldAfterDays: daysOf(coldAfter),
    copies: shape.copies.map(({ vault }) => copyOf(vault)),
    restoreTest: testOf(shape),
  };
}

/** How long recovery points of a selection are kept: its own numbers over those of the file. */
export function pointRetention(
  { retention }: Pick<SelectionShape, 'retention'>,
  system: ConfigShape['retention'],
): RecoveryPointRetention {
  return {
    daily: retention.daily ?? system.daily,
    weekly: retention.weekly ?? system.weekly,
    monthly: retention.monthly ?? system.monthly,
    yearly: retention.yearly ?? system.yearly,
  };
}

/** What a selection should match. */
export function expectedOf({
  resources,
  expect,
}: Pick<SelectionShape, 'resources' | 'expect'>): ExpectedResources {
  if (typeof expect === 'number') return { arns: undefined, count: expect };
  return { arns: expect ?? resources };
}

/** The kinds of what a selection names or expects, or those that it says. */
export function kindsOf(
  shape: Pick<SelectionShape, 'resources' | 'expect' | 'kinds'>,
): ResourceKind[] {
  const { arns = [] } = expectedOf(shape);
  const named = arns.flatMap((arn) => parseResource(arn)?.kind ?? []);
  return [...new Set([...named, ...shape.kinds])].sort();
}

function testOf({ restoreTest, grace }: SelectionShape): RecoveryPointTestConfig {
  const { every, subnetGroup, securityGroups, postgres } = restoreTest;
  const everyDays = every === 'never' ? undefined : daysOf(every);
  return {
    everyDays,
    maxAgeMs: everyDays === undefined ? undefined : everyDays * DAY_MS + durationMs(grace),
    ...{ subnetGroup, securityGroups, postgres },
  };
}

function copyOf(arn: string): CopyConfig {
  const vault = parseVault(arn);
  assert(vault !== undefined, 'an invalid ARN of a vault passed the schema');
  return { arn, ...vault };
}

function daysOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text) / DAY_MS;
}

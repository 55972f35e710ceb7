// From what the file says to what the program uses: paths absolute, durations in milliseconds, sizes in bytes. Pure.
import assert from 'node:assert/strict';

import type { Config, RestoreTestConfig, RetentionConfig, SourceConfig } from './config.ts';
import { absolutePath, parseReference } from './places.ts';
import type { Bases } from './places.ts';
import type { ConfigShape, RetentionShape, SourceShape } from './schema.ts';
import { mergedRetention } from './source-rules.ts';
import { normalizePublicKey } from './trust.ts';
import { durationMs, parseSize } from './units.ts';

/** Where the file and the store are. */
export interface Origin extends Bases {
  readonly file: string;
  /** Absolute. */
  readonly store: string;
  readonly storeFrom: Config['storeFrom'];
}

function retentionOf({ within, ...counts }: RetentionShape): RetentionConfig {
  return { ...counts, withinMs: durationMs(within) };
}

const DAY_MS = 86_400_000;
// The longest month and quarter, so that a test on the first of each is never late.
const TEST_INTERVALS_MS = {
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 31 * DAY_MS,
  quarter: 92 * DAY_MS,
};

function restoreTestOf({ restoreTest, rpo, grace }: SourceShape): RestoreTestConfig {
  const { every } = restoreTest;
  const backupMs = rpo === undefined ? undefined : durationMs(rpo);
  const intervalMs =
    every === 'never' ? undefined : every === 'backup' ? backupMs : TEST_INTERVALS_MS[every];
  return { every, maxAgeMs: intervalMs === undefined ? undefined : intervalMs + durationMs(grace) };
}

function sourceOf(
  name: string,
  shape: SourceShape,
  system: ConfigShape,
  bases: Bases,
): SourceConfig {
  const { rpo, rto, grace, schedule, retention, ...same } = shape;
  return {
    name,
    ...same,
    path: absolutePath(shape.path, bases),
    schedule,
    rpoMs: rpo === undefined ? undefined : durationMs(rpo),
    rtoMs: rto === undefined ? undefined : durationMs(rto),
    graceMs: durationMs(grace),
    restoreTest: restoreTestOf(shape),
    retention: retentionOf(mergedRetention(system.retention, retention)),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** The configuration that `shape` describes, frozen. The shape must have passed every rule. */
export function resolveConfig(shape: ConfigShape, origin: Origin): Config {
  const { capacity, signing } = shape;
  return deepFreeze({
    file: origin.file,
    version: shape.version,
    system: shape.system,
    store: origin.store,
    storeFrom: origin.storeFrom,
    capacityBytes: typeof capacity === 'string' ? parseSize(capacity) : capacity,
    signingKey: signing && parseReference(signing.key, origin),
    trust: shape.trust.map(({ name, publicKey, prefixes }) => {
      const normalized = normalizePublicKey(publicKey);
      assert(normalized !== undefined, 'a public key passed the rules that is none');
      return { name, publicKey: normalized, prefixes };
    }),
    sources: Object.entries(shape.sources).map(([name, source]) =>
      sourceOf(name, source, shape, origin),
    ),
    retention: retentionOf(shape.retention),
    pruneAfterBackup: shape.prune.afterBackup,
  });
}

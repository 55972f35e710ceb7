// From what the file says to what the program uses: paths absolute, durations in milliseconds, sizes in bytes. Pure.
import assert from 'node:assert/strict';

import { timeZoneName } from '../../policy/calendar.ts';
import { DAY_MS } from '../../durations.ts';
import { awsOf, deploymentTrigger } from './resolve-aws.ts';
import type {
  Config,
  PostgresSourceConfig,
  RestoreTestConfig,
  RetentionConfig,
  SourceConfig,
} from '../config.ts';
import { absolutePath, parseKeyReference, parseReference } from '../places.ts';
import type { Bases } from '../places.ts';
import type { ConfigShape, RetentionShape, SourceShape } from '../schema/configuration.ts';
import { mergedRetention } from '../rules/sources.ts';
import { notifyOf } from './resolve-notify.ts';
import { normalizePublicKey } from './trust.ts';
import { durationMs, sizeBytes } from '../units.ts';

/** Where the file and the store are. */
export interface Origin extends Bases {
  readonly file: string;
  /** The absolute path of a folder, or the URL of another store. */
  readonly store: string;
  readonly storeFrom: Config['storeFrom'];
}

function retentionOf({ within, timeZone, ...counts }: RetentionShape): RetentionConfig {
  return { ...counts, timeZone: timeZoneName(timeZone), withinMs: durationMs(within) };
}

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
  const { rpo, rto, grace, retention } = shape;
  const common = {
    name,
    tolerate: shape.tolerate,
    allowEmpty: shape.allowEmpty,
    compression: shape.compression,
    schedule: shape.schedule,
    timeZone: timeZoneName(shape.timeZone),
    afterRestore: shape.kind === 'postgres' ? [] : shape.afterRestore,
    rpoMs: rpo === undefined ? undefined : durationMs(rpo),
    rtoMs: rto === undefined ? undefined : durationMs(rto),
    graceMs: durationMs(grace),
    dropShare: shape.dropPercent / 100,
    restoreTest: restoreTestOf(shape),
    retention: retentionOf(mergedRetention(system.retention, retention)),
    heartbeat: shape.heartbeat === undefined ? undefined : parseReference(shape.heartbeat, bases),
  };
  return { ...common, ...ownOf(shape, bases) };
}

type Own<Source> = Source extends SourceConfig ? Omit<Source, CommonKey> : never;
type CommonKey = Exclude<keyof SourceConfig, 'kind'>;

/** A connection that says everything. */
export const NO_SERVER: PostgresSourceConfig['server'] = {
  ...{ host: undefined, port: undefined, database: undefined, user: undefined },
  ...{ sslmode: undefined, resourceId: undefined },
};

/** What a source of one kind has of its own. */
function ownOf(shape: SourceShape, bases: Bases): Own<SourceConfig> {
  switch (shape.kind) {
    case 'files': {
      const { kind, include, exclude, gitignore, secrets, oneFileSystem, times } = shape;
      const path = absolutePath(shape.path, bases);
      return { kind, path, include, exclude, gitignore, secrets, oneFileSystem, times };
    }
    case 'postgres': {
      const connection =
        shape.connection === 'iam' ? 'iam' : parseReference(shape.connection, bases);
      assert(connection !== undefined, 'an invalid reference passed the rules');
      const { kind, schemas, excludeSchemas, tables, excludeTables, timestamps, checks } = shape;
      const { binaries, maxDatabaseSize, runOn, format, jobs } = shape;
      return {
        kind,
        ...{ schemas, excludeSchemas, tables, excludeTables, timestamps, checks },
        connection,
        server: { ...NO_SERVER, ...shape.server },
        binaries: binaries === undefined ? undefined : absolutePath(binaries, bases),
        lockWaitTimeoutSeconds: Math.ceil(durationMs(shape.lockWaitTimeout) / 1000),
        maxDatabaseBytes: sizeBytes(maxDatabaseSize),
        ...{ runOn, format, jobs },
      };
    }
    case 'bucket': {
      const { kind, bucket, prefix, include, exclude, region, account, runOn } = shape;
      const onDeployment = shape.onDeployment.map(deploymentTrigger);
      return { kind, bucket, prefix, include, exclude, region, account, runOn, onDeployment };
    }
    case 'github': {
      const { kind, repository, ref, include, exclude, api } = shape;
      const token = shape.token === undefined ? undefined : parseReference(shape.token, bases);
      const onDeployment = shape.onDeployment.map(deploymentTrigger);
      return { kind, repository, ref, include, exclude, token, api, onDeployment };
    }
    case 'parameters': {
      const { kind, paths, secretNames, secrets, region } = shape;
      const onDeployment = shape.onDeployment.map(deploymentTrigger);
      return { kind, paths, secretNames, secrets, region, onDeployment };
    }
  }
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
    capacityBytes: capacity === undefined ? undefined : sizeBytes(capacity),
    signingKey: signing && parseKeyReference(signing.key, origin),
    trust: shape.trust.map(({ name, publicKey, prefixes, events }) => {
      const normalized = normalizePublicKey(publicKey);
      assert(normalized !== undefined, 'an invalid public key passed the rules');
      return { name, publicKey: normalized, prefixes, events };
    }),
    sources: Object.entries(shape.sources).map(([name, source]) =>
      sourceOf(name, source, shape, origin),
    ),
    otherDatabases: shape.otherDatabases,
    retention: retentionOf(shape.retention),
    pruneAfterBackup: shape.prune.afterBackup,
    aws: awsOf(shape),
    notify: notifyOf(shape, origin),
  });
}

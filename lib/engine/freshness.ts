// What the store says of itself, as numbers that alarms can watch: computed anew each time, from signed files and from listings.
import { parseBackupKey, parseRecordKey, MARKER_KEY } from '../format/layout.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';
import { assertClock } from './clock.ts';
import type { Engine } from './engine.ts';
import {
  measureSource,
  type FreshnessInput,
  type SourceMeasured,
  type SourceMeasures,
} from './freshness-source.ts';
import { assertOurs } from './marker.ts';
import { configuredSince, lastSeen } from './schedules-seen.ts';
import { isUnwell, type Finding } from './status-findings.ts';

/** Counts and sizes of the whole store. */
export interface StoreMeasures {
  readonly hiddenManifests: number;
  readonly releasedButWanted: number;
  readonly untrustedBackups: number;
  readonly futureBackups: number;
  readonly storedBytes: number;
  /** Undefined without a capacity. */
  readonly capacityUsedPercent: number | undefined;
}

export interface Measures {
  readonly at: Date;
  /** Of those that are configured. */
  readonly sources: Readonly<Record<string, SourceMeasures>>;
  readonly store: StoreMeasures;
  /** What somebody has to act on or look at, by source; what concerns the store as a whole stands in `store`. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  /** True when nothing has to be acted on. */
  readonly allIsWell: boolean;
}

/**
 * Looks at the whole store. Changes nothing.
 *
 * `CLOCK_SKEW` when this clock cannot be trusted, `STORE_CONFLICT` when the store is another system's, and whatever the store says
 * when it cannot be read: there are no numbers then, and never numbers that look well.
 */
export async function measureStore(engine: Engine, input: FreshnessInput): Promise<Measures> {
  await assertClock(engine);
  await assertOurs(engine);
  const at = engine.now();
  const seen = await lookThrough(engine);
  const names = new Set([...input.sources.keys(), ...seen.stored]);
  const configuration = await lastSeen(engine, names);
  const measured: SourceMeasured[] = [];
  for (const source of names) {
    const known = { firstTrace: seen.firstSeen.get(source), markedAt: seen.markedAt };
    const since = configuredSince(source, known, configuration);
    measured.push(
      await measureSource(engine, { source, at, since, seen: configuration, ...input }),
    );
  }
  const store = storeMeasures(input, seen, measured, at);
  const isWell = !measured.some(({ findings }) => findings.some(isUnwell));
  const { hiddenManifests, releasedButWanted, capacityUsedPercent = 0 } = store;
  const untouched = hiddenManifests === 0 && releasedButWanted === 0;
  return {
    at,
    sources: Object.fromEntries(
      measured.flatMap(({ source, measures }) =>
        input.sources.has(source) ? [[source, measures]] : [],
      ),
    ),
    store,
    findings: new Map(measured.map(({ source, findings }) => [source, findings])),
    allIsWell: isWell && untouched && capacityUsedPercent < 100,
  };
}

interface Seen {
  readonly storedBytes: number;
  /** Sources that have anything under `backups/`. */
  readonly stored: ReadonlySet<string>;
  /** When the first object about each source was stored. */
  readonly firstSeen: ReadonlyMap<string, Date>;
  /** Since when the store is a system's; undefined while nobody has claimed it. */
  readonly markedAt: Date | undefined;
}

async function lookThrough(engine: Engine): Promise<Seen> {
  let storedBytes = 0;
  let markedAt: Date | undefined;
  const stored = new Set<string>();
  const firstSeen = new Map<string, Date>();
  for await (const { key, bytes, storedAt } of engine.store.list('')) {
    storedBytes += bytes;
    if (key === MARKER_KEY) markedAt = storedAt;
    const backup = parseBackupKey(key);
    const record = parseRecordKey(key);
    if (backup !== undefined) stored.add(backup.source);
    const source = backup?.source ?? record?.source;
    if (source === undefined) continue;
    const first = firstSeen.get(source);
    if (first === undefined || storedAt < first) firstSeen.set(source, storedAt);
  }
  return { storedBytes, stored, firstSeen, markedAt };
}

function storeMeasures(
  { capacityBytes }: FreshnessInput,
  { storedBytes }: Seen,
  measured: readonly SourceMeasured[],
  at: Date,
): StoreMeasures {
  const sum = (count: (one: SourceMeasured) => number) =>
    measured.reduce((total, one) => total + count(one), 0);
  const latestMs = at.getTime() + CLOCK_TOLERANCE_MS;
  return {
    hiddenManifests: sum(({ hidden }) => hidden),
    releasedButWanted: sum(({ releasedButWanted }) => releasedButWanted),
    untrustedBackups: sum(
      ({ survey }) => survey.problems.filter(({ code }) => code === 'untrusted').length,
    ),
    futureBackups: sum(
      ({ survey }) => survey.backups.filter(({ time }) => time.getTime() > latestMs).length,
    ),
    storedBytes,
    // A capacity of 0 is used up as soon as it is asked about, and never a division by zero.
    capacityUsedPercent:
      capacityBytes === undefined
        ? undefined
        : capacityBytes > 0
          ? (storedBytes / capacityBytes) * 100
          : 100,
  };
}

// One look at what AWS Backup holds of a system: the vault, the vaults of copies, and the evidence of restore tests. Judges nothing.
import type {
  CopyConfig,
  RecoveryPointsConfig,
  SelectionConfig,
} from '../config/recovery-points.ts';
import { selectionKey, selectionPromise } from '../config/objectives.ts';
import { DAY_MS } from '../durations.ts';
import { readRecords } from '../engine/catalog/records.ts';
import {
  configuredSince,
  lastSeen,
  type SeenConfiguration,
} from '../engine/catalog/schedules-seen.ts';
import type { Engine } from '../engine/engine.ts';
import { HoldfastError } from '../errors.ts';
import type { Record } from '../format/record.ts';
import { planName, vaultName } from '../names/recovery-points.ts';
import { parseVault, RESOURCE_TYPES } from '../names/resources.ts';
import { lateAfterMs } from '../policy/objectives.ts';
import type {
  FailedJob,
  PointTestRun,
  RecoveryPointFacts,
  Seen,
  SelectionFacts,
} from '../policy/recovery-points/facts.ts';
import type { PointSeen } from '../policy/recovery-points/standing.ts';
import type { BackupReader, VaultSeen } from './service.ts';

export interface WatchInput {
  readonly system: string;
  readonly config: RecoveryPointsConfig;
  /** The names of the sources: records of their prunes say since when a selection is known. */
  readonly sources: readonly string[];
  /** AWS Backup of a region; undefined for where the system is. */
  readonly open: (region: string | undefined) => BackupReader;
  /** True while the stack is being made: then what is not there yet is not missed. */
  readonly isFirst?: boolean;
}

/** Older restore tests say nothing about today. */
const TESTS_LOOK_BACK_MS = 400 * DAY_MS;

/** Looks at every vault once. What cannot be seen is said in the facts; anything but refusals and silence of AWS is thrown. */
export async function lookAtRecoveryPoints(
  engine: Engine,
  input: WatchInput,
): Promise<RecoveryPointFacts> {
  const { config, sources, isFirst = false } = input;
  const look = new Look(engine, input);
  const own = await look.ownVault();
  const seen = await lastSeen(engine, sources);
  const selections: SelectionFacts[] = [];
  for (const selection of config.selections) {
    const promise = selectionPromise(selection);
    const copies: { vault: string; points: Seen }[] = [];
    for (const copy of selection.copies) {
      const points = await look.copies(copy, own.vault, selection);
      copies.push({ vault: copy.arn, points: ofSelection(points, selection, input) });
    }
    selections.push({
      promise,
      knownSince: isFirst ? engine.now() : knownSince(selection, own.vault, seen, engine.now()),
      points: ofSelection(own.points, selection, input),
      copies,
      failedJobs: await failedJobsOf(engine, selection),
      tests: await testsOf(engine, selection.name),
    });
  }
  return { selections, vaults: look.sizes() };
}

function knownSince(
  selection: SelectionConfig,
  vault: VaultSeen | undefined,
  seen: SeenConfiguration | undefined,
  now: Date,
): Date {
  const traces = { firstTrace: undefined, markedAt: vault?.created };
  return configuredSince(selectionKey(selection), traces, seen) ?? now;
}

/** Asks each vault once, however many want to know. */
class Look {
  private readonly engine: Engine;
  private readonly input: WatchInput;
  private readonly listed = new Map<string, Seen>();

  constructor(engine: Engine, input: WatchInput) {
    this.engine = engine;
    this.input = input;
  }

  async ownVault(): Promise<{ vault: VaultSeen | undefined; points: Seen }> {
    const name = vaultName(this.input.system);
    const reader = this.input.open(undefined);
    const vault = await orUnseen(reader.vault(name));
    if (vault !== undefined && 'arn' in vault)
      return { vault, points: await this.list(vault.arn, reader) };
    if (this.input.isFirst === true) return { vault: undefined, points: [] };
    const unseen = vault?.unseen ?? `there is no vault ${name}`;
    return { vault: undefined, points: { unseen } };
  }

  /** A vault of another account cannot be listed: of that, the copy jobs tell. */
  async copies(
    { arn, region, account }: CopyConfig,
    own: VaultSeen | undefined,
    selection: SelectionConfig,
  ): Promise<Seen> {
    const here = parseVault(own?.arn ?? '');
    if (here === undefined)
      return this.input.isFirst === true ? [] : { unseen: 'nothing was copied' };
    const reader = this.input.open(region === here.region ? undefined : region);
    if (account === here.account) return this.list(arn, reader);
    return orUnseen(this.copied(arn, this.input.open(undefined), selection));
  }

  sizes(): { vault: string; bytes: number }[] {
    return [...this.listed].flatMap(([vault, seen]) =>
      'unseen' in seen
        ? []
        : [{ vault, bytes: seen.reduce((sum, one) => sum + (one.bytes ?? 0), 0) }],
    );
  }

  private async list(arn: string, reader: BackupReader): Promise<Seen> {
    const known = this.listed.get(arn);
    if (known !== undefined) return known;
    const name = parseVault(arn)?.name ?? arn;
    const seen = await orUnseen(all(reader.points(name)));
    this.listed.set(arn, seen);
    return seen;
  }

  /** What was copied lately; older copies change nothing about whether the newest is late. */
  private async copied(
    arn: string,
    reader: BackupReader,
    selection: SelectionConfig,
  ): Promise<PointSeen[]> {
    const now = this.engine.now();
    const jobs = await all(reader.copyJobs(arn, { since: lateSince(selection, now) }));
    return jobs
      .filter(({ state }) => state === 'COMPLETED' || state === 'PARTIAL')
      .map((job) => ({
        ...job,
        arn: job.copy ?? job.id,
        completed: undefined,
        bytes: undefined,
        planName: undefined,
        plan: undefined,
        rule: undefined,
        deleteAt: undefined,
      }));
  }
}

/** From when on a job matters: one that was the last before is late by now. */
function lateSince(selection: SelectionConfig, now: Date): Date {
  const lateMs = lateAfterMs(selectionPromise(selection), now) ?? 0;
  return new Date(now.getTime() - lateMs - DAY_MS);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function orUnseen<T>(asked: Promise<T>): Promise<T | { unseen: string }> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof HoldfastError) || !UNSEEN.has(error.code)) throw error;
    return { unseen: error.message };
  }
}

const UNSEEN: ReadonlySet<string> = new Set(['STORE_DENIED', 'STORE_UNAVAILABLE']);

/**
 * Of what a vault holds, what is this selection's. One that names ARNs has all that was made of them, by whatever plan or by hand. One
 * that expects a number has what is of its kinds and what no other selection names, as far as AWS does not say that another plan made it.
 */
function ofSelection(
  seen: Seen,
  { name, expected, kinds }: SelectionConfig,
  { system, config }: WatchInput,
): Seen {
  if ('unseen' in seen) return seen;
  if (expected.arns !== undefined) {
    const named = new Set(expected.arns);
    return seen.filter(({ resource }) => named.has(resource));
  }
  const others = new Set(config.selections.flatMap((one) => one.expected.arns ?? []));
  const types = new Set<string>(kinds.map((kind) => RESOURCE_TYPES[kind]));
  const plan = planName(system, name);
  return seen.filter(
    ({ resource, type, planName: made = plan }) =>
      made === plan && types.has(type) && !others.has(resource),
  );
}

/** The jobs of a selection that made nothing, by the records that a trusted key vouches for. AWS Backup says so once, by an event. */
async function failedJobsOf(engine: Engine, selection: SelectionConfig): Promise<FailedJob[]> {
  const records = await readRecords(engine, 'recovery-point', selection.name, {
    since: lateSince(selection, engine.now()),
    onProblem: () => undefined,
  });
  return records.flatMap(({ record, distrust }) => {
    const { subject, begin, verdict, facts, problems } = record;
    const { resource } = facts;
    if (distrust !== undefined || verdict !== 'failed' || typeof resource !== 'string') return [];
    const [problem] = problems;
    const detail = `the job ${subject} failed${problem ? `: ${problem.detail}` : ''}`;
    return [{ resource, at: new Date(begin), detail }];
  });
}

/** The restore tests of a selection that a trusted key vouches for. */
async function testsOf(engine: Engine, selection: string): Promise<PointTestRun[]> {
  const since = new Date(engine.now().getTime() - TESTS_LOOK_BACK_MS);
  const records = await readRecords(engine, 'restore-test', selection, {
    since,
    onProblem: () => undefined,
  });
  return records.flatMap(({ record, distrust }) =>
    distrust === undefined ? (testRun(record) ?? []) : [],
  );
}

function testRun({ subject, end, verdict, facts }: Record): PointTestRun | undefined {
  const { restoreMs, resource, recoveryPoint, level } = facts;
  if (typeof resource !== 'string' || typeof recoveryPoint !== 'string') return undefined;
  if (verdict !== 'proven' && verdict !== 'damaged' && verdict !== 'inconclusive') return undefined;
  // Of a kind into which nobody looks, a test proves that it restores.
  const isRestored = level === 'restored' && verdict === 'inconclusive';
  return {
    backupId: subject,
    end: new Date(end),
    restoreDurationMs: typeof restoreMs === 'number' ? restoreMs : 0,
    verdict: isRestored ? 'proven' : verdict,
    resource,
    point: recoveryPoint,
  };
}

// When a backup job has ended: what its resource held is written down, as long as it can be told, for the restore tests to come.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { RecoveryPointsConfig } from '../config/recovery-points.ts';
import { readRecords, writeOnce } from '../engine/catalog/records.ts';
import type { Engine } from '../engine/engine.ts';
import { ERRORS, HoldfastError, type Problem } from '../errors.ts';
import type { Record } from '../format/record.ts';
import { vaultName } from '../names/recovery-points.ts';
import { parseResource, parseVault, type ResourceName } from '../names/resources.ts';
import { hasIssues } from '../policy/recovery-points/standing.ts';
import { parseHeld, type Held, type HeldTable } from './held/held.ts';
import { recordBucket } from './held/record-bucket.ts';
import { recordTable } from './held/record-table.ts';
import { selectionOf } from './selection.ts';
import type { BackupReader, JobSeen } from './service.ts';

/** Who looks at live resources. */
export interface LiveClients {
  readonly dynamoDb: DynamoDBClient;
  readonly s3: S3Client;
}

export interface RecordingBench {
  readonly engine: Engine;
  readonly service: BackupReader;
  readonly clients: LiveClients;
  readonly system: string;
  readonly config: RecoveryPointsConfig;
}

export interface RecordingReport {
  /** `ignored`: the job is not over, or is not one of ours. */
  readonly outcome: 'recorded' | 'already' | 'ignored';
  readonly job: string;
  readonly selection?: string;
  readonly verdict?: string;
  readonly problems?: readonly Problem[];
  readonly why?: string;
}

/** Writes the record of the backup job of that id, once. What may pass is thrown, so that the event comes again. */
export async function recordRecoveryPoint(
  bench: RecordingBench,
  id: string,
): Promise<RecordingReport> {
  const job = await bench.service.backupJob(id);
  const ignored = (why: string) => ({ outcome: 'ignored', job: id, why }) as const;
  const verdict = verdictOf(job);
  if (verdict === undefined) return ignored(`the job is ${job.state}`);
  if (parseVault(job.vault)?.name !== vaultName(bench.system)) {
    return ignored(`its vault is ${job.vault}`);
  }
  const selection = selectionOf(job.resource, bench.config);
  if (selection === undefined) return ignored(`no selection names ${job.resource}`);
  const { name } = selection;
  const before = await readRecords(bench.engine, 'recovery-point', name, {
    onProblem: () => undefined,
  });
  const report = { job: id, selection: name };
  const trusted = before.flatMap(({ record, distrust }) =>
    distrust === undefined ? [record] : [],
  );
  const own = trusted.find(({ subject }) => subject === id);
  if (own !== undefined) return { ...report, outcome: 'already', verdict: own.verdict };
  const { held, problems } =
    verdict === 'failed' ? { held: undefined, problems: [] } : await look(bench, job, trusted);
  const all = [...jobProblems(job, verdict), ...problems];
  await writeOnce(bench.engine, {
    verb: 'recovery-point',
    source: name,
    subject: id,
    begin: job.created,
    verdict,
    problems: all,
    facts: factsOf(job, held),
  });
  return { ...report, outcome: 'recorded', verdict, problems: all };
}

const FAILED: readonly string[] = ['ABORTED', 'EXPIRED', 'FAILED'];

/** How the job ended; undefined while it has not, and for a state that is not known here. */
function verdictOf(job: JobSeen): 'done' | 'partial' | 'failed' | undefined {
  const { state } = job;
  if (FAILED.includes(state)) return 'failed';
  if (state === 'PARTIAL') return 'partial';
  if (state !== 'COMPLETED') return undefined;
  return hasIssues(job) ? 'partial' : 'done';
}

function jobProblems({ state, message = '' }: JobSeen, verdict: string): Problem[] {
  if (verdict === 'done') return [];
  return [
    { path: '', code: 'job', detail: `AWS Backup says ${state}${message && `: ${message}`}` },
  ];
}

function factsOf(job: JobSeen, held: Held | undefined): Record['facts'] {
  const { resource, point = '', vault, bytes, plan } = job;
  return {
    resource,
    recoveryPoint: point,
    vault,
    kind: parseResource(resource)?.kind ?? '',
    trigger: plan === undefined ? 'manual' : 'schedule',
    ...(bytes !== undefined && { bytes }),
    ...(held !== undefined && { held }),
  };
}

interface Look {
  readonly held: Held | undefined;
  readonly problems: readonly Problem[];
}

/** What the resource holds; where it refuses to tell, a problem that a restore test will name. */
async function look(bench: RecordingBench, job: JobSeen, before: readonly Record[]): Promise<Look> {
  const resource = parseResource(job.resource);
  if (resource?.kind !== 'dynamodb' && resource?.kind !== 's3') {
    return { held: undefined, problems: [] };
  }
  try {
    return { held: await heldBy(bench, { job, resource, before }), problems: [] };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    // What passes by itself is tried again by the sender of the event; the end of the function's time comes again.
    const comesAgain = error.code === 'CANCELLED';
    if (ERRORS[error.code].retry && !comesAgain) throw error;
    const detail = comesAgain
      ? "the function's time ended before all of it was looked at"
      : error.message;
    return { held: undefined, problems: [{ path: job.resource, code: 'unread', detail }] };
  }
}

async function heldBy(
  { engine, clients }: RecordingBench,
  { job, resource, before }: { job: JobSeen; resource: ResourceName; before: readonly Record[] },
): Promise<Held> {
  const { signal } = engine;
  if (resource.kind === 's3') {
    const place = { client: clients.s3, bucket: resource.name, prefix: '', signal };
    const span = { from: job.created, to: job.completed ?? job.created };
    return recordBucket({ ...place, account: undefined }, { span, seed: job.id });
  }
  const place = { client: clients.dynamoDb, table: job.resource, signal };
  const previous = before.filter(({ begin }) => new Date(begin) < job.created);
  return recordTable(place, {
    before: heldTable(previous, job.resource),
    random: () => engine.random(),
  });
}

/** What the newest of the records says that the table held. */
function heldTable(records: readonly Record[], table: string): HeldTable | undefined {
  for (const { facts } of records.toReversed()) {
    const held = facts['resource'] === table ? parseHeld(facts['held']) : undefined;
    if (held?.kind === 'dynamodb') return held;
  }
  return undefined;
}

// `holdfast trigger` of a selection: a backup job of AWS Backup on demand for each of its resources, followed to its end.
import { createHash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { vaultName } from '../../names/recovery-points.ts';
import { hasIssues } from '../../policy/recovery-points/standing.ts';
import { openBackupActor } from '../../recovery-points/aws-backup-actions.ts';
import { openBackupReader } from '../../recovery-points/aws-backup.ts';
import { follow, hasEnded } from '../../recovery-points/follow.ts';
import type { JobSeen } from '../../recovery-points/service.ts';
import type { Terminal } from '../output/terminal.ts';
import { bytesText, durationText } from '../output/units.ts';
import { resourcesMeant, roleArn, stackPlace } from '../recovery-points/selections.ts';

export interface TriggerPointsInput {
  readonly config: Config;
  readonly selection: SelectionConfig;
  /** An ARN, or its end; undefined for all that the selection expects. */
  readonly resource: string | undefined;
  /** The time it was triggered for: the same time gives the same jobs. */
  readonly at: Date;
  readonly wait: boolean;
  readonly timeout: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

interface Ordered {
  readonly resource: string;
  readonly job: string;
}

/** Starts the jobs, and with `wait` follows them. The exit code: not 0 when a job that was followed did not end well. */
export async function triggerRecoveryPoints(input: TriggerPointsInput): Promise<number> {
  const { config, selection, terminal, signal } = input;
  const begin = performance.now();
  const resources = resourcesMeant(selection, input.resource);
  const { region } = stackPlace(config);
  const reader = openBackupReader({ region, signal });
  const vault = vaultName(config.system);
  const seen = await reader.vault(vault);
  if (seen === undefined) throw noVault(vault, region);
  const actor = openBackupActor({ region, signal });
  const ordered: Ordered[] = [];
  for (const resource of resources) {
    const job = await actor.startBackup({
      vault,
      resource,
      role: roleArn(config, 'backup', seen.arn),
      token: tokenOf(config.system, resource, input.at),
      keepDays: keepDays(selection, seen.lock?.minDays),
      tags: { 'holdfast:selection': selection.name },
    });
    ordered.push({ resource, job });
    terminal.line(`${selection.name}  ${resource}  job ${job}  started`);
  }
  const jobs = input.wait ? await followAll(ordered, input) : [];
  if (signal.aborted) throw new HoldfastError('CANCELLED', 'the wait was interrupted');
  terminal.document({
    command: 'trigger',
    selection: selection.name,
    vault: seen.arn,
    jobs: ordered.map((one) => ({ ...one, ...endOf(jobs.find(({ id }) => id === one.job)) })),
    durationMs: Math.round(performance.now() - begin),
  });
  const bad = jobs.filter((job) => !isGood(job));
  return bad.length === 0 ? 0 : ERRORS.BACKUP_DAMAGED.exit;
}

async function followAll(
  ordered: readonly Ordered[],
  { config, signal, terminal, timeout, timeoutMs }: TriggerPointsInput,
): Promise<JobSeen[]> {
  const { region } = stackPlace(config);
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  // The last look comes after the time is over.
  const reader = openBackupReader({ region, signal });
  return Promise.all(
    ordered.map(async ({ resource, job: id }) => {
      const job = await follow(() => reader.backupJob(id), {
        deadline,
        onProgress: () => undefined,
      });
      if (isGood(job)) terminal.line(`${terminal.paint('green', resource)}  ${goodText(job)}`);
      else if (hasEnded(job.state)) terminal.warn(`${resource}: ${stateText(job)}`);
      else terminal.warn(`${resource}: not complete within ${timeout}: ${stateText(job)}`);
      return job;
    }),
  );
}

function isGood(job: JobSeen): boolean {
  return job.state === 'COMPLETED' && !hasIssues(job);
}

function goodText({ point = '', bytes, created, completed }: JobSeen): string {
  const size = bytes === undefined ? '' : `, ${bytesText(bytes)}`;
  const took =
    completed === undefined
      ? ''
      : ` in ${durationText(Math.max(0, completed.getTime() - created.getTime()))}`;
  return `complete${size}${took}  ${point}`;
}

function stateText({ state, message = '' }: JobSeen): string {
  return message === '' ? state : `${state}: ${message}`;
}

function endOf(job: JobSeen | undefined) {
  if (job === undefined) return {};
  const { state, message, point, bytes } = job;
  return { state, message, recoveryPoint: point, bytes, good: isGood(job) };
}

/** One job for a resource and a time, however often it is ordered. */
function tokenOf(system: string, resource: string, at: Date): string {
  const text = JSON.stringify([system, resource, at.toISOString()]);
  return createHash('sha256').update(text).digest('hex').slice(0, 48);
}

const DAYS_OF_WEEK = 7;
const DAYS_OF_MONTH = 31;

/** As long as the shortest tier, and no shorter than the vault takes. */
function keepDays({ retention }: SelectionConfig, least = 1): number {
  const { daily, weekly, monthly } = retention;
  const shortest = daily || weekly * DAYS_OF_WEEK || monthly * DAYS_OF_MONTH;
  return Math.max(shortest, least, 1);
}

function noVault(vault: string, region: string): HoldfastError {
  return new HoldfastError('STORE_NOT_FOUND', `there is no vault ${vault} in ${region}`, {
    hint: 'Deploy the stack first: `holdfast deploy`.',
  });
}

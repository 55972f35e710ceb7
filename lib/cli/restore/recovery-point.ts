// `holdfast restore` of a recovery point of AWS Backup, or of a moment of a continuous one: into a new resource, never over the live one.
import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { SelectionConfig } from '../../config/recovery-points.ts';
import { tryRecord } from '../../engine/catalog/records.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { vaultName } from '../../names/recovery-points.ts';
import { parseResource, RESOURCE_TYPES, type ResourceName } from '../../names/resources.ts';
import { pointStanding, type PointSeen } from '../../policy/recovery-points/standing.ts';
import { openBackupActor } from '../../recovery-points/aws-backup-actions.ts';
import { openBackupReader } from '../../recovery-points/aws-backup.ts';
import { follow } from '../../recovery-points/follow.ts';
import { newResourceMetadata, SWITCH_OVER } from '../../recovery-points/new-resource.ts';
import type { BackupActor, BackupReader, RestoreJobSeen } from '../../recovery-points/service.ts';
import type { Invocation } from '../invocation.ts';
import type { Terminal } from '../output/terminal.ts';
import { durationText, timeText } from '../output/units.ts';
import {
  resourcesMeant,
  restorerRoleArn,
  roleArn,
  selectionNamed,
  selectionsOf,
  stackPlace,
} from '../recovery-points/selections.ts';
import type { RestoreCommandOptions } from './restoring.ts';
import { openSession } from '../session.ts';
import { pastTime } from '../time.ts';

interface Given extends Invocation<RestoreCommandOptions> {
  readonly terminal: Terminal;
  readonly config: Config;
}

/** What is going to be restored, and how. */
interface Plan {
  readonly selection: string;
  readonly point: PointSeen;
  readonly resource: ResourceName;
  /** By which AWS Backup restores. */
  readonly role: string;
  /** By which people may start that. */
  readonly restorer: string;
  readonly name: string;
  readonly moment: Date | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Whether `name` is a selection, or an ARN as AWS Backup gives them to recovery points. */
export function isRecoveryPoint(name: string, config: Config | undefined): config is Config {
  if (config?.aws?.recoveryPoints === undefined) return false;
  return name.startsWith('arn:') || selectionNamed(config, name) !== undefined;
}

/** Prints the plan, starts the job and follows it; with `--dry-run` prints the plan alone. */
export async function restoreRecoveryPoint(name: string, given: Given): Promise<number> {
  const { options, config, terminal, signal } = given;
  const { region } = stackPlace(config);
  const reader = openBackupReader({ region, signal });
  const plan = await planOf(name, given, reader);
  sayPlan(terminal, plan);
  const told = {
    command: 'restore',
    selection: plan.selection,
    resource: plan.point.resource,
    recoveryPoint: plan.point.arn,
    to: plan.name,
    at: plan.moment?.toISOString(),
    role: plan.role,
    startedBy: plan.restorer,
    metadata: plan.metadata,
  };
  if (options.dryRun === true) {
    terminal.note('nothing was started');
    terminal.document({ ...told, dryRun: true });
    return 0;
  }
  const begin = new Date();
  const id = await start(plan, openBackupActor({ region, signal }));
  terminal.line(`job ${id}  started`);
  const job = await follow(() => reader.restoreJob(id), {
    deadline: signal,
    onProgress: ({ state, percent }) => terminal.note(progressText(state, percent)),
  });
  if (signal.aborted) {
    throw new HoldfastError('CANCELLED', `the wait for the restore job ${id} was interrupted`, {
      hint: `AWS Backup goes on with it: aws backup describe-restore-job --restore-job-id ${id}`,
    });
  }
  await leaveRecord(given, { plan, job, begin });
  const good = job.state === 'COMPLETED';
  if (good) sayDone(terminal, plan, job);
  else terminal.warn(`the job is ${job.state}${job.message ? `: ${job.message}` : ''}`);
  terminal.document({
    ...told,
    job: id,
    state: job.state,
    message: job.message,
    created: job.createdResource,
  });
  return good ? 0 : ERRORS.COMMAND_FAILED.exit;
}

async function start(
  { metadata, role, restorer, point, resource }: Plan,
  actor: BackupActor,
): Promise<string> {
  const order = { point: point.arn, role, metadata, token: randomUUID() };
  try {
    return await actor.startRestore({ ...order, type: RESOURCE_TYPES[resource.kind] });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_DENIED') throw error;
    throw new HoldfastError(error.code, error.message, {
      hint: `The role ${restorer} may start it: assume it, with a second factor, and try again.`,
      cause: error,
    });
  }
}

function progressText(state: string, percent: number | undefined): string {
  return percent === undefined ? state : `${state}, ${percent} %`;
}

async function planOf(name: string, given: Given, reader: BackupReader): Promise<Plan> {
  const { options, config, signal } = given;
  const { to } = options;
  if (to === undefined) {
    throw new HoldfastError('USAGE', 'the new resource has no name', {
      hint: 'Add --to NAME. A restore never overwrites the live resource.',
    });
  }
  const moment = options.at === undefined ? undefined : pastTime('--at', options.at, new Date());
  const vault = vaultName(config.system);
  const { point, selection } = name.startsWith('arn:')
    ? await pointNamed(name, { reader, vault, config })
    : await pointOfSelection(selectionOrThrow(config, name), { reader, vault, options, moment });
  const resource = parseResource(point.resource);
  if (resource === undefined) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `${point.resource} is of a kind that is not known here`,
    );
  }
  const { region } = stackPlace(config);
  const recorded = await openBackupActor({ region, signal }).metadata(vault, point.arn);
  const { kind, name: original } = resource;
  const metadata = newResourceMetadata({ kind, recorded, original, name: to, moment });
  if (typeof metadata === 'string') throw new HoldfastError('USAGE', `--to: ${metadata}`);
  const vaultArn = (await reader.vault(vault))?.arn ?? '';
  const role = roleArn(config, 'restore', vaultArn);
  const restorer = restorerRoleArn(config, vaultArn);
  return { selection, point, resource, role, restorer, name: to, moment, metadata };
}

function selectionOrThrow(config: Config, name: string): SelectionConfig {
  const found = selectionNamed(config, name);
  if (found !== undefined) return found;
  throw new HoldfastError('USAGE', `there is no selection "${name}"`);
}

interface Found {
  readonly point: PointSeen;
  readonly selection: string;
}

async function pointNamed(
  arn: string,
  { reader, vault, config }: { reader: BackupReader; vault: string; config: Config },
): Promise<Found> {
  for await (const point of reader.points(vault)) {
    if (point.arn !== arn) continue;
    const of = selectionsOf(config).find(({ expected }) => expected.arns?.includes(point.resource));
    return { point, selection: of?.name ?? selectionsOf(config)[0]?.name ?? '' };
  }
  throw new HoldfastError('BACKUP_NOT_FOUND', `the vault ${vault} holds no recovery point ${arn}`, {
    hint: '`holdfast list` shows what it holds.',
  });
}

interface Search {
  readonly reader: BackupReader;
  readonly vault: string;
  readonly options: RestoreCommandOptions;
  readonly moment: Date | undefined;
}

async function pointOfSelection(
  selection: SelectionConfig,
  { reader, vault, options, moment }: Search,
): Promise<Found> {
  const [resource = '', ...others] = resourcesMeant(selection, options.resource);
  if (others.length > 0) {
    throw new HoldfastError('USAGE', `${selection.name} has ${others.length + 1} resources`, {
      hint: `Say which one: --resource ${[resource, ...others].join(' or ')}`,
    });
  }
  const now = new Date();
  let newest: PointSeen | undefined;
  let continuous: PointSeen | undefined;
  for await (const point of reader.points(vault, { resource })) {
    const { standing } = pointStanding(point, now);
    if (standing === 'continuous') continuous = later(continuous, point);
    if (standing !== 'good' || (moment !== undefined && point.created > moment)) continue;
    newest = later(newest, point);
  }
  if (moment !== undefined) {
    if (continuous !== undefined) return { point: continuous, selection: selection.name };
    throw noMoment(resource, newest);
  }
  if (newest !== undefined) return { point: newest, selection: selection.name };
  throw new HoldfastError(
    'BACKUP_NOT_FOUND',
    `the vault ${vault} holds no good recovery point of ${resource}`,
    {
      hint: '`holdfast list` shows what it holds, and `holdfast status` what is wrong.',
    },
  );
}

function later(one: PointSeen | undefined, other: PointSeen): PointSeen {
  return one === undefined || other.created > one.created ? other : one;
}

function noMoment(resource: string, newest: PointSeen | undefined): HoldfastError {
  const nearest =
    newest === undefined
      ? 'No recovery point was made before that time.'
      : `The newest recovery point before it is of ${timeText(newest.created)}: holdfast restore ${newest.arn} --to NAME`;
  return new HoldfastError(
    'BACKUP_NOT_FOUND',
    `${resource} has no continuous backup, so no moment of it can be restored`,
    {
      hint: nearest,
    },
  );
}

function sayPlan(
  terminal: Terminal,
  { point, resource, name, moment, role, restorer, metadata }: Plan,
): void {
  terminal.line(`restore  ${point.resource}`);
  terminal.line(`  from   ${point.arn}, of ${timeText(point.created)}`);
  if (moment !== undefined) terminal.line(`  as of  ${timeText(moment)}`);
  terminal.line(`  to     a new resource (${RESOURCE_TYPES[resource.kind]}), ${name}`);
  terminal.line(`  by     ${role}`);
  terminal.line(`  start  ${restorer} may, and nothing else`);
  for (const [key, value] of Object.entries(metadata)) terminal.line(`  with   ${key}: ${value}`);
}

function sayDone(terminal: Terminal, { resource }: Plan, job: RestoreJobSeen): void {
  const { created, completed, createdResource = '' } = job;
  const took =
    completed === undefined
      ? ''
      : ` in ${durationText(Math.max(0, completed.getTime() - created.getTime()))}`;
  terminal.line(`${terminal.paint('green', 'restored')}  ${createdResource}${took}`);
  terminal.line(`  ${SWITCH_OVER[resource.kind]}`);
}

/** A store that cannot be reached is no reason to be without what was restored. */
async function leaveRecord(
  { options, signal, terminal }: Given,
  { plan, job, begin }: { plan: Plan; job: RestoreJobSeen; begin: Date },
): Promise<void> {
  try {
    await using session = await openSession({ options, signal, signing: 'optional' });
    const { unrecorded } = await tryRecord(session.engine, {
      verb: 'restore',
      source: plan.selection,
      subject: job.id,
      begin,
      verdict: job.state === 'COMPLETED' ? 'done' : 'failed',
      problems:
        job.state === 'COMPLETED'
          ? []
          : [{ path: '', code: 'job', detail: `${job.state}: ${job.message ?? ''}` }],
      facts: {
        resource: plan.point.resource,
        recoveryPoint: plan.point.arn,
        kind: plan.resource.kind,
        created: job.createdResource ?? '',
        ...(plan.moment !== undefined && { at: plan.moment.toISOString() }),
      },
    });
    if (unrecorded !== undefined) terminal.warn(`no record was left: ${unrecorded}`);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    terminal.warn(`no record was left: ${error.message}`);
  }
}

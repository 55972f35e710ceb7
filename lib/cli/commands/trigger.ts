// `holdfast trigger`: a backup by the function on AWS, or a job of AWS Backup, followed to its end, so that a pipeline can hold a deployment until it is proven.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isDatabase,
  isRemote,
  type AwsConfig,
  type Config,
  type PostgresSourceConfig,
  type RemoteSourceConfig,
} from '../../config/config.ts';
import { parseDuration } from '../../config/units.ts';
import type { Engine } from '../../engine/engine.ts';
import { surveySource, type SurveyedBackup } from '../../engine/catalog/survey.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { resourceName, type FunctionName } from '../../names/aws.ts';
import type { Invocation } from '../invocation.ts';
import { problemLines } from '../output/problems.ts';
import { configOf, openSession, required } from '../session.ts';
import { selectionNamed } from '../recovery-points/selections.ts';
import { selectSources } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';
import { pastTime } from '../time.ts';
import type { TriggerPointsInput } from './trigger-recovery-points.ts';
import { bytesText, durationText } from '../output/units.ts';

interface Options {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly trigger: 'manual' | 'pre-deploy';
  readonly at?: string;
  readonly resource?: string;
}

const POLL_MS = 2_000;

export async function run(
  [name = '']: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const begin = performance.now();
  const timeoutMs = timeoutOf(options.timeout);
  const config = required(configOf(options));
  const selection = selectionNamed(config, name);
  if (selection !== undefined) {
    const at = timeAt(options, new Date());
    return triggerSelection({ config, selection, timeoutMs, signal, terminal, at }, options);
  }
  const source = triggerable(config, name, options);
  // Looked at before anything is started: a wait that could never end well is none.
  await using session =
    options.wait === true
      ? await openSession({ options, signal, signing: 'none', stackKeys: 'required' })
      : undefined;
  const functionName = resourceName(config.system, functionFor(source));
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const now = new Date();
  const { invokeBackup } = await import('../../functions/invoke.ts');
  const report = await invokeBackup({
    functionName,
    region: config.aws?.region,
    source: source.name,
    trigger: options.trigger,
    at: timeAt(options, now),
    signal: deadline,
  }).catch((error: unknown) => {
    throw explained(error, { signal, deadline, functionName, timeout: options.timeout });
  });
  const { id, outcome, status, bytes, problems, problemCount } = report;
  const say = (text: string) => {
    if (status === 'complete') terminal.done(text);
    else terminal.line(text);
  };
  say(
    `${terminal.paint(status === 'complete' ? 'green' : 'yellow', source.name)}  ${id}  ${status}, ${OUTCOMES[outcome]}, ${bytesText(bytes)} in ${durationText(performance.now() - begin)}`,
  );
  for (const line of problemLines(problems, problemCount)) say(`  ${line}`);
  const proof =
    session && (await awaitProof(session.engine, { source: source.name, id, deadline }));
  if (proof !== undefined) sayProof(terminal, proof, options.timeout);
  if (signal.aborted) throw new HoldfastError('CANCELLED', 'the wait was interrupted');
  terminal.document({
    command: 'trigger',
    ...report,
    ...(proof && { standing: proof.standing, why: proof.why }),
    durationMs: Math.round(performance.now() - begin),
  });
  if (proof !== undefined && !PROVEN.includes(proof.standing)) return ERRORS.BACKUP_DAMAGED.exit;
  return status === 'partial' ? ERRORS.SOURCE_INCOMPLETE.exit : 0;
}

async function triggerSelection(
  given: Omit<TriggerPointsInput, 'resource' | 'wait' | 'timeout'>,
  { resource, wait = false, timeout }: Options,
): Promise<number> {
  const { triggerRecoveryPoints } = await import('./trigger-recovery-points.ts');
  return triggerRecoveryPoints({ ...given, resource, wait, timeout });
}

function timeAt({ at }: Options, now: Date): Date {
  return at === undefined ? now : pastTime('--at', at, now);
}

function noSelection(name: string): HoldfastError {
  return new HoldfastError('USAGE', `--resource belongs to a selection, and "${name}" is none`, {
    hint: 'Selections stand under `aws.recoveryPoints` in holdfast.yaml.',
  });
}

const OUTCOMES = {
  made: 'made now',
  already: 'made for this trigger before',
  superseded: 'made for a later trigger',
} as const;

/** A backup with problems is proven, and still partial. */
const PROVEN: readonly string[] = ['good', 'partial'];

type Standing = Pick<SurveyedBackup, 'standing' | 'why'>;

/** What the store says of a backup as soon as that is decided, or at last when the time is over. */
async function awaitProof(
  engine: Engine,
  { source, id, deadline }: { source: string; id: string; deadline: AbortSignal },
): Promise<Standing> {
  for (;;) {
    const { backups } = await surveySource(engine, source);
    const found = backups.find((one) => one.id === id);
    const standing = found ?? { standing: 'unproven', why: 'the store does not list it' };
    const decided = standing.standing !== 'unproven' && isLookedAt(found);
    if (decided || deadline.aborted) return { standing: standing.standing, why: standing.why };
    await sleep(POLL_MS, undefined, { signal: deadline }).catch(() => undefined);
  }
}

/** A partial backup is called so before anybody has looked at it. */
function isLookedAt(found: SurveyedBackup | undefined): boolean {
  if (found === undefined) return false;
  return found.standing !== 'partial' || found.evidence.some(({ verdict }) => verdict === 'proven');
}

function sayProof(terminal: Terminal, { standing, why }: Standing, timeout: string): void {
  if (standing === 'unproven') terminal.warn(`not proven within ${timeout}: ${why}`);
  else if (PROVEN.includes(standing)) terminal.done(`  ${why}`);
  else terminal.warn(`the backup is ${standing}: ${why}`);
}

type Triggerable = RemoteSourceConfig | PostgresSourceConfig;

/** Databases have a function of their own. */
function functionFor(source: Triggerable): FunctionName {
  return isDatabase(source) ? 'database-backup' : 'backup';
}

/** `CONFIG_INVALID` without a stack, `USAGE` for a source that no function reads. */
function triggerable(config: Config, name: string, { resource }: Options): Triggerable {
  if (resource !== undefined) throw noSelection(name);
  const { aws } = config;
  if (aws === undefined) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `${config.file} has no \`aws\`, so there is no function`,
      {
        hint: 'Run `holdfast backup` instead, or add `aws` and deploy.',
      },
    );
  }
  const [source] = selectSources(config, [name]);
  if (source !== undefined && isRemote(source)) return source;
  if (source !== undefined && isDatabase(source)) {
    if (source.runOn === 'function') return source;
    throw runsAsTask(config.system, source, aws);
  }
  throw new HoldfastError(
    'USAGE',
    `no function can read ${name}, a source of kind ${source?.kind ?? ''}`,
    {
      hint: `Run \`holdfast backup ${name}\` as a step of the pipeline, where it can be reached.`,
    },
  );
}

/** A task takes hours: nobody waits for it on a line that ends with a laptop. */
function runsAsTask(
  system: string,
  { name }: PostgresSourceConfig,
  { account, region }: AwsConfig,
): HoldfastError {
  const machine = `arn:aws:states:${region}:${account ?? 'ACCOUNT'}:stateMachine:${resourceName(system, 'database-backup')}`;
  const event = JSON.stringify({ trigger: 'manual', source: name, at: new Date().toISOString() });
  return new HoldfastError('USAGE', `${name} is dumped by a task, which may take hours`, {
    hint: `Start it: aws stepfunctions start-execution --region ${region} --state-machine-arn ${machine} --input '${event}'. \`holdfast list ${name}\` shows when it is proven.`,
  });
}

function timeoutOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new HoldfastError('USAGE', `--timeout "${text}" is no duration`, {
    hint: 'Use a number and a unit, such as 90s or 20m.',
  });
}

interface Waited {
  readonly signal: AbortSignal;
  readonly deadline: AbortSignal;
  readonly functionName: string;
  readonly timeout: string;
}

function explained(error: unknown, { signal, deadline, functionName, timeout }: Waited): unknown {
  if (!deadline.aborted || signal.aborted) return error;
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `the function ${functionName} did not answer within ${timeout}; it may still be at work`,
    {
      hint: 'Run the same command again with the same --at, and a longer --timeout.',
      cause: error,
    },
  );
}

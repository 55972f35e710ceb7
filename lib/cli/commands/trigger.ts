// `holdfast trigger`: a backup by the function or the task on AWS, or a job of AWS Backup, followed to its end, so that a pipeline can hold a
// deployment until it is proven.
import { isTask, type Config } from '../../config/config.ts';
import { parseDuration } from '../../config/units.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { Invocation } from '../invocation.ts';
import { problemLines } from '../output/problems.ts';
import { configOf, openSession, required } from '../session.ts';
import { selectionNamed } from '../recovery-points/selections.ts';
import { selectSources } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';
import { pastTime } from '../time.ts';
import type { TriggerPointsInput } from '../trigger/recovery-points.ts';
import { bytesText, durationText } from '../output/units.ts';
import { triggerFunction } from '../trigger/function.ts';
import { awaitProof, isProven, sayProof } from '../trigger/proof.ts';
import { triggerTask } from '../trigger/task.ts';
import type { BackupReport, Triggerable } from '../trigger/triggered.ts';

interface Options {
  readonly wait?: boolean;
  readonly timeout: string;
  readonly trigger: 'manual' | 'pre-deploy';
  readonly at?: string;
  readonly resource?: string;
}

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
  // Looked at before anything is started: a wait that could never end well is refused.
  await using session =
    options.wait === true
      ? await openSession({ options, signal, signing: 'none', stackKeys: 'required' })
      : undefined;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const now = new Date();
  const at = timeAt(options, now);
  const trigger = { kind: options.trigger, at };
  const { timeout } = options;
  const wanted = { config, source, trigger, signal, deadline, timeout, engine: session?.engine };
  const report = await (isTask(source) ? triggerTask(wanted) : triggerFunction(wanted));
  const durationMs = () => Math.round(performance.now() - begin);
  if (report.outcome === 'started') {
    terminal.done(
      `${name}  ${report.id}  started as a task, which may take hours; \`holdfast list ${name}\` shows when it is proven`,
    );
    terminal.document({ command: 'trigger', ...report, durationMs: durationMs() });
    return 0;
  }
  sayReport(terminal, report, durationMs());
  const { id, status } = report;
  const proof =
    session && (await awaitProof(session.engine, { source: source.name, id, deadline }));
  if (proof !== undefined) sayProof(terminal, proof, timeout);
  if (signal.aborted) throw new HoldfastError('CANCELLED', 'the wait was interrupted');
  terminal.document({ command: 'trigger', ...report, ...proof, durationMs: durationMs() });
  if (proof !== undefined && !isProven(proof)) return ERRORS.BACKUP_DAMAGED.exit;
  return status === 'partial' ? ERRORS.SOURCE_INCOMPLETE.exit : 0;
}

async function triggerSelection(
  given: Omit<TriggerPointsInput, 'resource' | 'wait' | 'timeout'>,
  { resource, wait = false, timeout }: Options,
): Promise<number> {
  const { triggerRecoveryPoints } = await import('../trigger/recovery-points.ts');
  return triggerRecoveryPoints({ ...given, resource, wait, timeout });
}

function timeAt({ at }: Options, now: Date): Date {
  return at === undefined ? now : pastTime('--at', at, now);
}

function noSelection(name: string): HoldfastError {
  return new HoldfastError('USAGE', `--resource belongs to a selection, and "${name}" is not one`, {
    hint: 'Selections stand under `aws.recoveryPoints` in holdfast.yaml.',
  });
}

const OUTCOMES = {
  made: 'made now',
  already: 'made for this trigger before',
  superseded: 'made for a later trigger',
} as const;

function sayReport(terminal: Terminal, report: BackupReport, durationMs: number): void {
  const { source, id, outcome, status, bytes, problems, problemCount } = report;
  const say = (text: string) => {
    if (status === 'complete') terminal.done(text);
    else terminal.line(text);
  };
  say(
    `${terminal.paint(status === 'complete' ? 'green' : 'yellow', source)}  ${id}  ${status}, ${OUTCOMES[outcome]}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  for (const line of problemLines(problems, problemCount)) say(`  ${line}`);
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
  if (source !== undefined && source.kind !== 'files') return source;
  throw new HoldfastError('USAGE', `no function can read ${name}, a source of kind files`, {
    hint: `Run \`holdfast backup ${name}\` as a step of the pipeline, where it can be reached.`,
  });
}

function timeoutOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new HoldfastError('USAGE', `--timeout "${text}" is no duration`, {
    hint: 'Use a number and a unit, such as 90s or 20m.',
  });
}

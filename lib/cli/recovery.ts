// Automatic recovery on this machine: `escalate --once` starts it as a process of its own, since a backup may take longer than the minute
// after which people are to be told again.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { policyOf } from '../alerts/configured-escalation.ts';
import { recoverAll, recoveriesWanted, type Outcome, type Recovered } from '../alerts/recover.ts';
import type { Config, SourceConfig } from '../config/config.ts';
import { isOfStack } from '../config/load/store-place.ts';
import { scheduleOf } from '../config/objectives.ts';
import type { Engine } from '../engine/engine.ts';
import { MOST_REPAIRS, waitingForRepair } from '../engine/catalog/repairs.ts';
import { surveySource } from '../engine/catalog/survey.ts';
import { mayVouchFor } from '../engine/engine.ts';
import { repairBackup } from '../engine/repair.ts';
import { verifyBackup } from '../engine/verify.ts';
import { sourcePrefix } from '../format/layout.ts';
import type { Trigger } from '../format/ids.ts';
import type { Recovery } from '../policy/incidents/recovery.ts';
import { previousDue } from '../policy/schedule.ts';
import { backUpAll, type Bench, type SourceOutcome } from './backup/back-up.ts';
import type { Terminal } from './output/terminal.ts';
import { requireConfig, type CommonOptions, type Session } from './session.ts';

/** Starts the recovery if there is anything to try from here, and does not wait for it. */
export async function startRecovery(session: Session, options: CommonOptions): Promise<void> {
  if (!(await isWanted(session))) return;
  const { config, store, publicKey = [] } = options;
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      ...[process.argv[1] ?? '', 'escalate', '--recover', '--quiet'],
      ...(config === undefined ? [] : ['--config', config]),
      ...(store === undefined ? [] : ['--store', store]),
      ...publicKey.flatMap((key) => ['--public-key', key]),
    ],
    { stdio: 'ignore', detached: true },
  );
  // What cannot be started is tried again in a minute.
  child.on('error', () => undefined);
  child.unref();
}

async function isWanted(session: Session): Promise<boolean> {
  const config = requireConfig(session);
  if (config.notify.recovery === 'off') return false;
  const wanted = await recoveriesWanted(recoveringOf(session, config));
  return wanted.length > 0;
}

function recoveringOf({ engine, doubt }: Session, config: Config) {
  const can = ({ act, source: name }: Recovery) => {
    const source = config.sources.find((one) => one.name === name);
    if (source === undefined || doubt !== undefined) return false;
    // Functions back up what they can reach.
    if (act === 'backup' && isOfStack(config) && source.kind !== 'files') return false;
    return mayVouchFor(engine, sourcePrefix(name));
  };
  return { engine, policy: policyOf(config), can };
}

/** Tries what is to be tried; what came of it. */
export async function recover(session: Session, terminal: Terminal): Promise<Recovered[]> {
  const config = requireConfig(session);
  if (config.notify.recovery === 'off') return [];
  const bench = { engine: session.engine, config, terminal };
  return recoverAll(recoveringOf(session, config), (_incident, { act, source: name }) => {
    const source = config.sources.find((one) => one.name === name);
    if (source === undefined) throw new Error(`a source that is not configured: ${name}`);
    return act === 'repair' ? repairAll(bench, name) : backUpAgain(bench, source);
  });
}

/** For the time of the schedule, as the run that is missing; if that was made, for now. */
async function backUpAgain(bench: Bench, source: SourceConfig): Promise<Outcome> {
  const now = bench.engine.now();
  const schedule = scheduleOf(source);
  const due = schedule && previousDue(schedule, now);
  const manual: Trigger = { kind: 'manual', at: now };
  const first = await backUpFor(bench, source, due ? { kind: 'schedule', at: due } : manual);
  const isOld = first.backup?.outcome === 'already' && first.error === undefined;
  return asOutcome(isOld && due ? await backUpFor(bench, source, manual) : first);
}

async function backUpFor(
  bench: Bench,
  source: SourceConfig,
  trigger: Trigger,
): Promise<SourceOutcome> {
  const wishes = { full: false, moved: false, verify: true, prune: true };
  const [outcome] = await backUpAll(bench, [{ source, triggerOf: () => trigger }], wishes);
  if (outcome === undefined) throw new Error('a backup without an outcome');
  return outcome;
}

function asOutcome({ error, backup, verify }: SourceOutcome): Outcome {
  if (error !== undefined) return { outcome: 'failed', result: error.message };
  const id = backup?.id ?? '';
  if (backup?.manifest.status === 'partial')
    return { outcome: 'failed', result: `${id} lacks something` };
  if (verify !== undefined && verify.verdict !== 'proven')
    return { outcome: 'failed', result: `${id} is ${verify.verdict}` };
  return { outcome: 'done', result: verify === undefined ? `${id} is stored` : `${id} is proven` };
}

async function repairAll({ engine }: Bench, source: string): Promise<Outcome> {
  const damaged = waitingForRepair((await surveySource(engine, source)).backups);
  if (damaged.length === 0)
    return { outcome: 'failed', result: 'no backup is known to be damaged' };
  const all = [];
  for (const { id } of damaged.slice(0, MOST_REPAIRS)) all.push(await repair(engine, source, id));
  const left = damaged.length - all.length;
  const results = all.map(({ result }) => result);
  return {
    outcome: left === 0 && all.every(({ outcome }) => outcome === 'done') ? 'done' : 'failed',
    result: [...results, ...(left > 0 ? [`${left} more are left`] : [])].join('; '),
  };
}

async function repair(engine: Engine, source: string, id: string): Promise<Outcome> {
  const { repaired, already, healed, lost } = await repairBackup(engine, { source, id });
  if (repaired === undefined) return { outcome: 'done', result: `${id} is whole` };
  const { verdict } = await verifyBackup(engine, { source, id: repaired }, 'digest');
  return {
    outcome: lost.length === 0 && verdict === 'proven' ? 'done' : 'failed',
    result: already
      ? `${id} is already repaired by ${repaired}, ${verdict}: ${lost.length} lost`
      : `${id} → ${repaired}, ${verdict}: ${healed.length} healed, ${lost.length} lost`,
  };
}

// `holdfast escalate --once`: tells which messages of incidents are due, and once in a quarter of an hour looks at the system for them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { mayWriteIncidents } from '../../engine/incidents/write.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { onceAnHour } from '../due/once-an-hour.ts';
import { tellDigest } from '../digest.ts';
import { onlyOne } from '../due/only-one.ts';
import { recover, startRecovery } from '../recovery.ts';
import { escalateOnce, warnOfFailures } from '../incidents.ts';
import type { Invocation } from '../invocation.ts';
import { counted } from '../output/units.ts';
import { configOf, openSession, required, requireConfig } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { beatAt } from '../../wiring/sinks.ts';
import { tellFailure } from '../telling.ts';
import { forgetTold, toldLately } from '../told-lately.ts';

interface Options {
  readonly once?: boolean;
  readonly look?: boolean;
  readonly recover?: boolean;
}

const ALL_MS = 120_000;
const AGAIN_MS = 1_000;

export async function run(_names: string[], invocation: Invocation<Options>): Promise<number> {
  if (invocation.options.recover === true) return tryToRecover(invocation);
  return onceAnHour('escalate', invocation.options, () => escalate(invocation));
}

/** What may end an incident; as long as a run by the clock is under way, that does it. */
async function tryToRecover({ options, signal }: Invocation<Options>): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const { file, store } = required(configOf(options));
  return onlyOne(`${file} ${store}`, async () => {
    await using session = await openSession({ options, signal, store: 'marked' });
    if (!mayWriteIncidents(session.engine)) throw mayNotVouch();
    const recovered = await recover(session, terminal);
    for (const { incident, act, source, outcome, result } of recovered)
      terminal.done(`incident ${Number(incident)}: ${act} of ${source}: ${outcome}: ${result}`);
    // What is proven good again is over, and people hear of it at once.
    if (recovered.length > 0) {
      const { sent } = await escalateOnce(session, { onlyWhenDue: false, signal });
      warnOfFailures(sent);
    }
    terminal.document({ command: 'escalate', recovered });
    return recovered.every(({ outcome }) => outcome === 'done') ? 0 : ERRORS.COMMAND_FAILED.exit;
  });
}

async function escalate({ options, signal }: Invocation<Options>): Promise<number> {
  if (options.once !== true)
    throw new HoldfastError('USAGE', '`holdfast escalate` runs once and ends', {
      hint: 'Say so: `holdfast escalate --once`, from cron or a timer, every minute.',
    });
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const within = AbortSignal.any([signal, AbortSignal.timeout(ALL_MS)]);
  try {
    await using session = await openSession({ options, signal: within });
    const config = requireConfig(session);
    if (!mayWriteIncidents(session.engine)) throw mayNotVouch();
    await forgetTold(config.system);
    const onlyWhenDue = options.look !== true;
    const escalated = await escalateOnce(session, { onlyWhenDue, signal: within });
    const { status, changes, sent, held, known } = escalated;
    warnOfFailures(sent);
    if (status?.well === true) await beatOf(config, within);
    // The run that looks at the system also sends the report, if one is wanted.
    const report = status && (await tellDigest(session, status, within));
    if (report === 'told') terminal.done('the report was sent');
    if (known.incidents.length > 0) await startRecovery(session, options);
    const open = known.incidents.filter(({ resolved }) => resolved === undefined);
    const told = sent.filter(({ delivered }) => delivered).length;
    terminal.done(
      `${counted(open.length, 'incident')} open, ${counted(told, 'message')} sent${status === undefined ? '' : `, ${counted(changes.length, 'change')} by a look at the system`}`,
    );
    for (const { incident, why } of held)
      terminal.done(`incident ${Number(incident)}: nothing is sent now: ${why}`);
    terminal.document({
      command: 'escalate',
      open: open.map(({ id }) => Number(id)),
      ...{ changes, sent, held, report },
    });
    const isSent = sent.every(({ delivered }) => delivered) && report !== 'failed';
    return isSent ? 0 : ERRORS.COMMAND_FAILED.exit;
  } catch (error) {
    // Where incidents cannot be read or written, nobody may be left to believe that all is well.
    const { system } = required(configOf(options));
    if (!(await toldLately(system, new Date())))
      await tellFailure('escalate', { options, signal }, error);
    throw error;
  }
}

/** Calls the heartbeat, twice if need be. */
async function beatOf(config: Config, signal: AbortSignal): Promise<void> {
  const { heartbeat } = config.notify;
  if (heartbeat === undefined) return;
  const beat = () => beatAt(config, heartbeat, { beat: 'success', signal });
  if ((await beat()).delivered) return;
  await sleep(AGAIN_MS);
  await beat();
}

function mayNotVouch(): HoldfastError {
  return new HoldfastError('UNTRUSTED', 'the key of this machine may not vouch for incidents/', {
    hint: 'Add `incidents/` to its `prefixes` under `trust` in holdfast.yaml.',
  });
}

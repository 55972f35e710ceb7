// The report of a day or a week on this machine: once for its time, through every sink that people read.
import process from 'node:process';
import { digestMessage } from '../alerts/digest.ts';
import { sinkMessage } from '../alerts/run-message.ts';
import { tellOnce } from '../alerts/tell-once.ts';
import { REPORTING_SINKS } from '../config/notify.ts';
import type { Status } from '../engine/status.ts';
import { HoldfastError } from '../errors.ts';
import { compactTime } from '../format/ids.ts';
import { reportDue } from '../policy/report-times.ts';
import { deliverToAll } from '../sinks/deliver.ts';
import { openSinks } from '../wiring/sinks.ts';
import { requireConfig, senderHere, type Session } from './session.ts';

/** Sends the report if it is due; undefined where none is wanted from here. */
export async function tellDigest(
  session: Session,
  status: Status,
  signal: AbortSignal,
): Promise<'told' | 'already' | 'failed' | undefined> {
  const { engine } = session;
  const config = requireConfig(session);
  const { success, timeZone } = config.notify;
  // The stack sends its own.
  if (success === 'never' || config.aws !== undefined) return undefined;
  const at = reportDue(success, timeZone, status.at);
  if (at === undefined) return undefined;
  const id = `report-${compactTime(at)}`;
  const message = digestMessage({ id, status, config, sender: senderHere(config) });
  const occurrence = {
    ...{ incident: id, sequence: 1, event: 'report' },
    content: { at: at.toISOString(), subject: message.subject },
  };
  const telling = tellOnce(occurrence, {
    store: engine.store,
    tell: async () => {
      const sinks = (await openSinks(config)).filter(({ kind }) => REPORTING_SINKS.includes(kind));
      const about = {
        ...{ system: config.system, sender: senderHere(config) },
        ...{ at: status.at, id: `${id}-sinks` },
      };
      const outcomes = await deliverToAll(sinks, message, {
        signal,
        afterFailure: (failed) =>
          sinkMessage(
            failed.map(({ sink, delivery }) => ({
              sink,
              why: delivery.delivered ? '' : delivery.why,
            })),
            about,
          ),
      });
      if (outcomes.some(({ delivery }) => delivery.delivered)) return;
      throw new HoldfastError('COMMAND_FAILED', 'no sink took the report', {
        hint: '`holdfast alert-test` says why; the next look tries again.',
      });
    },
    onTrouble: (error) => {
      throw error;
    },
  });
  try {
    return await telling;
  } catch (error) {
    // Incidents matter more; the next look tries again.
    if (!(error instanceof HoldfastError)) throw error;
    process.stderr.write(`warning: the report was not sent: ${error.message}\n`);
    return 'failed';
  }
}

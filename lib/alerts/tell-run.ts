// Tells of a run that did not go well through every sink at once: where no incident can say it.
import { deliverToAll } from '../sinks/deliver.ts';
import type { Sink } from '../sinks/sink.ts';
import { runMessage, sinkMessage, type RunEnded } from './run-message.ts';

/** A sink that did not take the message, and why. */
export interface Undelivered {
  readonly sink: string;
  readonly why: string;
}

/**
 * Sends the message about `ended` through each of `sinks`; those that failed. The others have told of them.
 *
 * @param random - makes the id of the message about sinks
 */
export async function tellRun(
  sinks: readonly Sink[],
  ended: RunEnded,
  { signal, random }: { readonly signal: AbortSignal; readonly random: () => string },
): Promise<Undelivered[]> {
  const outcomes = await deliverToAll(sinks, runMessage(ended), {
    signal,
    afterFailure: (failed) =>
      sinkMessage(
        failed.flatMap(({ sink, delivery }) =>
          delivery.delivered ? [] : [{ sink, why: delivery.why }],
        ),
        { system: ended.system, sender: ended.sender, at: ended.at, id: random() },
      ),
  });
  return outcomes.flatMap(({ sink, delivery }) =>
    delivery.delivered ? [] : [{ sink, why: delivery.why }],
  );
}

// Sending one message through all sinks: each is tried again while that may help, and what one cannot deliver, the others tell.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Sink, SinkMessage } from './sink.ts';

/** How a message fared with one sink. */
export interface Outcome {
  readonly sink: string;
  readonly delivery: Delivery;
}

export interface Patience {
  readonly signal: AbortSignal;
  /** How often it is tried. @default 3 */
  readonly attempts?: number;
  /** How long the first pause is; each further one is twice as long. @default 1_000 */
  readonly pauseMs?: number;
  /** A sink that asks for a longer wait has failed for now. @default 20_000 */
  readonly mostMs?: number;
}

/** Sends through one sink, and again while that may help. */
export async function deliver(
  sink: Sink,
  message: SinkMessage,
  { signal, attempts = 3, pauseMs = 1_000, mostMs = 20_000 }: Patience,
): Promise<Delivery> {
  for (let attempt = 1; ; attempt += 1) {
    const delivery = await sink.send(message, signal);
    if (delivery.delivered || !delivery.again || attempt >= attempts) return delivery;
    const waitMs = delivery.waitMs ?? pauseMs * 2 ** (attempt - 1);
    if (waitMs > mostMs) {
      const why = `${delivery.why} and asks to wait ${Math.round(waitMs / 1000)} seconds`;
      return { ...delivery, why };
    }
    try {
      await sleep(waitMs, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return delivery;
      throw error;
    }
  }
}

/**
 * Sends `message` through each of `sinks` at once. Where some fail, those that work get `afterFailure` about them. The outcomes are
 * those of `message`, in the order of the sinks.
 */
export async function deliverToAll(
  sinks: readonly Sink[],
  message: SinkMessage,
  {
    afterFailure,
    ...patience
  }: Patience & { readonly afterFailure: (failed: readonly Outcome[]) => SinkMessage },
): Promise<readonly Outcome[]> {
  const send = (to: readonly Sink[], what: SinkMessage) =>
    Promise.all(
      to.map(async (sink) => ({
        sink: sink.name,
        delivery: await deliver(sink, what, patience),
      })),
    );
  const outcomes = await send(sinks, message);
  const failed = outcomes.filter(({ delivery }) => !delivery.delivered);
  const working = sinks.filter((_, index) => outcomes[index]?.delivery.delivered === true);
  if (failed.length > 0 && working.length > 0) await send(working, afterFailure(failed));
  return outcomes;
}

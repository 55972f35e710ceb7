// An answer, and each chunk of its body, in time: a connection that somebody on the way has forgotten says nothing, ever.
import type { Readable } from 'node:stream';
import { BrokenAnswer, NoAnswer, seconds } from './broken-answer.ts';

export interface Limit {
  /** How long nothing may come. */
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
}

/** What `send` gives. It ends when the signal that it gets is aborted: then `NoAnswer` is thrown, unless `signal` was the reason. */
export async function inTime<T>(
  { ms, signal }: Limit,
  send: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new NoAnswer(ms)), ms);
  const cancel = () => controller.abort();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await send(controller.signal);
  } catch (error) {
    const { reason } = controller.signal as { reason: unknown };
    throw reason instanceof NoAnswer ? reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/**
 * The chunks of `body`, each in time; what the reader does between two is not counted. `BrokenAnswer` when one does not come, the
 * body breaks off, or the signal is aborted. However it ends, the body is closed.
 */
export async function* arriving(
  body: Readable,
  { ms, signal }: Limit,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The code that made the request stops listening when the headers have come: the body has to be ended.
  const stall = () => body.destroy(new BrokenAnswer(`gave nothing for ${seconds(ms)}`));
  const cancel = () => body.destroy(new BrokenAnswer('was interrupted'));
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const chunks = body[Symbol.asyncIterator]() as AsyncIterableIterator<Uint8Array>;
  try {
    for (;;) {
      const timer = setTimeout(stall, ms);
      const next = await chunks
        .next()
        .catch((error: unknown) => {
          throw brokenOff(error);
        })
        .finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    await chunks.return?.();
  }
}

function brokenOff(cause: unknown): BrokenAnswer {
  if (cause instanceof BrokenAnswer) return cause;
  const { code } = cause as { code?: unknown };
  return new BrokenAnswer(typeof code === 'string' ? `broke off (${code})` : 'broke off', {
    cause,
  });
}

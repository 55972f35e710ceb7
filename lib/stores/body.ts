// Reads the body of a put, so that an abort ends it at once, even while the body gives nothing.
import { HoldfastError } from '../errors.ts';

export type Body = AsyncIterable<Uint8Array> | Uint8Array;

/**
 * The chunks of `body`, unaltered and uncopied. Errors of the body pass as they are; `CANCELLED` once `signal` is aborted. However
 * it ends, the body is closed.
 */
export async function* chunksOf(
  body: Body,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(Symbol.asyncIterator in body)) {
    throwIfCancelled(signal);
    yield body;
    return;
  }
  const iterator = body[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      throwIfCancelled(signal);
      const step = await beforeAbort(iterator.next(), signal);
      if (step.done === true) {
        ended = true;
        return;
      }
      yield step.value;
    }
  } catch (error) {
    // The body often ends by the same signal, with an error of its own making.
    throw signal?.aborted === true ? cancelled(signal, error) : error;
  } finally {
    if (!ended) await close(iterator, signal);
  }
}

/** Closes a body that nobody will read. */
export async function discard(body: Body): Promise<void> {
  if (Symbol.asyncIterator in body) await close(body[Symbol.asyncIterator](), undefined);
}

/** Throws `CANCELLED` when `signal` is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal, signal.reason);
}

async function close(
  iterator: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  // How a body closes tells nothing about what was stored, and must not hide why it was closed.
  const closed = Promise.resolve(iterator.return?.()).then(nothing, nothing);
  // A generator that hangs in `next` closes only after that: an abort does not wait for it.
  if (signal?.aborted !== true) await closed;
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(cancelled(signal, signal.reason));
    signal.addEventListener('abort', abort, { once: true });
    const done = () => signal.removeEventListener('abort', abort);
    work.then(resolve, reject).then(done, done);
  });
}

function cancelled(signal: AbortSignal, cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError && cause.code === 'CANCELLED') return cause;
  return new HoldfastError('CANCELLED', 'the transfer to the store was interrupted', {
    cause: cause ?? signal.reason,
  });
}

function nothing(): void {
  return undefined;
}

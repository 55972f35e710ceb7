// Bounds how much work is under way at once.
import type { Pool } from '../threads/pool.ts';

/** The most that a piece of a large file holds. */
const PIECE_BYTES = 4 << 20;

/** Room for a piece for each thread, and for two that are read meanwhile. */
export function windowFor({ size }: Pool): Window {
  return new Window((size + 2) * PIECE_BYTES);
}

/** Starts work as long as its bytes fit; a failure is thrown by the next `add`, or by `drain`. */
export class Window {
  private readonly limitBytes: number;
  private busyBytes = 0;
  private failure: { error: unknown } | undefined;
  private wake: (() => void) | undefined;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Waits for room, then starts `work` and returns without waiting for it. */
  async add(bytes: number, work: () => Promise<void>): Promise<void> {
    while (this.busyBytes > 0 && this.busyBytes + bytes > this.limitBytes) await this.change();
    this.throwIfFailed();
    this.busyBytes += bytes;
    void this.perform(bytes, work);
  }

  private async perform(bytes: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failure ??= { error };
    } finally {
      this.busyBytes -= bytes;
      this.wake?.();
    }
  }

  /** Waits until all work has ended. */
  async drain(): Promise<void> {
    while (this.busyBytes > 0) await this.change();
    this.throwIfFailed();
  }

  private change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.wake = () => resolve(undefined);
    return promise;
  }

  private throwIfFailed(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}

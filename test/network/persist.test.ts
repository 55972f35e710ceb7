// Trying again: how often, after how long, and what ends it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { persist, type Wait } from '../../lib/network/persist.ts';

/** Fails with the numbers of its attempts, the first `failures` times. */
function failing(failures: number) {
  let attempts = 0;
  return () => {
    attempts += 1;
    return attempts <= failures
      ? Promise.reject(new Error(`${attempts}`))
      : Promise.resolve(attempts);
  };
}

describe('what is tried again', () => {
  test('is tried as often as the caller finds worth it, with the pauses that it says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(8),
        fc.array(fc.nat(1000), { maxLength: 8 }),
        async (failures, pauses) => {
          const waited: number[] = [];
          const end = persist(failing(failures), {
            again: (error, attempt) => {
              expect((error as Error).message).toBe(`${attempt}`);
              return pauses[attempt - 1];
            },
            wait: (ms) => {
              waited.push(ms);
              return Promise.resolve();
            },
          });
          const tried = await end.catch((error: unknown) => Number((error as Error).message));
          expect(tried).toBe(Math.min(failures, pauses.length) + 1);
          expect(waited).toEqual(pauses.slice(0, tried - 1));
        },
      ),
    );
  });

  test('ends with the error that came when the signal is aborted meanwhile', async () => {
    const controller = new AbortController();
    const error = new Error('broken');
    const asked: unknown[] = [];
    const end = persist(
      () => {
        controller.abort();
        return Promise.reject(error);
      },
      { signal: controller.signal, again: (one) => asked.push(one) },
    );
    await expect(end).rejects.toBe(error);
    expect(asked).toEqual([]);
  });

  test('is not waited for when the signal is aborted in a pause', async () => {
    const controller = new AbortController();
    let attempts = 0;
    const end = persist(
      () => {
        attempts += 1;
        return Promise.reject(new Error('broken'));
      },
      {
        signal: controller.signal,
        again: () => {
          setImmediate(() => controller.abort());
          return 2 ** 30;
        },
      },
    );
    await expect(end).rejects.toMatchObject({ name: 'AbortError' });
    expect(attempts).toBe(1);
  });

  test('gives its signal to whoever waits', async () => {
    const { signal } = new AbortController();
    const given: unknown[] = [];
    const wait: Wait = (_, one) => {
      given.push(one);
      return Promise.resolve();
    };
    await persist(failing(1), { again: () => 1, signal, wait });
    expect(given).toEqual([signal]);
  });
});

// A URL outside of AWS that is called while all is well: whoever watches it notices when everything here is silent.
import { HoldfastError } from '../errors.ts';

const TIMEOUT_MS = 10_000;

/**
 * Calls `url`, which is a secret: no error repeats it. Resolves when it was answered well.
 *
 * `STORE_UNAVAILABLE` when it was not, in time; `CONFIG_INVALID` when it is no URL of the web.
 */
export async function callHeartbeat(url: string, timeoutMs = TIMEOUT_MS): Promise<void> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      'notify.heartbeat leads to no http:// or https:// URL',
    );
  }
  const status = await statusOf(url, timeoutMs);
  if (status >= 200 && status < 300) return;
  throw new HoldfastError('STORE_UNAVAILABLE', `the heartbeat was answered with status ${status}`);
}

async function statusOf(url: string, timeoutMs: number): Promise<number> {
  try {
    const answer = await fetch(url, {
      method: 'GET',
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
    return answer.status;
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    // Not as a cause: it may hold the URL.
    throw new HoldfastError('STORE_UNAVAILABLE', `the heartbeat was not answered (${name})`);
  }
}

// One request to a server that takes messages, and what its answer means. No URL gets into a text: most of them are secrets.
import { NoAnswer } from '../network/broken-answer.ts';
import { inTime } from '../network/in-time.ts';
import { VERSION } from '../version.ts';
import { DELIVERED, type Delivery } from './sink.ts';

export interface Request {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** How long the answer may take. */
  readonly answerMs: number;
}

/** Posts and says what came of it. Follows no redirect: a signed message goes to whom it was meant for. */
export async function post(
  { url, headers = {}, body = '', answerMs }: Request,
  signal: AbortSignal,
): Promise<Delivery> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    return {
      delivered: false,
      why: 'what is configured is no http:// or https:// URL',
      again: false,
    };
  try {
    return await inTime({ ms: answerMs, signal }, async (abort) => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'user-agent': `holdfast/${VERSION}`, ...headers },
        body,
        redirect: 'manual',
        signal: abort,
      });
      await answer.body?.cancel();
      return deliveryOf(answer.status, answer.headers.get('retry-after'));
    });
  } catch (error) {
    if (error instanceof NoAnswer) return { delivered: false, why: error.message, again: true };
    if (signal.aborted) return { delivered: false, why: 'was interrupted', again: false };
    return { delivered: false, why: `could not be reached (${reasonOf(error)})`, again: true };
  }
}

function deliveryOf(status: number, retryAfter: string | null): Delivery {
  if (status >= 200 && status < 300) return DELIVERED;
  const again = status === 429 || status === 408 || status >= 500;
  return {
    ...{ delivered: false, why: `answered with status ${status}`, again },
    ...(again && { waitMs: waitOf(retryAfter) }),
  };
}

/** Seconds, or a date (RFC 9110, 10.2.3); a date is taken as a minute, so that no clock has to be right. */
function waitOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  return /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : 60_000;
}

/** The code of the system or of TLS, never the message: it may hold the URL. */
function reasonOf(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  if (typeof cause?.code === 'string') return cause.code;
  return typeof name === 'string' ? name : 'unknown';
}

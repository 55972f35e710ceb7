// A push message through ntfy (https://docs.ntfy.sh/publish/).
import { post } from './request.ts';
import { ANSWER_MS, type Sink } from './sink.ts';

export interface NtfyOptions {
  readonly name: string;
  /** The URL of the topic. */
  readonly url: string;
  readonly token: string | undefined;
  /** @default 15_000 */
  readonly answerMs?: number;
}

/** A longer message would become an attachment. */
const MAX_BYTES = 4000;
const PRIORITY = { alarm: 'urgent', watch: 'default', fine: 'low' } as const;

export function ntfySink({ name, url, token, answerMs = ANSWER_MS }: NtfyOptions): Sink {
  return {
    name,
    kind: 'ntfy',
    send: ({ subject, text, severity, link }, signal) =>
      post(
        {
          url,
          headers: {
            'content-type': 'text/plain; charset=utf-8',
            title: subject,
            priority: PRIORITY[severity],
            // What opens when the message is touched.
            ...(link !== undefined && { click: link }),
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          body: firstBytes(text, MAX_BYTES),
          answerMs,
        },
        signal,
      ),
  };
}

/** As much of `text` as fits, whole characters alone. */
function firstBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

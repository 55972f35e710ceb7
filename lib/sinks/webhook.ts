// A signed JSON document to a server of the user's. docs/alerting.md describes both; receivers depend on them.
import { createHmac } from 'node:crypto';
import { post } from './request.ts';
import { ANSWER_MS, type Sink, type SinkMessage } from './sink.ts';

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  /** For the signature, which a receiver can hold against its own clock. */
  readonly now: () => Date;
  /** @default 15_000 */
  readonly answerMs?: number;
}

export function webhookSink({
  name,
  url,
  secret,
  now,
  answerMs = ANSWER_MS,
}: WebhookOptions): Sink {
  return {
    name,
    kind: 'webhook',
    send: (message, signal) => {
      const body = webhookBody(message);
      const time = Math.floor(now().getTime() / 1000);
      const headers = {
        'content-type': 'application/json',
        'holdfast-signature': webhookSignature({ secret, time, body }),
      };
      return post({ url, headers, body, answerMs }, signal);
    },
  };
}

/** The document. */
export function webhookBody(message: SinkMessage): string {
  const { id, event, severity, system, at, thread, subject, text, link } = message;
  return JSON.stringify({
    ...{ version: 1, id, event, severity, system },
    at: at.toISOString(),
    ...{ thread, subject, text, link },
  });
}

/** `t=SECONDS,v1=HEX`: the HMAC with SHA-256 of the time, a dot, and the bytes of the body. */
export function webhookSignature({
  secret,
  time,
  body,
}: {
  readonly secret: string;
  readonly time: number;
  readonly body: string;
}): string {
  const hmac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return `t=${time},v1=${hmac}`;
}

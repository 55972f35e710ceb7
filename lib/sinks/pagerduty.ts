// Events for PagerDuty (Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview).
import { post } from './request.ts';
import { ANSWER_MS, type MessageEvent, type Sink, type SinkMessage } from './sink.ts';

export interface PagerDutyOptions {
  readonly name: string;
  readonly routingKey: string;
  /** Where events go; the service has one address for each of its regions. */
  readonly url: string;
  /** @default 15_000 */
  readonly answerMs?: number;
}

export const PAGERDUTY_URLS = {
  us: 'https://events.pagerduty.com/v2/enqueue',
  eu: 'https://events.eu.pagerduty.com/v2/enqueue',
} as const;

const SEVERITY = { alarm: 'critical', watch: 'warning', fine: 'info' } as const;

const ACTIONS: Readonly<Partial<Record<MessageEvent, string>>> = {
  acknowledged: 'acknowledge',
  recovered: 'resolve',
};

export function pagerDutySink(options: PagerDutyOptions): Sink {
  const { name, routingKey, url, answerMs = ANSWER_MS } = options;
  return {
    name,
    kind: 'pagerduty',
    send: (message, signal) =>
      post(
        {
          url,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(pagerDutyBody(message, routingKey)),
          answerMs,
        },
        signal,
      ),
  };
}

/** The event. Events with the same `dedup_key` are one alert there. */
export function pagerDutyBody(message: SinkMessage, routingKey: string): object {
  const { event, severity, system, at, thread, subject, text, link } = message;
  return {
    routing_key: routingKey,
    event_action: ACTIONS[event] ?? 'trigger',
    dedup_key: thread.slice(0, 255),
    ...(link !== undefined && { links: [{ href: link, text: 'Acknowledge in Holdfast' }] }),
    payload: {
      summary: subject,
      source: system,
      severity: SEVERITY[severity],
      timestamp: at.toISOString(),
      component: 'holdfast',
      custom_details: { text: text.slice(0, 100_000), message: message.id },
    },
  };
}

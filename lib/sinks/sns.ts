// A message through Amazon SNS: on a topic, or as a text message to the number of a contact.
import { DELIVERED, type Delivery, type Sink, type SinkMessage } from './sink.ts';

/** What is published, and where. */
export interface Published {
  readonly to: { readonly topic: string } | { readonly phone: string };
  readonly subject: string;
  readonly text: string;
  /** What a subscriber can choose by. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** How SNS answered a message that it did not take, without the number that it was for. */
export interface Refusal {
  readonly why: string;
  readonly again: boolean;
}

export interface SnsOptions {
  readonly name: string;
  readonly kind: 'sns' | 'sms';
  /** Undefined for text messages. */
  readonly topic: string | undefined;
  /** Undefined when it was taken. */
  readonly publish: (message: Published, signal: AbortSignal) => Promise<Refusal | undefined>;
}

/** SNS takes 256 KB. */
const MOST_TEXT = 100_000;
/** Each part of a text message has 160 characters or fewer and is paid for. */
const MOST_SMS = 300;
/** With a long link, a text message becomes longer: what it is about has to be read. */
const LEAST_SUBJECT = 60;

export function snsSink({ name, kind, topic, publish }: SnsOptions): Sink {
  return {
    name,
    kind,
    send: async (message, signal): Promise<Delivery> => {
      const to = topic === undefined ? numberOf(message) : { topic };
      if (to === undefined) return { delivered: false, why: NO_NUMBER, again: false };
      const refusal = await publish(
        {
          to,
          subject: message.subject,
          text: 'phone' in to ? shortText(message) : message.text.slice(0, MOST_TEXT),
          attributes: { system: message.system, event: message.event, thread: message.thread },
        },
        signal,
      );
      return refusal === undefined ? DELIVERED : { delivered: false, ...refusal };
    },
  };
}

const NO_NUMBER = 'the contact has no `phone` in international form, such as +4915112345678';

function numberOf({ to }: SinkMessage): { phone: string } | undefined {
  const phone = to?.phone?.replaceAll(/[\s()/-]/g, '');
  return phone !== undefined && /^\+[1-9]\d{6,14}$/.test(phone) ? { phone } : undefined;
}

/** The subject, and how to answer: by the link, or in words. A link is whole, or good for nothing. */
function shortText({ subject, text, link }: SinkMessage): string {
  if (link !== undefined)
    return `${subject.slice(0, Math.max(LEAST_SUBJECT, MOST_SMS - link.length - 1))}\n${link}`;
  const next = /^next +(.*)$/m.exec(text)?.[1];
  return (next === undefined ? subject : `${subject}\n${next}`).slice(0, MOST_SMS);
}

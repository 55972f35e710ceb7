// The contract of a sink: a way by which a message leaves. It knows no configuration, no store and no incident.

/** What a message is about. Only services that call people by themselves hear of what is `acknowledged`. */
export type MessageEvent = 'failure' | 'acknowledged' | 'recovered' | 'report' | 'test';

/** Whom a message is for, where the sink has to know. */
export interface Recipient {
  readonly contact: string;
  readonly email: string | undefined;
  readonly phone: string | undefined;
}

/** A message to people and their programs. All text in it is harmless: see `alerts/plain-text.ts`. */
export interface SinkMessage {
  /** The same for the same message, however often and by however many sinks it goes out. */
  readonly id: string;
  readonly event: MessageEvent;
  readonly severity: 'alarm' | 'watch' | 'fine';
  readonly system: string;
  readonly at: Date;
  /** What messages of one matter have in common, for services that keep track of it; at most 255 characters. */
  readonly thread: string;
  /** At most 100 characters of ASCII. */
  readonly subject: string;
  /** Plain text in lines. */
  readonly text: string;
  /** A page where whoever reads the message answers it; it stands in the text, too. */
  readonly link?: string | undefined;
  /** @default whoever the sink reaches */
  readonly to?: Recipient | undefined;
}

/** What became of a message. */
export type Delivery =
  | { readonly delivered: true }
  | {
      readonly delivered: false;
      /** What went wrong, without the URL or anything else that is secret: `answered with status 500`. */
      readonly why: string;
      /** Whether the same attempt may succeed later. */
      readonly again: boolean;
      /** How long the other side asks to wait before that. */
      readonly waitMs?: number | undefined;
    };

export const DELIVERED: Delivery = { delivered: true };

/** A way by which messages go out. */
export interface Sink {
  readonly name: string;
  readonly kind: string;
  /** Tries once. Never rejects for what the other side does. */
  send(message: SinkMessage, signal: AbortSignal): Promise<Delivery>;
}

/** How long the other side may take for an answer. */
export const ANSWER_MS = 15_000;

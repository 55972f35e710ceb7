// An e-mail through a mail server (SMTP).
import { DELIVERED, type Delivery, type Sink, type SinkMessage } from './sink.ts';

export interface EmailOptions {
  readonly name: string;
  /** `smtps://USER:PASSWORD@HOST:PORT` or `smtp://…`. */
  readonly server: string;
  readonly from: string;
  readonly to: readonly string[];
  /** How long the server may be silent. @default 15_000 */
  readonly answerMs?: number;
}

const ANSWER_MS = 15_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

export function emailSink(options: EmailOptions): Sink {
  const { name, server } = options;
  return {
    name,
    kind: 'email',
    send: (message, signal) =>
      isServer(server)
        ? send(message, options, signal)
        : Promise.resolve({
            delivered: false,
            why: 'what is configured is no smtp:// or smtps:// URL',
            again: false,
          }),
  };
}

function isServer(text: string): boolean {
  return URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol);
}

async function send(
  { id, system, subject, text, to: recipient }: SinkMessage,
  { server, from, to: all, answerMs = ANSWER_MS }: EmailOptions,
  signal: AbortSignal,
): Promise<Delivery> {
  const to = recipient?.email === undefined ? all : [recipient.email];
  // Loaded when there is something to send.
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({
    ...connectionOf(new URL(server)),
    connectionTimeout: answerMs,
    greetingTimeout: answerMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const end = () => transport.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    const { rejected } = (await transport.sendMail({
      ...{ from, to: [...to], subject, text },
      headers: {
        // So that no automatic answer comes back (RFC 3834).
        'Auto-Submitted': 'auto-generated',
        'X-Holdfast-System': system,
        'X-Holdfast-Message': id,
      },
    })) as { rejected?: readonly unknown[] };
    const refused = rejected?.length ?? 0;
    if (refused === 0) return DELIVERED;
    return {
      delivered: false,
      why: `the mail server refused ${refused} of ${to.length} addresses`,
      again: false,
    };
  } catch (error) {
    if (signal.aborted) return { delivered: false, why: 'was interrupted', again: false };
    return failureOf(error);
  } finally {
    signal.removeEventListener('abort', end);
    transport.close();
  }
}

function connectionOf(url: URL) {
  const { hostname, port, username, password, protocol } = url;
  const secure = protocol === 'smtps:';
  const user = decodeURIComponent(username);
  const isLocal = LOCAL.has(hostname);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    // A password never leaves the machine in clear text. A mail server on this machine often has a certificate that nobody vouches for.
    requireTLS: !secure && user !== '' && !isLocal,
    ignoreTLS: !secure && isLocal,
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(password) } }),
  };
}

/** Codes alone: what a server says may hold anything. */
function failureOf(error: unknown): Delivery {
  const { responseCode, code } = error as { responseCode?: unknown; code?: unknown };
  if (typeof responseCode === 'number')
    return {
      delivered: false,
      why: `the mail server answered with ${responseCode}`,
      // 4xx: temporary (RFC 5321, 4.2.1).
      again: responseCode >= 400 && responseCode < 500,
    };
  const reason = typeof code === 'string' ? code : 'unknown';
  return { delivered: false, why: `the mail server could not be used (${reason})`, again: true };
}

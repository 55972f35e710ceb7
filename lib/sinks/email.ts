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
  message: SinkMessage,
  { server, from, to: all, answerMs = ANSWER_MS }: EmailOptions,
  signal: AbortSignal,
): Promise<Delivery> {
  const to = message.to?.email === undefined ? all : [message.to.email];
  // Loaded when there is something to send. What nodemailer has besides, for attachments, would be most of the code of a function.
  const [{ default: SmtpConnection }, { encode, wrap }] = await Promise.all([
    import('nodemailer/lib/smtp-connection'),
    import('nodemailer/lib/qp'),
  ]);
  const { auth, ...options } = connectionOf(new URL(server));
  const connection = new SmtpConnection({
    ...options,
    connectionTimeout: answerMs,
    greetingTimeout: answerMs,
    socketTimeout: answerMs,
  });
  const body = wrap(encode(message.text.replaceAll(/\r?\n/g, '\r\n')));
  const mail = `${headersOf(message, from, to).join('\r\n')}\r\n\r\n${body}\r\n`;
  const end = () => connection.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    const { rejected } = await new Promise<{ rejected: readonly string[] }>((resolve, reject) => {
      connection.once('error', reject);
      connection.once('end', () => reject(new Error('the connection has ended')));
      const sendIt = () =>
        connection.send({ from, to: [...to] }, mail, (error, info) =>
          error === null ? resolve(info) : reject(error),
        );
      connection.connect((failed) => {
        if (failed) reject(failed);
        else if (auth === undefined) sendIt();
        else connection.login(auth, (error) => (error ? reject(error) : sendIt()));
      });
    });
    if (rejected.length === 0) return DELIVERED;
    return {
      delivered: false,
      why: `the mail server refused ${rejected.length} of ${to.length} addresses`,
      again: false,
    };
  } catch (error) {
    if (signal.aborted) return { delivered: false, why: 'was interrupted', again: false };
    return failureOf(error);
  } finally {
    signal.removeEventListener('abort', end);
    connection.close();
  }
}

/** Addresses have passed the rules of the configuration; whatever else may hold anything is ASCII on one line. */
function headersOf(
  { id, system, subject, at }: SinkMessage,
  from: string,
  to: readonly string[],
): string[] {
  const host = from.slice(from.lastIndexOf('@') + 1);
  return [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${oneLine(subject)}`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    // The same for the same message, so that one that is sent twice is shown once.
    `Message-ID: <${oneLine(id)}.${system}@${host}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    // So that no automatic answer comes back (RFC 3834).
    'Auto-Submitted: auto-generated',
    `X-Holdfast-System: ${system}`,
    `X-Holdfast-Message: ${oneLine(id)}`,
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
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

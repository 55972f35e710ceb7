// The link in a message, by which its reader acknowledges: what it looks like, and what it allows. Pure.
import { createHash, timingSafeEqual } from 'node:crypto';
import { DAY_MS } from '../../durations.ts';
import { messageParts, type Target } from './escalation.ts';
import { attemptDetail, type Incident } from './state.ts';

/** Which attempt of which message a link stands in: the detail of its claim. */
export interface LinkPlace {
  readonly incident: string;
  readonly detail: string;
}

export interface Link extends LinkPlace {
  /** What nobody can guess; the store knows only its digest. */
  readonly token: string;
}

/** What the claim of a message says of the link in it. */
export interface LinkRecord {
  /** The SHA-256 of the token, in hex. */
  readonly digest: string;
  readonly expires: Date;
  /** When the message was claimed. */
  readonly at: Date;
}

/** Random bytes of a token. */
export const TOKEN_BYTES = 32;
/** How long a link works: over a weekend, but not for as long as mail is kept. */
export const LINK_MS = 3 * DAY_MS;

const NAME = '[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?';
const PATH = new RegExp(
  String.raw`^/(\d{6})/([a-z][a-z0-9.]{0,60})/(${NAME})(?:/(${NAME}))?/([1-9]\d{0,5})/([0-9a-f]{64})$`,
);

/** The path of a link: letters, digits and `-./` alone, so that no mail program and no chat takes a part of it for markup. */
export function linkPath({ incident, detail, token }: Link): string {
  const { message, number } = attemptParts(detail);
  return `/${[incident, ...messageParts(message), number, token].join('/')}`;
}

/** The link of a path; undefined for any other path. */
export function parseLinkPath(path: string): Link | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, incident = '', name = '', sink = '', contact, number, token = ''] = match;
  const message = [name, sink, ...(contact === undefined ? [] : [contact])].join('_');
  return { incident, detail: attemptDetail(message, Number(number)), token };
}

function attemptParts(detail: string): { message: string; number: string } {
  const dot = detail.lastIndexOf('.');
  return { message: detail.slice(0, dot), number: detail.slice(dot + 1) };
}

/** Whom the message reached: a sink, and a contact where it was for one alone. */
export function readerOf(detail: string): Target {
  const [, sink = '', contact] = messageParts(attemptParts(detail).message);
  return { sink, contact };
}

function digestOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** What is recorded about a link before its message goes out: enough to recognise the token, and nothing that gives it away. */
export function linkRecord(token: string, now: Date): Pick<LinkRecord, 'digest' | 'expires'> {
  return { digest: digestOfToken(token), expires: new Date(now.getTime() + LINK_MS) };
}

/** Whether the digest is that of the token. It takes the same time wherever they differ. */
export function isTokenOf(token: string, { digest }: Pick<LinkRecord, 'digest'>): boolean {
  const [own, known] = [digestOfToken(token), digest].map((one) => Buffer.from(one, 'hex'));
  return own !== undefined && own.length === known?.length && timingSafeEqual(own, known);
}

/** The state of a link: only an `open` one acknowledges. */
export type LinkStanding = 'open' | 'answered' | 'resolved' | 'expired';

/**
 * The state of a genuine link now. It answers its message once. After that, and when somebody else has acknowledged since the message,
 * there is nothing left to answer.
 */
export function standingOf(
  incident: Pick<Incident, 'resolved' | 'acknowledgements'>,
  { detail, at, expires }: LinkRecord & Pick<LinkPlace, 'detail'>,
  now: Date,
): LinkStanding {
  if (now >= expires) return 'expired';
  if (incident.resolved !== undefined) return 'resolved';
  const isAnswered = incident.acknowledgements.some((one) => one.link === detail || one.at >= at);
  return isAnswered ? 'answered' : 'open';
}

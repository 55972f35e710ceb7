// What `acknowledge` does: shows the incident of a link, and writes down that somebody sees to it. Strangers reach it; nothing else does.
import { acknowledgeByLink, lookAtLink, MAX_NOTE } from '../../alerts/acknowledgement.ts';
import { incidentPage, noticePage, type Page } from '../../alerts/incident-page.ts';
import type { Engine } from '../../engine/engine.ts';
import { HoldfastError } from '../../errors.ts';
import { parseLinkPath, type Link } from '../../policy/incidents/link.ts';
import { errorFields, type Log } from '../logger.ts';
import type { GuessLimit } from './guesses.ts';
import {
  MAX_BODY_BYTES,
  urlRequest,
  urlResponse,
  type UrlRequest,
  type UrlResponse,
} from './url-event.ts';

/** A request with what may be a link. */
export interface Asked {
  readonly request: UrlRequest;
  readonly link: Link;
}

/** What came of a request, for the log: neither the link nor anything else that the sender chose. */
export interface AnswerReport {
  readonly outcome:
    'shown' | 'acknowledged' | 'answered' | 'resolved' | 'expired' | 'refused' | 'failed';
  readonly status: number;
  readonly incident?: number;
}

export interface Answer {
  readonly response: UrlResponse;
  readonly report: AnswerReport;
}

type Outcome = { readonly outcome: AnswerReport['outcome']; readonly page: Page };

/**
 * Refuses what cannot be a link, and addresses that have failed too often: without the store, and without a line in the log, as nobody
 * may run up a bill by asking. `USAGE` for an event that is no request.
 */
export function screen(
  event: unknown,
  guesses: GuessLimit,
  now: Date,
): { readonly refused: UrlResponse } | { readonly refused: undefined; readonly asked: Asked } {
  const request = urlRequest(event);
  const { method, path, from, bodyBytes } = request;
  const refuse = (page: Page) => ({ refused: urlResponse(page, method) });
  if (!['GET', 'HEAD', 'POST'].includes(method)) return refuse(WRONG_METHOD);
  if (bodyBytes > MAX_BODY_BYTES) return refuse(TOO_LONG);
  const link = parseLinkPath(path);
  if (link === undefined) return refuse(NO_LINK);
  const waitMs = guesses.waitMs(from, now);
  if (waitMs > 0) return refuse(tooOften(waitMs));
  return { refused: undefined, asked: { request, link } };
}

/**
 * Answers a request that passed {@link screen}. GET and HEAD show and change nothing, because programs that check mail open links; POST
 * acknowledges.
 */
export async function answer(
  {
    engine,
    log,
    guesses,
  }: { readonly engine: Engine; readonly log: Log; readonly guesses: GuessLimit },
  { request, link }: Asked,
): Promise<Answer> {
  const done = await tryAct(engine, { request, link }, log);
  if (done === undefined) guesses.failed(request.from, engine.now());
  const { outcome, page } = done ?? { outcome: 'refused', page: NO_LINK };
  return {
    response: urlResponse(page, request.method),
    report: {
      ...{ outcome, status: page.status },
      ...(outcome !== 'refused' && outcome !== 'failed' && { incident: Number(link.incident) }),
    },
  };
}

async function tryAct(
  engine: Engine,
  { request, link }: Asked,
  log: Log,
): Promise<Outcome | undefined> {
  try {
    return await act(engine, request, link);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    log.error('a link could not be answered', errorFields(error));
    return { outcome: 'failed', page: UNAVAILABLE };
  }
}

/** What comes of a link; undefined when it is not genuine. */
async function act(
  engine: Engine,
  { method, form }: UrlRequest,
  link: Link,
): Promise<Outcome | undefined> {
  const isPost = method === 'POST';
  const looked = isPost
    ? await acknowledgeByLink(engine, link, form.get('note') ?? '')
    : await lookAtLink(engine, link);
  if (looked === undefined) return undefined;
  const { standing } = looked;
  if (standing === 'expired') return { outcome: 'expired', page: EXPIRED };
  if (isPost && standing === 'open') return { outcome: 'acknowledged', page: DONE };
  const shown = { ...looked, system: engine.system ?? '', place: link, now: engine.now() };
  // What was sent is not what has happened: somebody else was faster.
  const status = isPost ? 409 : 200;
  return { outcome: standing === 'open' ? 'shown' : standing, page: incidentPage(shown, status) };
}

const CLI =
  'On a machine with Holdfast, `holdfast incident list` and `holdfast incident ack` work.';

const NO_LINK = noticePage({
  status: 404,
  title: 'This link leads nowhere',
  lines: [
    'It is not complete, or it does not come from a message of this system. Mail programs sometimes break long links over two lines.',
    CLI,
  ],
});

const EXPIRED = noticePage({
  status: 410,
  title: 'This link has expired',
  lines: [
    'Links are valid for three days. If the incident is still open, newer messages carry newer links.',
    CLI,
  ],
});

/** Reloading must not send the form again; the page then says who has acknowledged. */
const DONE: Page = {
  status: 303,
  headers: { location: '?', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  body: '',
};

const UNAVAILABLE = noticePage({
  status: 503,
  title: 'This did not work',
  lines: [
    'The store of the backups does not answer. Nothing was acknowledged: please try again in a minute.',
    CLI,
  ],
  headers: { 'retry-after': '60' },
});

const WRONG_METHOD = noticePage({
  status: 405,
  title: 'This link can only be opened',
  lines: [CLI],
  headers: { allow: 'GET, HEAD, POST' },
});

const TOO_LONG = noticePage({
  status: 413,
  title: 'This is too long',
  lines: [
    `A note has at most ${MAX_NOTE} characters. Nothing was acknowledged: go back, and shorten it.`,
  ],
});

function tooOften(waitMs: number): Page {
  const seconds = Math.ceil(waitMs / 1000);
  return noticePage({
    status: 429,
    title: 'Too many wrong links',
    lines: [`Please try again in ${seconds} seconds.`, CLI],
    headers: { 'retry-after': String(seconds) },
  });
}

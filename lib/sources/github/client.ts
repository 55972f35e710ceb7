// Asking GitHub's REST API. The token goes to the API's own origin alone, and never into a message.
import { Readable } from 'node:stream';
import { HoldfastError } from '../../errors.ts';
import { BrokenAnswer, NoAnswer } from '../../network/broken-answer.ts';
import { arriving, inTime, type Limit } from '../../network/in-time.ts';
import { persist } from '../../network/persist.ts';

export interface GithubPlace {
  /** Without a slash at its end. */
  readonly api: string;
  /** `owner/name` */
  readonly repository: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * How long an answer, or the next bytes of one, may take.
   * @default 30 seconds
   */
  readonly stallMs?: number | undefined;
}

const STALL_MS = 30_000;
const ATTEMPTS = 4;
const PAUSE_MS = 500;
/** A limit that ends later than this is reported, not waited for. */
const MAX_WAIT_MS = 30_000;
const MAX_REDIRECTS = 5;
/** What answers in one piece is no larger; a tree of 100,000 entries, the most that is given, takes some 20 MB. */
const MAX_ANSWER_BYTES = 64 << 20;

/** The answer to a question that is small. `SOURCE_UNREADABLE`, with what to do, for all but success; undefined for `absent`. */
export async function askGithub(
  place: GithubPlace,
  path: string,
  { accept = 'application/vnd.github+json', absent = false } = {},
): Promise<string | undefined> {
  return persistently(place, async () => {
    const response = await request(place, path, accept);
    if (absent && response.status === 404) return undefined;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of bodyOf(place, await accepted(place, response))) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw unreadable(place, 'answers with more than is sensible');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  });
}

/** Has `take` read a large answer, again from its beginning when it breaks off. Errors as for {@link askGithub}. */
export async function downloadFromGithub<T>(
  place: GithubPlace,
  path: string,
  take: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  return persistently(place, async () => {
    const response = await request(place, path, 'application/vnd.github+json');
    return take(bodyOf(place, await accepted(place, response)));
  });
}

async function persistently<T>(place: GithubPlace, act: () => Promise<T>): Promise<T> {
  const { signal } = place;
  try {
    return await persist(act, {
      signal,
      again: (error, attempt) =>
        error instanceof BrokenAnswer && attempt < ATTEMPTS
          ? (error.waitMs ?? PAUSE_MS * 2 ** attempt)
          : undefined,
    });
  } catch (error) {
    if (signal?.aborted === true) {
      throw new HoldfastError('CANCELLED', 'the backup was interrupted', { cause: error });
    }
    throw error instanceof BrokenAnswer ? unreadable(place, error.message, error.cause) : error;
  }
}

/** Follows redirects itself: what a download is redirected to must not learn the token. */
async function request(place: GithubPlace, path: string, accept: string): Promise<Response> {
  const origin = new URL(place.api).origin;
  let url = new URL(`${place.api}/repos/${place.repository}${path}`);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const known = url.origin === origin;
    const response = await answer(place, url, {
      accept,
      'user-agent': 'holdfast',
      ...(known && { 'x-github-api-version': '2022-11-28' }),
      ...(known && place.token !== undefined && { authorization: `Bearer ${place.token}` }),
    });
    const location = response.headers.get('location');
    if (response.status < 301 || response.status > 308 || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && next.protocol !== url.protocol) {
      throw unreadable(
        place,
        `redirects to ${next.protocol}//${next.host}, which is not encrypted`,
      );
    }
    url = next;
  }
  throw unreadable(place, `redirects more than ${MAX_REDIRECTS} times`);
}

async function answer(
  place: GithubPlace,
  url: URL,
  headers: Record<string, string>,
): Promise<Response> {
  try {
    return await inTime(limitOf(place), (signal) =>
      fetch(url, { headers, redirect: 'manual', signal }),
    );
  } catch (cause) {
    // The path of a download may hold a token of its own: the host is all that is told.
    const what = cause instanceof NoAnswer ? cause.message : `was not reached: ${reasonOf(cause)}`;
    throw new BrokenAnswer(`${what} (${url.host})`, { cause });
  }
}

function limitOf({ stallMs = STALL_MS, signal }: GithubPlace): Limit {
  return { ms: stallMs, signal };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).name;
}

/** The response when it is a success. */
async function accepted(place: GithubPlace, response: Response): Promise<Response> {
  if (response.ok) return response;
  await response.body?.cancel();
  const { status, headers } = response;
  if (status >= 500) throw new BrokenAnswer(`answers with status ${status}`);
  if (status === 429 || (status === 403 && isLimited(headers))) throw limited(place, headers);
  const [what, hint] = REFUSALS[status] ?? [`answers with status ${status}`, undefined];
  throw unreadable(place, what, undefined, hint);
}

const REFUSALS: Partial<Record<number, readonly [string, string]>> = {
  401: [
    'refuses the token',
    'Has it expired? Make a new one that may read the contents of this repository.',
  ],
  403: [
    'refuses access',
    'The token needs to read the contents of this repository, and to be authorised for its organisation.',
  ],
  404: [
    'does not exist, or the token may not see it',
    'Is it spelled `owner/name`? A private repository needs a `token` that may read its contents.',
  ],
  409: ['is empty', 'If an empty source is fine, set `allowEmpty: true`.'],
  422: ['has no such commit', 'Is `ref` the name of a branch or a tag, or a whole commit?'],
};

function isLimited(headers: Headers): boolean {
  return headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after');
}

function limited(place: GithubPlace, headers: Headers): Error {
  const after = Number(headers.get('retry-after') ?? NaN) * 1000;
  const reset = Number(headers.get('x-ratelimit-reset') ?? NaN) * 1000;
  const until = Number.isNaN(reset) ? '' : ` until ${new Date(reset).toISOString()}`;
  if (after <= MAX_WAIT_MS) return new BrokenAnswer(`limits requests${until}`, { waitMs: after });
  const hint = 'Run the backup again then; a `token` has a limit of its own, which is far higher.';
  return unreadable(place, `allows no more requests${until}`, undefined, hint);
}

function unreadable(
  { repository, api }: GithubPlace,
  what: string,
  cause?: unknown,
  hint?: string,
): HoldfastError {
  return new HoldfastError(
    'SOURCE_UNREADABLE',
    `the repository ${repository} at ${new URL(api).host} ${what}`,
    { ...(hint !== undefined && { hint }), ...(cause !== undefined && { cause }) },
  );
}

function bodyOf(place: GithubPlace, { body }: Response): AsyncIterable<Uint8Array> {
  return arriving(body === null ? Readable.from([]) : Readable.fromWeb(body), limitOf(place));
}

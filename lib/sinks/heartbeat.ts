// A URL that somebody else watches, in the form of healthchecks.io: called when all is well, with `/start` and `/fail` at its end otherwise.
import { post } from './request.ts';
import { ANSWER_MS, type Delivery } from './sink.ts';

/** What the call means. `log` changes nothing, and is for tests. */
export type Beat = 'start' | 'success' | 'fail' | 'log';

/** Calls it once; `text` says more to a person who looks there. */
export function callBeat(
  url: string,
  beat: Beat,
  {
    text = '',
    answerMs = ANSWER_MS,
    signal,
  }: { text?: string; answerMs?: number; signal: AbortSignal },
): Promise<Delivery> {
  return post(
    {
      url: beat === 'success' ? url : beatUrl(url, beat),
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: text,
      answerMs,
    },
    signal,
  );
}

/** The word goes to the end of the path, before any question mark. */
function beatUrl(text: string, beat: Beat): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${beat}`;
  return url.href;
}

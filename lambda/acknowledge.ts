// Shows the incident behind the link of a message, and writes down that somebody sees to it.
import { answer, screen } from '../lib/functions/acknowledge/acknowledge.ts';
import { guessLimit } from '../lib/functions/acknowledge/guesses.ts';
import type { UrlResponse } from '../lib/functions/acknowledge/url-event.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';

/** At most one such process runs at a time, so this counts what all strangers try. */
const guesses = guessLimit();

/** A request to the URL of the function. */
export async function handler(event: unknown, context: FunctionContext): Promise<UrlResponse> {
  const screened = screen(event, guesses, new Date());
  if (screened.refused !== undefined) return screened.refused;
  const { asked } = screened;
  let response: UrlResponse | undefined;
  await invoke(context, 'a request', async ({ engine, log }) => {
    const answered = await answer({ engine, log, guesses }, asked);
    response = answered.response;
    // The answer itself is for whoever has the link, and not for the log.
    return answered.report;
  });
  if (response === undefined) throw new TypeError('a request was answered by nothing');
  return response;
}

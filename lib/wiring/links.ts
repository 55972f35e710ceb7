// The links in messages: where they lead, and the chance that makes their tokens.
import { randomBytes } from 'node:crypto';
import { TOKEN_BYTES } from '../policy/incidents/link.ts';

/** Links that lead to `url`, with tokens that nobody can guess; undefined without a URL. */
export function linksTo(
  url: string | undefined,
): { readonly url: string; readonly token: () => string } | undefined {
  return url === undefined
    ? undefined
    : { url, token: () => randomBytes(TOKEN_BYTES).toString('hex') };
}

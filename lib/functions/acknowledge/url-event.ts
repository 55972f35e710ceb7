// Requests to the URL of a function, as Lambda hands them over, and the answers that it takes. Everything in a request is hostile.
import * as z from 'zod/mini';
import { HoldfastError } from '../../errors.ts';
import type { Page } from '../../alerts/incident-page.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
const urlEvent = z.object({
  rawPath: z.string(),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
  requestContext: z.object({
    http: z.object({ method: z.string(), sourceIp: z.string() }),
  }),
});

/** A request, as far as anything is decided by it. */
export interface UrlRequest {
  readonly method: string;
  readonly path: string;
  /** The address that it came from; of IPv6 the network that one customer has. */
  readonly from: string;
  /** The fields of a form; none where another kind of body came. */
  readonly form: URLSearchParams;
  readonly bodyBytes: number;
}

/** What Lambda takes for an answer. */
export interface UrlResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A form with a note is smaller. */
export const MAX_BODY_BYTES = 8 << 10;

/** The request of an event. `USAGE` for an event that is none. */
export function urlRequest(event: unknown): UrlRequest {
  const { success, data } = z.safeParse(urlEvent, event);
  if (!success)
    throw new HoldfastError('USAGE', 'the event is no request to the URL of the function', {
      hint: 'Open the link of a message; this function does nothing else.',
    });
  const { rawPath, headers = {}, body = '', isBase64Encoded = false, requestContext } = data;
  const { method, sourceIp } = requestContext.http;
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  const isForm = type?.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded';
  const isRead = isForm && bytes.length <= MAX_BODY_BYTES;
  return {
    method: method.toUpperCase(),
    path: rawPath,
    from: networkOf(sourceIp),
    form: new URLSearchParams(isRead ? bytes.toString('utf8') : ''),
    bodyBytes: bytes.length,
  };
}

/** What a page is as an answer; none of it where only its headers were asked for. */
export function urlResponse({ status, headers, body }: Page, method: string): UrlResponse {
  return { statusCode: status, headers, body: method === 'HEAD' ? '' : body };
}

/** An address of IPv4, or the first 64 bits of one of IPv6: behind these, one customer has as many as he likes. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address.slice(0, 64);
  const [groups = [], rest] = address
    .split('::')
    .map((part) => part.split(':').filter((one) => one !== ''));
  const left = Math.max(0, 8 - groups.length - (rest?.length ?? 0));
  const all = rest === undefined ? groups : [...groups, ...Array<string>(left).fill('0'), ...rest];
  return all
    .slice(0, 4)
    .map((one) =>
      one
        .slice(0, 4)
        .toLowerCase()
        .replace(/^0+(?=.)/, ''),
    )
    .join(':');
}

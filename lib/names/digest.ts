// Short names for what is too long to be part of a name.
import { createHash } from 'node:crypto';

/** So many hexadecimal digits of a digest of `text`; the same for the same text, always. */
export function digestOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

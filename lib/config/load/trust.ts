// Public keys as they are written in the configuration: a PEM block or bare base64.
import { createPublicKey } from 'node:crypto';

import { errorCode } from '../error-code.ts';

/**
 * The key as base64 of its SPKI DER on one line, or undefined when `text` is no ECDSA P-256 public key.
 *
 * A private key is refused although the public one could be derived from it: it has no place in a configuration.
 */
export function normalizePublicKey(text: string): string | undefined {
  if (text.includes('PRIVATE KEY')) return undefined;
  const base64 = text.replace(/\s+/g, '');
  const pem = text.includes('-----BEGIN')
    ? text.trim()
    : `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`;
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
    return key.export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (error) {
    // Whatever OpenSSL dislikes about it, the text is no key.
    if (errorCode(error)?.startsWith('ERR_') === true) return undefined;
    throw error;
  }
}

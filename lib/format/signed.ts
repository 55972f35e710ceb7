// Signed files: a JSON array in four lines, whose second line is what the signature covers. `sed -n 2p | openssl dgst -sha256
// -verify key.pem -signature sig` checks one without Holdfast.
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { HoldfastError } from '../errors.ts';

/** Signs with a private key that it holds or can reach: ECDSA P-256 with SHA-256, DER. */
export interface Signer {
  readonly keyId: string;
  sign(payload: Uint8Array): Promise<Uint8Array>;
}

/** A public key whose signatures count for files under its prefixes. */
export interface TrustedKey {
  readonly name: string;
  readonly keyId: string;
  readonly publicKey: KeyObject;
  readonly prefixes: readonly string[];
  /** The events of incidents that it may vouch for; undefined for all that lies under its prefixes. */
  readonly events?: readonly string[] | undefined;
}

/** No signed file is larger: what claims to be is refused before it is parsed. */
export const MAX_SIGNED_BYTES = 16 << 20;

/** No payload is nested deeper, so code that looks at one need not watch its depth. */
const MAX_DEPTH = 64;

/** The id of a public key: the SHA-256 of its SPKI form, in hex. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** A trusted key from PEM or from the base64 of its SPKI form. `CONFIG_INVALID` unless it is an ECDSA P-256 public key. */
export function trustedKey(name: string, encoded: string, prefixes: readonly string[]): TrustedKey {
  let publicKey: KeyObject;
  try {
    publicKey = encoded.includes('-----BEGIN')
      ? createPublicKey(encoded)
      : createPublicKey({ key: Buffer.from(encoded, 'base64'), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `the public key of "${name}" cannot be read`, {
      hint: 'It must be the base64 of the SPKI form, or PEM, as `holdfast init` writes it.',
      cause,
    });
  }
  assertP256(publicKey, name);
  return { name, keyId: keyIdOf(publicKey), publicKey, prefixes };
}

/** A signer with the private key at hand. `CONFIG_INVALID` unless it is ECDSA P-256. */
export function localSigner(privateKey: KeyObject): Signer {
  assertP256(privateKey, 'signing');
  return {
    keyId: keyIdOf(createPublicKey(privateKey)),
    sign: (payload) => Promise.resolve(sign('sha256', payload, privateKey)),
  };
}

function assertP256(key: KeyObject, name: string): void {
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
    return;
  throw new HoldfastError('CONFIG_INVALID', `the key "${name}" is not an ECDSA P-256 key`, {
    hint: 'Make one with `holdfast init`, or `openssl ecparam -name prime256v1 -genkey`.',
  });
}

/** The bytes of a signed file with this payload. */
export async function encodeSigned(payload: object, signer: Signer): Promise<Buffer> {
  const line = `${JSON.stringify(payload)}\n`;
  const signature = await signer.sign(Buffer.from(line));
  const seal = { keyId: signer.keyId, signature: Buffer.from(signature).toString('base64') };
  return Buffer.from(`[\n${line},${JSON.stringify(seal)}\n]\n`);
}

/** The beginning of the id of a key, by which people know it apart from others of the same name. */
export function fingerprintOf(keyId: string): string {
  return keyId.slice(0, 16);
}

/** A key as people know it: `vm (9f3c2a7be1d04586)`, or its fingerprint where no trusted key has this id. */
export function signerText(
  keyId: string,
  trusted: readonly Pick<TrustedKey, 'keyId' | 'name'>[],
): string {
  const name = trusted.find((one) => one.keyId === keyId)?.name;
  return name === undefined ? `${fingerprintOf(keyId)}…` : `${name} (${fingerprintOf(keyId)})`;
}

/** What is known of a signed file after looking at its signature. */
export interface SignedFile {
  readonly payload: unknown;
  readonly keyId: string;
  /** Undefined when a trusted key vouches for this file; otherwise why none does. */
  readonly distrust: string | undefined;
}

/**
 * Reads a signed file and says whether a key that may vouch for `key` signed it.
 *
 * The payload is returned even when it is not trusted, so that it can be shown; nothing may be decided from it then.
 * `BACKUP_DAMAGED` when the bytes are not a signed file at all.
 */
export function decodeSigned(
  bytes: Uint8Array,
  key: string,
  trusted: readonly TrustedKey[],
): SignedFile {
  if (bytes.length > MAX_SIGNED_BYTES) throw malformed(key, `it has ${bytes.length} bytes`);
  // Several bytes that are no UTF-8 decode to the same text; the signature is over bytes.
  if (!isUtf8(bytes)) throw malformed(key, 'it is not UTF-8');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const lines = text.split('\n');
  const [open, line, seal, close, end] = lines;
  if (lines.length !== 5 || open !== '[' || close !== ']' || end !== '' || line === undefined) {
    throw malformed(key, 'it does not have four lines');
  }
  const { keyId, signature } = parseSeal(seal ?? '', key);
  if (depthOf(line) > MAX_DEPTH) throw malformed(key, 'it is nested too deeply');
  const payload = parseJson(line, key);
  return {
    payload,
    keyId,
    distrust: distrustOf({ key, line, payload, keyId, signature }, trusted),
  };
}

/** How deeply lists and objects are nested in a line of JSON. No regular expression: the line is hostile, and may be long. */
function depthOf(line: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    // Most of a line is text, which Node searches much faster than this loop does.
    if (char === '"') at = endOfString(line, at);
    else if (char === '[' || char === '{') deepest = Math.max(deepest, ++depth);
    else if (char === ']' || char === '}') depth--;
  }
  return deepest;
}

/** Where the string that begins at `open` ends: at its closing quote, or with the line. */
function endOfString(line: string, open: number): number {
  let end = line.indexOf('"', open + 1);
  while (end !== -1 && isEscaped(line, end)) end = line.indexOf('"', end + 1);
  return end === -1 ? line.length : end;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(line: string, at: number): boolean {
  let before = at;
  while (line[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}

interface Sealed {
  key: string;
  line: string;
  payload: unknown;
  keyId: string;
  signature: string;
}

function distrustOf(file: Sealed, trusted: readonly TrustedKey[]): string | undefined {
  const signers = trusted.filter((one) => one.keyId === file.keyId);
  const signer = signers[0];
  if (signer === undefined)
    return `it is signed with the key ${file.keyId.slice(0, 16)}…, which is not trusted`;
  const signature = Buffer.from(file.signature, 'base64');
  if (!verify('sha256', Buffer.from(`${file.line}\n`), signer.publicKey, signature)) {
    return 'its signature does not match';
  }
  if (!signers.some((one) => one.prefixes.some((prefix) => file.key.startsWith(prefix)))) {
    return `the key "${signer.name}" may not vouch for ${file.key}`;
  }
  const named = (file.payload as { key?: unknown } | null)?.key;
  if (named !== file.key)
    return `it was signed for ${JSON.stringify(named)}, not for where it stands`;
  return undefined;
}

function parseSeal(text: string, key: string): { keyId: string; signature: string } {
  const seal = text.startsWith(',') ? parseJson(text.slice(1), key) : undefined;
  const { keyId, signature } = (seal ?? {}) as { keyId?: unknown; signature?: unknown };
  if (typeof keyId !== 'string' || typeof signature !== 'string')
    throw malformed(key, 'it has no signature');
  // One way to write it: base64 has bits that mean nothing, and an altered file must not pass for the one that was signed.
  const sealed = Buffer.from(signature, 'base64').toString('base64');
  if (text !== `,${JSON.stringify({ keyId, signature: sealed })}`)
    throw malformed(key, 'its signature is not written as it must be');
  return { keyId, signature };
}

function parseJson(text: string, key: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed(key, 'it is not JSON', cause);
  }
}

function malformed(key: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', `${key} is not a signed file: ${why}`, { cause });
}

// Keys of KMS that do not do what they should: what a service answers on the wire, and what we say then.
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { KMSClient } from '@aws-sdk/client-kms';
import { kmsSigner, kmsTrustedKeys } from '../../lib/aws/kms.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { decodeSigned, encodeSigned } from '../../lib/format/signed.ts';

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/1';
const SECRET = 'canary-secret-key-51c2';

type Answer = { readonly status?: number; readonly body: object };

let server: http.Server;
let client: KMSClient;
/** By operation; what is asked is kept. */
let answers: Record<string, (input: Record<string, string>) => Answer>;
let asked: { operation: string; input: Record<string, string> }[];

const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const spki = keys.publicKey.export({ type: 'spki', format: 'der' });

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const input = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      asked.push({ operation, input });
      const { status = 200, body } = answers[operation]?.(input) ?? { status: 500, body: {} };
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new KMSClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET },
  });
});
afterAll(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  answers = {
    GetPublicKey: () => ({ body: { PublicKey: spki.toString('base64') } }),
    Sign: ({ Message = '' }) => ({
      body: { Signature: signDigest(Buffer.from(Message, 'base64')) },
    }),
  };
});

/** KMS signs the digest that it is given. Node signs messages, so the test looks the message up by its digest. */
const messages = new Map<string, Buffer>();
function signDigest(digest: Buffer): string {
  const message = messages.get(digest.toString('hex'));
  return sign('sha256', message ?? digest, keys.privateKey).toString('base64');
}

function payload(text: string): Buffer {
  const bytes = Buffer.from(text);
  messages.set(createHash('sha256').update(bytes).digest('hex'), bytes);
  return bytes;
}

async function failureOf(work: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof HoldfastError)) throw new Error(`no error of ours: ${String(error)}`);
  return error;
}

const refusal =
  (type: string, message = '') =>
  () => ({
    status: 400,
    body: { __type: type, message },
  });

describe('a signer', () => {
  test('sends a digest of 32 bytes, however large the payload is', async () => {
    const signer = await kmsSigner(client, ARN);
    expect(signer.keyId).toBe(createHash('sha256').update(spki).digest('hex'));
    const large = payload('x'.repeat(100_000));
    const signature = await signer.sign(large);
    expect(verify('sha256', large, keys.publicKey, signature)).toBe(true);
    const input = asked.at(-1)?.input;
    expect(Buffer.from(input?.['Message'] ?? '', 'base64')).toHaveLength(32);
    expect(input).toMatchObject({ MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' });
  });

  test('makes files that its public key, fetched from KMS, vouches for under its prefixes alone', async () => {
    const signer = await kmsSigner(client, ARN);
    const trusted = await kmsTrustedKeys(client, [
      { name: 'backup', arn: ARN, prefixes: ['backups/site/'] },
    ]);
    for (const [key, distrust] of [
      ['backups/site/a', undefined],
      ['records/verify/a', expect.stringContaining('may not vouch')],
    ] as const) {
      const file = { key, kept: true };
      payload(`${JSON.stringify(file)}\n`);
      const bytes = await encodeSigned(file, signer);
      expect(decodeSigned(bytes, key, trusted).distrust).toEqual(distrust);
    }
  });

  test('is refused when its alias has been given to another key', async () => {
    const signer = await kmsSigner(client, 'alias/holdfast-shop-backup');
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    answers['Sign'] = () => ({
      body: { Signature: sign('sha256', Buffer.from('x'), other.privateKey).toString('base64') },
    });
    expect(await failureOf(signer.sign(Buffer.from('x')))).toMatchObject({ code: 'STORE_DENIED' });
  });

  test('must be a P-256 key', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    answers['GetPublicKey'] = () => ({ body: { PublicKey: der } });
    expect(await failureOf(kmsSigner(client, ARN))).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('a key that cannot be used is named, with what is wrong', () => {
  test.each([
    ['DisabledException', 'STORE_DENIED', 'it is disabled'],
    ['KMSInvalidStateException', 'STORE_DENIED', 'pending deletion'],
    ['AccessDeniedException', 'STORE_DENIED', 'access is denied'],
    ['NotFoundException', 'STORE_DENIED', 'does not exist'],
    ['ExpiredTokenException', 'STORE_DENIED', 'expired'],
    ['UnrecognizedClientException', 'STORE_DENIED', 'credentials'],
    ['ThrottlingException', 'STORE_UNAVAILABLE', 'did not answer'],
    ['KMSInternalException', 'STORE_UNAVAILABLE', 'did not answer'],
  ])('%s', async (type, code, words) => {
    const signer = await kmsSigner(client, ARN);
    const words2 = `X-Amz-Security-Token=${SECRET}`;
    answers['Sign'] = refusal(type, words2);
    answers['GetPublicKey'] = refusal(type, words2);
    for (const work of [
      signer.sign(Buffer.from('x')),
      kmsSigner(client, ARN),
      kmsTrustedKeys(client, [{ name: 'a', arn: ARN, prefixes: [] }]),
    ]) {
      const error = await failureOf(work);
      expect(error.code).toBe(code);
      expect(error.message).toContain(ARN);
      expect(error.message).toContain(words);
      expect(`${error.message} ${error.hint ?? ''}`).not.toContain(SECRET);
    }
  });
});

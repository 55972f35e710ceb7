// A token by which RDS lets a role of PostgreSQL in, instead of a password. A module of its own, loaded when it is needed.
import { createHash, createHmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { regionOfRdsHost } from '../names/rds.ts';
import { awsError } from './errors.ts';

/** Where a token is for, and for whom: it opens nothing else. */
export interface TokenFor {
  /** The name that RDS gave the server. */
  readonly host: string;
  readonly port: string;
  readonly user: string;
}

/** More than this RDS does not take. */
const LIFE_SECONDS = 900;

/**
 * A token for connections that are made within 15 minutes of `now`, signed with the credentials of the environment. No service is asked
 * for it: whether it opens the database is seen there.
 *
 * Errors as the services of AWS have them, where there are no credentials.
 */
export async function databaseToken({ host, port, user }: TokenFor, now: Date): Promise<string> {
  const signer = new SignatureV4({
    service: 'rds-db',
    region: regionOfRdsHost(host) ?? '',
    credentials: defaultProvider(),
    sha256: Sha256,
  });
  const request = {
    method: 'GET',
    protocol: 'https:',
    hostname: host,
    port: Number(port),
    path: '/',
    query: { Action: 'connect', DBUser: user },
    headers: { host: `${host}:${port}` },
  };
  try {
    const { query } = await signer.presign(request, { expiresIn: LIFE_SECONDS, signingDate: now });
    return `${host}:${port}/?${queryOf(query ?? {})}`;
  } catch (error) {
    const thing = `a token of IAM for ${user}@${host}:${port}`;
    throw awsError(error, { thing, doing: 'cannot be signed' });
  }
}

type Query = NonNullable<Awaited<ReturnType<SignatureV4['presign']>>['query']>;

function queryOf(query: Query): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${escaped(name)}=${escaped(String(query[name]))}`)
    .join('&');
}

/** As signatures of AWS are computed: also what JavaScript leaves as it is. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What signs, by Node's own digests. */
class Sha256 {
  private readonly digester;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.digester =
      secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.digester.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.digester.digest());
  }

  reset(): void {
    throw new Error('a digest is used once');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

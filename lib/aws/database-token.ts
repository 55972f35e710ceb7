// A token by which RDS lets a role of PostgreSQL in, instead of a password. A module of its own, loaded when it is needed.
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { buildQueryString } from '@smithy/core/protocols';
import { Hash } from '@smithy/core/serde';
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
    sha256: Hash.bind(null, 'sha256'),
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
    return `${host}:${port}/?${buildQueryString(query ?? {})}`;
  } catch (error) {
    const thing = `a token of IAM for ${user}@${host}:${port}`;
    throw awsError(error, { thing, doing: 'cannot be signed' });
  }
}

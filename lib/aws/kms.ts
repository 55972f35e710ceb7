// Keys that never leave KMS: signing with them, and trusting what they signed.
import { createHash, verify } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand, type KMSClient } from '@aws-sdk/client-kms';
import type { TrustedKmsKey } from '../config/load/function-settings.ts';
import { HoldfastError } from '../errors.ts';
import { trustedKey, type Signer, type TrustedKey } from '../format/signed.ts';
import { awsError } from './errors.ts';

/**
 * A signer whose private key is the KMS key `keyId` (an id, an ARN or an alias).
 *
 * `STORE_DENIED` when the key is disabled, pending deletion, absent or denied, here or at a signature; `CONFIG_INVALID` when it is
 * no ECDSA P-256 key.
 */
export async function kmsSigner(client: KMSClient, keyId: string): Promise<Signer> {
  const { keyId: ours, publicKey } = await publicKeyOf(client, { name: keyId, arn: keyId });
  return {
    keyId: ours,
    async sign(payload) {
      const signature = await signDigest(client, keyId, payload);
      // An alias may have been given to another key since: what it signs would be trusted by nobody.
      if (verify('sha256', payload, publicKey, signature)) return signature;
      throw new HoldfastError(
        'STORE_DENIED',
        `the key ${keyId} signs with another key than before`,
        {
          hint: 'Its alias was moved while this ran; run it again.',
        },
      );
    },
  };
}

/** The public keys of `keys`, each trusted for its prefixes. Errors as for {@link kmsSigner}. */
export async function kmsTrustedKeys(
  client: KMSClient,
  keys: readonly TrustedKmsKey[],
): Promise<TrustedKey[]> {
  return Promise.all(
    keys.map(async (key) => ({
      ...(await publicKeyOf(client, key)),
      ...{ prefixes: key.prefixes, events: key.events },
    })),
  );
}

async function publicKeyOf(
  client: KMSClient,
  { name, arn }: Pick<TrustedKmsKey, 'name' | 'arn'>,
): Promise<TrustedKey> {
  const call = { thing: `the key ${arn}`, doing: 'cannot be asked for its public key' };
  try {
    const { PublicKey = new Uint8Array() } = await client.send(
      new GetPublicKeyCommand({ KeyId: arn }),
    );
    return trustedKey(name, Buffer.from(PublicKey).toString('base64'), []);
  } catch (error) {
    throw awsError(error, call);
  }
}

async function signDigest(
  client: KMSClient,
  keyId: string,
  payload: Uint8Array,
): Promise<Uint8Array> {
  try {
    // KMS takes 4 KiB at most, and a manifest may be larger: only its digest is sent.
    const { Signature = new Uint8Array() } = await client.send(
      new SignCommand({
        KeyId: keyId,
        Message: createHash('sha256').update(payload).digest(),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    );
    return Signature;
  } catch (error) {
    throw awsError(error, { thing: `the key ${keyId}`, doing: 'cannot be used to sign' });
  }
}

// Whether a key of KMS can be used: S3 goes on reading for a while with what it remembers of a key that was disabled.
import { DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { HoldfastError } from '../errors.ts';
import { awsError } from './errors.ts';

/** `STORE_DENIED` when the key (an ARN or an alias) is disabled, on its way to be deleted, absent, or may not be looked at. */
export async function assertEnabled(client: KMSClient, keyId: string): Promise<void> {
  const state = await stateOf(client, keyId);
  if (state === 'Enabled') return;
  throw new HoldfastError('STORE_DENIED', `the key ${keyId} is ${state}; allowed: Enabled`, {
    hint: 'Enable it, or cancel its deletion: docs/runbook.md#alarm-key.',
  });
}

async function stateOf(client: KMSClient, keyId: string): Promise<string> {
  try {
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: keyId }));
    return KeyMetadata?.KeyState ?? 'in no known state';
  } catch (error) {
    throw awsError(error, { thing: `the key ${keyId}`, doing: 'cannot be described' });
  }
}

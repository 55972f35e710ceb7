// Keys of KMS as the command line uses them: those of a stack, and one that signs here.
import { KMSClient } from '@aws-sdk/client-kms';
import type { StackKey } from '../config/load/stack-keys.ts';
import { HoldfastError } from '../errors.ts';
import type { Signer, TrustedKey } from '../format/signed.ts';
import { kmsSigner, kmsTrustedKeys } from '../aws/kms.ts';

/** What KMS told, and what it refused to tell. */
export interface FetchedKeys {
  readonly keys: readonly TrustedKey[];
  readonly refused: readonly { readonly name: string; readonly error: HoldfastError }[];
}

/** Somebody waits, and an emergency may be why: a service that does not answer is given up soon. */
const QUICK = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000 },
};

/** The public keys behind the aliases of a stack. That one is refused is in the result. */
export async function fetchStackKeys(
  wanted: readonly StackKey[],
  region: string,
): Promise<FetchedKeys> {
  const client = new KMSClient({ ...QUICK, region });
  const keys: TrustedKey[] = [];
  const refused: { name: string; error: HoldfastError }[] = [];
  try {
    await Promise.all(
      wanted.map(async ({ name, alias, ...vouchesFor }) => {
        try {
          keys.push(...(await kmsTrustedKeys(client, [{ name, arn: alias, ...vouchesFor }])));
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error;
          refused.push({ name, error });
        }
      }),
    );
  } finally {
    client.destroy();
  }
  const order = wanted.map(({ name }) => name);
  return {
    keys: keys.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    refused: refused.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
  };
}

/** What signs by a key of KMS; its region is in its ARN, else that of the stack or of the environment. Errors as `kmsSigner` has them. */
export async function openKmsSigner(key: string, region: string | undefined): Promise<Signer> {
  const own = /^arn:[^:]*:kms:([^:]+):/.exec(key)?.[1] ?? region;
  return kmsSigner(new KMSClient(own === undefined ? {} : { region: own }), key);
}

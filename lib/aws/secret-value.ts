// The value of one secret. A module of its own, loaded when it is needed: so a bundle holds no more of the client than this.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { regionInArn } from '../names/aws.ts';
import type { AwsPlace } from './aws-place.ts';

/** Undefined when the secret holds no text. */
export async function secretValue(name: string, place: AwsPlace): Promise<string | undefined> {
  const region = regionInArn(name);
  const client = new SecretsManagerClient(region === undefined ? place : { ...place, region });
  try {
    return (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString;
  } finally {
    client.destroy();
  }
}

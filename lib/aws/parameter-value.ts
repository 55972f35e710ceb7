// The value of one SSM parameter. A module of its own, loaded when it is needed: so a bundle holds no more of the client than this.
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { AwsPlace } from './aws-place.ts';

/** Decrypted where it is encrypted; undefined when the parameter has none. */
export async function parameterValue(name: string, place: AwsPlace): Promise<string | undefined> {
  const client = new SSMClient(place);
  try {
    const command = new GetParameterCommand({ Name: name, WithDecryption: true });
    return (await client.send(command)).Parameter?.Value;
  } finally {
    client.destroy();
  }
}

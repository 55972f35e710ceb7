// Sources that are read over the network. The code of a kind is loaded when a source of that kind is opened.
import os from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';
import type { AwsPlace } from '../aws/aws-place.ts';
import { bucketSource } from '../sources/bucket/source.ts';
import type { Openers } from './openers.ts';

export const REMOTE_SOURCES = {
  bucket: (config, { region }) =>
    bucketSource(config, { client: new S3Client(placeIn(config.region ?? region)) }),

  github: async (config, { secret }) => {
    const { githubSource } = await import('../sources/github/source.ts');
    const { token } = config;
    return githubSource(config, {
      token: async () => (token === undefined ? undefined : secret(token)),
      scratch: os.tmpdir(),
    });
  },

  parameters: async (config, { region }) => {
    const { parametersSource } = await import('../sources/parameters/source.ts');
    const { SSMClient } = await import('@aws-sdk/client-ssm');
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    const place = placeIn(config.region ?? region);
    const [ssm, secretsManager] = [new SSMClient(place), new SecretsManagerClient(place)];
    return parametersSource(config, { ssm, secretsManager });
  },
} satisfies Openers;

function placeIn(region: string | undefined): AwsPlace {
  return region === undefined ? {} : { region };
}

// From the configuration of a source to the source that a function reads. What a kind needs is loaded when it is read.
import os from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';
import type { ParametersSourceConfig, SourceConfig } from '../config/config.ts';
import { HoldfastError } from '../errors.ts';
import { isS3Url, parseS3Url } from '../names/s3-place.ts';
import { bucketSource } from '../sources/bucket/source.ts';
import type { Source } from '../sources/source.ts';
import type { AwsPlace } from '../aws/aws-place.ts';
import { resolveAwsReference } from '../aws/references.ts';

/** The source as configured; `store` is the URL of the store. `CONFIG_INVALID` for one that no function can reach. */
export async function remoteSource(config: SourceConfig, store: string): Promise<Source> {
  const home = placeIn(isS3Url(store) ? parseS3Url(store).region : undefined);
  switch (config.kind) {
    case 'bucket': {
      const client = new S3Client(config.region === undefined ? home : { region: config.region });
      return bucketSource(config, { client });
    }
    case 'github': {
      const { githubSource } = await import('../sources/github/source.ts');
      const { token } = config;
      return githubSource(config, {
        token: async () => (token === undefined ? undefined : resolveAwsReference(token, home)),
        scratch: os.tmpdir(),
      });
    }
    case 'parameters':
      return parametersIn(config, config.region === undefined ? home : { region: config.region });
    default:
      throw new HoldfastError(
        'CONFIG_INVALID',
        `the source "${config.name}" is of kind ${config.kind}, which these functions cannot reach`,
        { hint: 'Back it up where it stands: in CI, or on the server, by `holdfast backup`.' },
      );
  }
}

async function parametersIn(config: ParametersSourceConfig, place: AwsPlace): Promise<Source> {
  const { parametersSource } = await import('../sources/parameters/source.ts');
  const { SSMClient } = await import('@aws-sdk/client-ssm');
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const [ssm, secretsManager] = [new SSMClient(place), new SecretsManagerClient(place)];
  return parametersSource(config, { ssm, secretsManager });
}

function placeIn(region: string | undefined): AwsPlace {
  return region === undefined ? {} : { region };
}

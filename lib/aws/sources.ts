// From the configuration of a source to the source that a function reads.
import { S3Client } from '@aws-sdk/client-s3';
import type { Config, SourceConfig } from '../config/config.ts';
import { HoldfastError } from '../errors.ts';
import { isS3Url, parseS3Url } from '../names/s3-place.ts';
import { bucketKind, bucketSource } from '../sources/bucket.ts';
import { filesKind } from '../sources/files-kind.ts';
import type { Source, SourceKind } from '../sources/source.ts';

/** Every kind of source whose backups functions verify, restore and prune. */
export const KINDS: ReadonlyMap<string, SourceKind> = new Map(
  [filesKind, bucketKind].map((kind) => [kind.kind, kind]),
);

/** What is configured under that name. `USAGE` when nothing is. */
export function sourceConfig({ sources }: Config, name: string): SourceConfig {
  const found = sources.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new HoldfastError('USAGE', `there is no source "${name.slice(0, 100)}"`, {
    hint: `Known here are ${sources.map((one) => one.name).join(', ')}; a source added since needs a deployment.`,
  });
}

/** The source as configured; `store` is the URL of the store. `CONFIG_INVALID` for one that no function can reach. */
export function remoteSource(config: SourceConfig, store: string): Source {
  const region = isS3Url(store) ? parseS3Url(store).region : undefined;
  if (config.kind === 'bucket') {
    return bucketSource(config, { client: new S3Client(placeIn(config.region ?? region)) });
  }
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the source "${config.name}" is of kind ${config.kind}, which functions cannot reach`,
    { hint: 'Back it up where it stands: in CI, or on the server, by `holdfast backup`.' },
  );
}

function placeIn(region: string | undefined): { region?: string } {
  return region === undefined ? {} : { region };
}

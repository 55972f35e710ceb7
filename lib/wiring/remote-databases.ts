// What functions read databases with.
import type { SourceConfig } from '../config/config.ts';
import { showReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import { isS3Url, parseS3Url } from '../names/s3-place.ts';
import { postgresSource } from '../sources/postgres/source.ts';
import type { Source } from '../sources/source.ts';
import { MACHINE } from './database-kinds.ts';
import { resolveAwsReference } from '../aws/references.ts';

/** What reads a configured database; `store` is the URL of the store, in whose region the secret is. `CONFIG_INVALID` for another kind. */
export function databaseSource(config: SourceConfig, store: string): Promise<Source> {
  if (config.kind !== 'postgres') {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `the source "${config.name}" is of kind ${config.kind}, and this function backs up databases`,
      { hint: 'Another function of the stack backs it up: `holdfast trigger` knows which.' },
    );
  }
  const { connection, ...rest } = config;
  const region = isS3Url(store) ? parseS3Url(store).region : undefined;
  const place = region === undefined ? {} : { region };
  const options = {
    ...rest,
    url: () => resolveAwsReference(connection, place),
    urlFrom: showReference(connection),
  };
  return Promise.resolve(postgresSource(options, MACHINE));
}

// What the command line knows of a store that is a bucket.
import path from 'node:path';
import { CREDENTIAL_VARIABLES } from '../../../aws/variables.ts';
import { MARKER_KEY } from '../../../format/layout.ts';
import type { S3Place } from '../../../names/s3-place.ts';
import type { AboutStore, ByHand } from './kind.ts';

/** What is known of the store at `place`. */
export function aboutS3(place: S3Place): AboutStore {
  const at = `s3://${place.bucket}/${place.prefix}`;
  const options = optionsFor(place);
  return {
    readingCosts: true,
    variables: CREDENTIAL_VARIABLES,
    examinedWithoutStore: true,
    examine: async (engine, config) => {
      const { examineBucketStore } = await import('../../doctor/bucket-store.ts');
      return examineBucketStore(engine, place, config);
    },
    // A release is a tag: two at once do the same, and neither deletes.
    whilePruning: (_, prune) => prune(),
    byHand: () => byHand(at, options),
    copyCommand: (folder) =>
      [`aws s3 sync '${folder}' '${at}' --exclude 'holdfast*.json'`, ...options].join(' '),
    whatIsThere: () => Promise.resolve(`it has no ${MARKER_KEY}, and nothing was made there`),
    remedy: (setting) => `Correct ${setting}.`,
    nearby: async () => (await import('./nearby-prefixes.ts')).nearbyPrefixes(place),
  };
}

/** What the command line of AWS has to be told to find the bucket. */
function optionsFor({ region, endpoint }: S3Place): string[] {
  return [
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...(endpoint === undefined ? [] : [`--endpoint-url ${endpoint}`]),
  ];
}

function byHand(at: string, options: readonly string[]): ByHand {
  const named = new Set<string>();
  return {
    placeOf: ({ key }) => {
      named.add(key);
      return path.posix.basename(key);
    },
    // Keys of a store and of its prefix hold nothing that a shell would take for anything else.
    fetch: () => [...named].map((key) => ['aws s3 cp', `${at}${key}`, '.', ...options].join(' ')),
  };
}

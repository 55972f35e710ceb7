// Where somebody without Holdfast finds artifacts, and how they get them there: tools that restore read files, not buckets.
import path from 'node:path';
import { s3PlaceOf } from '../../config/load/store-place.ts';
import type { Artifact } from '../../format/manifest.ts';

/** Names artifacts for commands of a shell, and remembers which of them have to be fetched first. */
export interface Places {
  readonly placeOf: (artifact: Artifact) => string;
  /** Commands that fetch what was named, into the working folder; none for a store that is a folder. */
  readonly fetch: () => readonly string[];
}

/** The places of artifacts in the store at `url`. */
export function placesIn(url: string): Places {
  const place = s3PlaceOf(url);
  const named = new Set<string>();
  if (place === undefined) return { placeOf: ({ key }) => `${url}/${key}`, fetch: () => [] };
  const { bucket, prefix, region, endpoint } = place;
  const options = [
    ...(region === undefined ? [] : [`--region ${region}`]),
    ...(endpoint === undefined ? [] : [`--endpoint-url ${endpoint}`]),
  ];
  return {
    placeOf: ({ key }) => {
      named.add(key);
      return path.posix.basename(key);
    },
    // Keys of a store and of its prefix hold nothing that a shell would take for anything else.
    fetch: () =>
      [...named].map((key) =>
        ['aws s3 cp', `s3://${bucket}/${prefix}${key}`, '.', ...options].join(' '),
      ),
  };
}

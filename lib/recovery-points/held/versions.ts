// Every version of every object of a bucket, in the order of the keys, and which of them stood at a key within a span of time.
import {
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { awsError } from '../../aws/errors.ts';
import { awsFailure, mayPass } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import { persist } from '../../network/persist.ts';
import type { ListedObject } from '../../sources/bucket/client.ts';

/** A bucket that is listed. */
export interface VersionedPlace {
  readonly client: S3Client;
  readonly bucket: string;
  readonly account: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What became current at a key, and when. */
export interface Version {
  readonly modified: Date;
  readonly latest: boolean;
  /** Undefined for a delete marker. */
  readonly object: ListedObject | undefined;
  /** In a class from which objects must be fetched first. */
  readonly archived: boolean;
}

/** A key, and its versions from the newest to the oldest. */
export interface KeyVersions {
  readonly key: string;
  readonly versions: readonly Version[];
}

const ATTEMPTS = 6;
const PAUSE_MS = 200;

/** Every key of the bucket with all of its versions. */
export async function* listVersions(place: VersionedPlace): AsyncGenerator<KeyVersions> {
  let open: { key: string; versions: Version[] } | undefined;
  for await (const page of pages(place)) {
    const entries = entriesOf(page);
    for (const [key, versions] of entries) {
      if (open?.key === key) {
        open.versions.push(...versions);
        continue;
      }
      if (open !== undefined) yield sorted(open);
      open = { key, versions };
    }
  }
  if (open !== undefined) yield sorted(open);
}

/** A page tells versions and delete markers in two lists; a key may go on in the next page. */
function entriesOf({ Versions, DeleteMarkers }: ListObjectVersionsCommandOutput) {
  const byKey = new Map<string, Version[]>();
  const add = (encoded: string, version: Version) => {
    const key = decoded(encoded);
    byKey.set(key, [...(byKey.get(key) ?? []), version]);
  };
  for (const one of Versions ?? []) {
    const { Key = '', Size = 0, ETag = '', VersionId, LastModified = new Date(0) } = one;
    const etag = ETag.replaceAll('"', '');
    const object = {
      ...{ key: decoded(Key), bytes: Size, etag },
      ...{ versionId: VersionId, modified: LastModified },
    };
    const archived = ARCHIVES.has(one.StorageClass ?? '');
    add(Key, { modified: LastModified, latest: one.IsLatest === true, object, archived });
  }
  for (const { Key = '', LastModified = new Date(0), IsLatest = false } of DeleteMarkers ?? []) {
    add(Key, { modified: LastModified, latest: IsLatest, object: undefined, archived: false });
  }
  return [...byKey].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** As long as an object is in one of these, AWS Backup passes over it. */
const ARCHIVES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

function sorted({ key, versions }: KeyVersions): KeyVersions {
  // Within one second the times say nothing.
  const second = ({ modified }: Version) => Math.floor(modified.getTime() / 1000);
  const newerFirst = (a: Version, b: Version) =>
    Number(b.latest) - Number(a.latest) || second(b) - second(a);
  return { key, versions: versions.toSorted(newerFirst) };
}

async function* pages(place: VersionedPlace): AsyncGenerator<ListObjectVersionsCommandOutput> {
  const { client, bucket, account, signal } = place;
  let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (from !== undefined) {
    const command: ListObjectVersionsCommand = new ListObjectVersionsCommand({
      Bucket: bucket,
      ...(account !== undefined && { ExpectedBucketOwner: account }),
      EncodingType: 'url',
      ...from,
    });
    const options = signal === undefined ? {} : { abortSignal: signal };
    const page = await persist(() => client.send(command, options), {
      signal,
      again: (error, attempt) => {
        const failure = awsFailure(error);
        const passes = failure !== undefined && mayPass(failure) && attempt < ATTEMPTS;
        return passes ? PAUSE_MS * 2 ** attempt : undefined;
      },
    }).catch((error: unknown) => {
      throw explained(error, place);
    });
    yield page;
    const { NextKeyMarker: key, NextVersionIdMarker: version } = page;
    from =
      page.IsTruncated === true && key !== undefined
        ? { KeyMarker: decoded(key), ...(version !== undefined && { VersionIdMarker: version }) }
        : undefined;
  }
}

function explained(error: unknown, { bucket, signal }: VersionedPlace): unknown {
  if (signal?.aborted === true) {
    return new HoldfastError('CANCELLED', `the look at ${bucket} was interrupted`, {
      cause: error,
    });
  }
  return awsError(error, { thing: `the bucket ${bucket}`, doing: 'cannot be listed' });
}

/** Keys travel as in a form, since XML cannot hold every character. */
function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

/** From the beginning of a backup job to its end. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** What stood at a key within a span. Undefined stands for nothing. */
export type Standing = readonly (Version | undefined)[];

/** What stood at a key at the beginning of the span, and whatever came to stand there until its end. Pure. */
export function standingWithin({ versions }: KeyVersions, { from, to }: Span): Standing {
  const known = versions.filter(({ modified }) => modified <= to);
  const later = known.filter((version) => mayBeLater(version, from));
  const before = known.find((version) => !mayBeLater(version, from));
  return [...later.map(visible), visible(before)];
}

/** A delete marker shows nothing. */
function visible(version: Version | undefined): Version | undefined {
  return version?.object === undefined ? undefined : version;
}

const LONGEST_UPLOAD_MS = 3_600_000;

/** A bucket tells whole seconds, and of what was uploaded in parts when its upload began, not when it came to stand there. */
function mayBeLater({ modified, object }: Version, from: Date): boolean {
  const parts = object?.etag.includes('-') === true;
  return from.getTime() - modified.getTime() < (parts ? LONGEST_UPLOAD_MS : 1000);
}

// What a bucket holds, version by version: a key is written once, so its oldest version is the object, whatever was laid over it.
import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import { RELEASED_TAG } from '../../names/aws.ts';
import { isKey } from '../keys.ts';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { bucketOf } from './errors.ts';
import type { StoredObject } from '../store.ts';

/** An object, and which of the versions of its key it is. */
export interface Found extends StoredObject {
  /** Undefined in a bucket without versions. */
  readonly versionId: string | undefined;
  readonly etag: string | undefined;
}

interface Version extends Omit<Found, 'covered'> {
  readonly isLatest: boolean;
}

/** All versions of one key, newest first. */
interface History {
  readonly key: string;
  readonly versions: Version[];
}

interface Page {
  readonly versions: readonly Version[];
  /** Undefined on the last one. */
  readonly next: { readonly key: string; readonly versionId?: string } | undefined;
}

interface Asking {
  readonly from: Page['next'];
  readonly maxKeys?: number;
}

// Nobody but an attacker overwrites a key so often, and the oldest are those that count.
const MAX_VERSIONS = 1_000;
const NEIGHBOURS = 32;

/** The objects whose keys start with `prefix`, in order. What was released and has expired is not among them. */
export async function* listFound(s3: S3, prefix: string): AsyncGenerator<Found> {
  if (!s3.place.versions) {
    for await (const { versions } of pages(s3, prefix)) yield* versions;
    return;
  }
  for await (const histories of historiesByPage(s3, prefix)) {
    // At once, as each hidden one costs a request.
    for (const found of await Promise.all(histories.map((one) => objectOf(s3, one)))) {
      if (found !== undefined) yield found;
    }
  }
}

/** The object under `key`, by one request unless something hides it. */
export async function look(s3: S3, key: string): Promise<Found | undefined> {
  if (!s3.place.versions) return lookWithoutVersions(s3, key);
  const history = await historyOf(s3, key);
  return history && objectOf(s3, history);
}

/**
 * The objects of `folder`, which ends in a slash, as far as one request shows them; `complete` when these are all. Whoever looks at
 * one object of a folder mostly reads its neighbours next.
 */
export async function lookAround(
  s3: S3,
  folder: string,
): Promise<{ found: readonly Found[]; complete: boolean }> {
  const { versions, next } = await pageOfVersions(s3, s3.place.prefix + folder, {
    from: undefined,
    maxKeys: NEIGHBOURS,
  });
  const histories: History[] = [];
  for (const version of versions) {
    const last = histories.at(-1);
    if (last?.key === version.key) last.versions.push(version);
    else histories.push({ key: version.key, versions: [version] });
  }
  // There may be more versions of the last key.
  if (next !== undefined) histories.pop();
  const objects = await Promise.all(histories.map((one) => objectOf(s3, one)));
  return { found: objects.filter((one) => one !== undefined), complete: next === undefined };
}

/** All versions of `key`, newest first. */
export async function versionsOf(
  s3: S3,
  key: string,
): Promise<readonly Pick<Found, 'versionId'>[]> {
  return (await historyOf(s3, key))?.versions ?? [];
}

async function historyOf(s3: S3, key: string): Promise<History | undefined> {
  for await (const histories of historiesByPage(s3, key)) {
    // The key itself comes before all longer keys that start with it.
    const [first] = histories;
    if (first !== undefined) return first.key === key ? first : undefined;
  }
  return undefined;
}

/** The versions of a key may lie on several pages: what a page ends with is given together with the next. */
async function* historiesByPage(s3: S3, prefix: string): AsyncGenerator<History[]> {
  let open: History | undefined;
  for await (const { versions } of pages(s3, prefix)) {
    const whole: History[] = [];
    for (const version of versions) {
      if (open !== undefined && open.key !== version.key) {
        if (version.key < open.key) throw disordered(s3);
        whole.push(open);
        open = undefined;
      }
      open ??= { key: version.key, versions: [] };
      add(open.versions, version);
    }
    yield whole;
  }
  if (open !== undefined) yield [open];
}

function add(versions: Version[], version: Version): void {
  if (versions.some(({ versionId }) => versionId === version.versionId)) return;
  versions.push(version);
  if (versions.length > MAX_VERSIONS) versions.splice(1, 1);
}

async function objectOf(s3: S3, { versions }: History): Promise<Found | undefined> {
  const overwritten = versions.some(({ isLatest }) => isLatest);
  for (const { isLatest, ...found } of versions.toReversed()) {
    if (isLatest) return found;
    if (await isReleased(s3, found)) continue;
    return { ...found, covered: overwritten ? 'overwritten' : 'deleted' };
  }
  return undefined;
}

/** Whether `prune` has released this version: what hides it then is the lifecycle that it was meant for. */
export async function isReleased(
  s3: S3,
  { key, versionId }: Pick<Found, 'key' | 'versionId'>,
): Promise<boolean> {
  const tags = await tagsOf(s3, { key, versionId }).catch((error: unknown) => {
    // It has ended since it was listed.
    if (error instanceof HoldfastError && error.code === 'BACKUP_NOT_FOUND') return undefined;
    throw error;
  });
  return tags === undefined || tags.some(isReleasedTag);
}

export interface Tag {
  readonly Key: string | undefined;
  readonly Value: string | undefined;
}

/** The tags of one version. `BACKUP_NOT_FOUND` when there is no such version. */
export async function tagsOf(
  s3: S3,
  { key, versionId }: Pick<Found, 'key' | 'versionId'>,
): Promise<readonly Tag[]> {
  const command = { ...s3.bucket, Key: s3.place.prefix + key, VersionId: versionId };
  const { TagSet = [] } = await request(s3, { operation: 'GetObjectTagging', key }, (attempt) =>
    s3.client.send(new GetObjectTaggingCommand(command), attempt),
  );
  return TagSet.map(({ Key, Value }) => ({ Key, Value }));
}

/** Whether `tag` is the one that releases. */
export function isReleasedTag({ Key, Value }: Tag): boolean {
  return Key === RELEASED_TAG.key && Value === RELEASED_TAG.value;
}

async function lookWithoutVersions(s3: S3, key: string): Promise<Found | undefined> {
  const command = new HeadObjectCommand({ ...s3.bucket, Key: s3.place.prefix + key });
  const answer = await request(s3, { operation: 'HeadObject', key }, (attempt) =>
    s3.client.send(command, attempt),
  ).catch((error: unknown) => {
    if (error instanceof HoldfastError && error.code === 'BACKUP_NOT_FOUND') return undefined;
    throw error;
  });
  if (answer?.ContentLength === undefined || answer.LastModified === undefined) return undefined;
  return {
    key,
    bytes: answer.ContentLength,
    storedAt: answer.LastModified,
    versionId: undefined,
    etag: answer.ETag,
    ...classOf(answer.StorageClass),
  };
}

async function* pages(s3: S3, prefix: string): AsyncGenerator<Page> {
  const whole = s3.place.prefix + prefix;
  const fetchPage = s3.place.versions ? pageOfVersions : pageOfObjects;
  let from: Page['next'];
  do {
    const page: Page = await fetchPage(s3, whole, { from });
    yield page;
    const { next } = page;
    if (next !== undefined && next.key === from?.key && next.versionId === from.versionId) {
      throw disordered(s3);
    }
    from = next;
  } while (from !== undefined);
}

async function pageOfVersions(s3: S3, prefix: string, { from, maxKeys }: Asking): Promise<Page> {
  const answer = await request(s3, { operation: 'ListObjectVersions' }, (attempt) =>
    s3.client.send(
      new ListObjectVersionsCommand({
        ...s3.bucket,
        Prefix: prefix,
        // Else one foreign key that XML cannot hold would hide all others.
        EncodingType: 'url',
        MaxKeys: maxKeys,
        ...(from !== undefined && { KeyMarker: from.key, VersionIdMarker: from.versionId }),
      }),
      attempt,
    ),
  );
  const decode = decoderOf(answer.EncodingType);
  const { NextKeyMarker: key = '', NextVersionIdMarker: versionId } = answer;
  return {
    versions: (answer.Versions ?? []).flatMap((one) =>
      versionOf(s3, { ...one, Key: decode(one.Key ?? '') }),
    ),
    next:
      answer.IsTruncated === true
        ? { key: decode(key), ...(versionId !== undefined && { versionId }) }
        : undefined,
  };
}

async function pageOfObjects(s3: S3, prefix: string, { from }: Asking): Promise<Page> {
  const answer = await request(s3, { operation: 'ListObjectsV2' }, (attempt) =>
    s3.client.send(
      new ListObjectsV2Command({
        ...s3.bucket,
        Prefix: prefix,
        EncodingType: 'url',
        ContinuationToken: from?.key,
      }),
      attempt,
    ),
  );
  const decode = decoderOf(answer.EncodingType);
  return {
    versions: (answer.Contents ?? []).flatMap((one) =>
      versionOf(s3, { ...one, Key: decode(one.Key ?? '') }),
    ),
    next: answer.IsTruncated === true ? { key: answer.NextContinuationToken ?? '' } : undefined,
  };
}

interface Listed {
  readonly Key: string;
  readonly VersionId?: string | undefined;
  readonly IsLatest?: boolean | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
  readonly ETag?: string | undefined;
  readonly StorageClass?: string | undefined;
}

/** None for what no store has written, such as a folder made in the console. */
function versionOf({ place }: S3, listed: Listed): Version[] {
  const { Key, VersionId, IsLatest = true, Size, LastModified, ETag, StorageClass } = listed;
  const key = Key.slice(place.prefix.length);
  const ours = Key.startsWith(place.prefix) && isKey(key);
  if (!ours || Size === undefined || LastModified === undefined) return [];
  return [
    {
      key,
      bytes: Size,
      storedAt: LastModified,
      versionId: VersionId,
      etag: ETag,
      isLatest: IsLatest,
      ...classOf(StorageClass),
    },
  ];
}

/** Servers name the usual class, or none. */
function classOf(storageClass: string | undefined): { storageClass?: string } {
  return storageClass === undefined || storageClass === 'STANDARD' ? {} : { storageClass };
}

function decoderOf(encoding: string | undefined): (key: string) => string {
  return encoding === 'url' ? (key) => decodeURIComponent(key.replaceAll('+', ' ')) : (key) => key;
}

function disordered({ place }: S3): HoldfastError {
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `${bucketOf(place)} lists its keys out of order, or the same ones for ever`,
    { hint: 'Its server is no S3 as this program needs it.' },
  );
}

// Talking to a bucket: pages of its listing, and stretches of its objects that are read to their end or not at all.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { awsFailure, mayPass } from '../../aws/failure.ts';
import { BrokenAnswer, NoAnswer } from '../../network/broken-answer.ts';
import { arriving, inTime, type Limit } from '../../network/in-time.ts';
import { persist } from '../../network/persist.ts';
import { bucketFailure, BrokenOff } from './errors.ts';

/** One object as a listing tells it. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
  /** Without its quotes. */
  readonly etag: string;
  /** Undefined where the bucket keeps no versions, or does not tell them. */
  readonly versionId: string | undefined;
  readonly modified: Date;
}

export interface BucketPlace {
  readonly client: S3Client;
  readonly bucket: string;
  /** The beginning of the keys that are listed. */
  readonly prefix: string;
  /** Twelve digits: the account that must own the bucket. */
  readonly account: string | undefined;
  readonly signal: AbortSignal | undefined;
  /**
   * A body that gives nothing for so long has been forgotten by its sender.
   * @default 20 seconds
   */
  readonly stallMs?: number | undefined;
}

const STALL_MS = 20_000;
const ATTEMPTS = 6;
const PAUSE_MS = 200;

/** What a request must name to get the state of an object that was listed, and no other. */
function pinOf({
  versionId,
  etag,
}: ListedObject): Pick<GetObjectCommandInput, 'VersionId' | 'IfMatch'> {
  // What kept no version when it was written can be overwritten: then the tag tells.
  return versionId === undefined || versionId === 'null'
    ? { IfMatch: `"${etag}"` }
    : { VersionId: versionId };
}

/** The objects of a bucket. */
export class Bucket {
  readonly place: BucketPlace;
  /** False once the bucket has refused to tell versions. */
  tellsVersions = true;

  constructor(place: BucketPlace) {
    this.place = place;
  }

  private get common() {
    const { bucket, account } = this.place;
    return { Bucket: bucket, ...(account !== undefined && { ExpectedBucketOwner: account }) };
  }

  /** Sends a request, again while what goes wrong may pass: what the SDK tries by itself is over in a second. */
  private async answered<T>(send: (options: SendOptions) => Promise<T>): Promise<T> {
    const { signal, stallMs = STALL_MS } = this.place;
    // Long enough for the attempts of the SDK.
    const limit = { ms: 4 * stallMs, signal };
    return persist(() => inTime(limit, (abortSignal) => send({ abortSignal })), {
      signal,
      again: (error, attempt) => {
        const failure = awsFailure(error);
        // A second connection that says nothing is no accident.
        const attempts = error instanceof NoAnswer ? 2 : ATTEMPTS;
        const passes = failure !== undefined && mayPass(failure);
        return passes && attempt < attempts ? pauseMs(attempt) : undefined;
      },
    });
  }

  /** The newest version of each object, page by page, in the order of the bucket. `SOURCE_UNREADABLE` when it cannot be listed. */
  async *list(): AsyncGenerator<ListedObject[]> {
    if (this.tellsVersions) {
      const pages = this.pagesOfVersions();
      const first = await this.firstPage(pages);
      if (first !== undefined) {
        if (first.done !== true) yield first.value;
        yield* pages;
        return;
      }
    }
    yield* this.pagesOfObjects();
  }

  /** The first page with versions; undefined where these are refused or unknown. */
  private async firstPage(
    pages: AsyncGenerator<ListedObject[]>,
  ): Promise<IteratorResult<ListedObject[]> | undefined> {
    try {
      return await pages.next();
    } catch (error) {
      if (!NO_VERSIONS.includes(awsFailure(error)?.name ?? '')) throw error;
      this.tellsVersions = false;
      return undefined;
    }
  }

  private async *pagesOfVersions(): AsyncGenerator<ListedObject[]> {
    let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    while (from !== undefined) {
      const page = await this.asked('s3:ListBucketVersions', (client, options) =>
        client.send(
          new ListObjectVersionsCommand({
            ...this.common,
            Prefix: this.place.prefix,
            EncodingType: 'url',
            ...from,
          }),
          options,
        ),
      );
      const encoded = page.EncodingType === 'url';
      yield (page.Versions ?? []).flatMap((one) => (one.IsLatest ? [listed(one, encoded)] : []));
      const { NextKeyMarker: key, NextVersionIdMarker: version } = page;
      from =
        page.IsTruncated && key !== undefined
          ? {
              KeyMarker: encoded ? decoded(key) : key,
              ...(version !== undefined && { VersionIdMarker: version }),
            }
          : undefined;
    }
  }

  private async *pagesOfObjects(): AsyncGenerator<ListedObject[]> {
    let from: { ContinuationToken?: string } | undefined = {};
    while (from !== undefined) {
      const page = await this.asked('s3:ListBucket', (client, options) =>
        client.send(
          new ListObjectsV2Command({
            ...this.common,
            Prefix: this.place.prefix,
            EncodingType: 'url',
            ...from,
          }),
          options,
        ),
      );
      const encoded = page.EncodingType === 'url';
      yield (page.Contents ?? []).map((one) => listed(one, encoded));
      const { NextContinuationToken: next } = page;
      from = page.IsTruncated && next !== undefined ? { ContinuationToken: next } : undefined;
    }
  }

  private async asked<T>(
    permission: string,
    ask: (client: S3Client, options: SendOptions) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.answered((options) => ask(this.place.client, options));
    } catch (error) {
      throw bucketFailure(error, this.place, permission);
    }
  }

  /** What stands at a key now. What the SDK throws is thrown as it is. */
  async head(key: string): Promise<ListedObject> {
    const command = new HeadObjectCommand({ ...this.common, Key: key });
    const head = await this.answered((options) => this.place.client.send(command, options));
    return listed({ ...head, Key: key, Size: head.ContentLength }, false);
  }

  /**
   * Fills `into` with what begins at `from`, all of the state that was listed, resuming where a body breaks off or stalls.
   *
   * What the SDK throws for a request is thrown as it is; `BrokenOff` when a body cannot be read to its end in a few attempts, or is
   * not what its length and tag say.
   */
  async read(object: ListedObject, from: number, into: Uint8Array): Promise<void> {
    const { signal, stallMs = STALL_MS } = this.place;
    const whole = into.length === object.bytes;
    let got = 0;
    const readOn = async () => {
      // A checksum can only be checked of the whole.
      const range = whole && got === 0 ? {} : rangeOf(from + got, from + into.length);
      const response = await this.get(object, range);
      const begin = got;
      for await (const chunk of chunksOf(response, { ms: stallMs, signal })) {
        if (got + chunk.length > into.length) {
          got = begin;
          throw new BrokenAnswer('is longer than it was listed');
        }
        into.set(chunk, got);
        got += chunk.length;
      }
      if (got < into.length) throw new BrokenAnswer('ended too early');
      const other = mismatch(response, object, whole ? into : undefined);
      if (other === undefined) return;
      // Bytes that were refuted are as good as none.
      got = 0;
      throw new BrokenAnswer(other);
    };
    try {
      await persist(readOn, {
        signal,
        again: (error, attempt) =>
          isBrokenBody(error) && attempt < ATTEMPTS ? pauseMs(attempt) : undefined,
      });
    } catch (error) {
      throw isBrokenBody(error) ? new BrokenOff(error.message, ATTEMPTS) : error;
    }
  }

  private async get(
    object: ListedObject,
    range: { Range?: string },
  ): Promise<GetObjectCommandOutput> {
    const input = { ...this.common, ...pinOf(object), ...range, Key: object.key };
    const command = new GetObjectCommand(input);
    return this.answered((options) => this.place.client.send(command, options));
  }
}

interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/** The bytes from `start` to before `end`. */
function rangeOf(start: number, end: number): { Range: string } {
  return { Range: `bytes=${start}-${end - 1}` };
}

/** A body of which more may be had; that a request was not answered has been waited for already. */
function isBrokenBody(error: unknown): error is BrokenAnswer {
  return error instanceof BrokenAnswer && !(error instanceof NoAnswer);
}

function chunksOf({ Body: body }: GetObjectCommandOutput, limit: Limit): AsyncIterable<Uint8Array> {
  return arriving((body as Readable | undefined) ?? Readable.from([]), limit);
}

function pauseMs(attempt: number): number {
  return PAUSE_MS * 2 ** attempt;
}

/** What servers answer that keep no versions, or keep them from us. */
const NO_VERSIONS: readonly string[] = [
  'AccessDenied',
  'NotImplemented',
  'MethodNotAllowed',
  'InvalidRequest',
];

interface ListedFields {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly ETag?: string | undefined;
  readonly VersionId?: string | undefined;
  readonly LastModified?: Date | undefined;
}

function listed(fields: ListedFields, encoded: boolean): ListedObject {
  const { Key: key = '', Size = 0, ETag = '', VersionId, LastModified = new Date(0) } = fields;
  return {
    key: encoded ? decoded(key) : key,
    bytes: Size,
    etag: bare(ETag),
    versionId: VersionId,
    modified: LastModified,
  };
}

/** Keys travel as in a form, since XML cannot hold every character. */
function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

function bare(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}

/** Why what was read is not what was listed; `whole` is given where it is all of it. */
function mismatch(
  response: GetObjectCommandOutput,
  object: ListedObject,
  whole: Uint8Array | undefined,
): string | undefined {
  const etag = bare(response.ETag ?? '');
  if (etag !== object.etag) return `has the tag ${etag} instead of ${object.etag}`;
  const total = /\/(\d+)$/.exec(response.ContentRange ?? '')?.[1];
  if (total !== undefined && Number(total) !== object.bytes) {
    return `is said to have ${total} bytes instead of ${object.bytes}`;
  }
  if (whole === undefined || !isMd5(response, etag)) return undefined;
  const md5 = createHash('md5').update(whole).digest('hex');
  return md5 === etag ? undefined : `has the MD5 ${md5}, and the tag ${etag}`;
}

/** The tag of what was uploaded in one piece, and not encrypted by a key of KMS or of the customer, is the MD5 of its content. */
function isMd5(response: GetObjectCommandOutput, etag: string): boolean {
  const { ServerSideEncryption: encryption = 'AES256', SSECustomerAlgorithm: own } = response;
  return encryption === 'AES256' && own === undefined && /^[0-9a-f]{32}$/.test(etag);
}

// The source kind `bucket`: the objects of an S3 bucket, read into an archive and a scan as files are.
import type { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError, type Problem } from '../../errors.ts';
import { archiveTree } from '../tree/archive-tree.ts';
import { Bucket } from './client.ts';
import { bucketEntries } from './entries.ts';
import { ENCODINGS, type Compression } from '../tree/encodings.ts';
import { archiveKind } from '../tree/kind.ts';
import type { ReadInput, ReadResult, Source, SourceKind } from '../source.ts';
import { tolerate } from '../tree/tolerate.ts';

/** What of a bucket is protected, and how it is kept; as configured. */
export interface BucketOptions {
  readonly name: string;
  readonly bucket: string;
  /** The beginning of the keys that are taken; it is not part of the paths in the archive. */
  readonly prefix: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly compression: Compression;
  /** Twelve digits: the account that must own the bucket; undefined for any. */
  readonly account: string | undefined;
}

export interface BucketSurroundings {
  /** For the region of the bucket. */
  readonly client: S3Client;
  /**
   * How long a body may give nothing before it is asked for again.
   * @default 20 seconds
   */
  readonly stallMs?: number;
}

export const bucketKind: SourceKind = archiveKind('bucket');

export function bucketSource(options: BucketOptions, surroundings: BucketSurroundings): Source {
  return {
    name: options.name,
    kind: bucketKind,
    read: (input) => readBucket(options, surroundings, input),
  };
}

async function readBucket(
  options: BucketOptions,
  { client, stallMs }: BucketSurroundings,
  input: ReadInput,
): Promise<ReadResult> {
  const problems: Problem[] = [];
  const { bucket: name, prefix, account } = options;
  const ended = new AbortController();
  const signals = input.signal === undefined ? [] : [input.signal];
  const signal = AbortSignal.any([...signals, ended.signal]);
  const bucket = new Bucket({ client, bucket: name, prefix, account, signal, stallMs });
  const stored = await archiveTree(input, {
    entries: bucketEntries(bucket, options, (one) => problems.push(one)),
    encoding: ENCODINGS[options.compression],
    times: 'recorded',
  }).finally(() => {
    // When one object has ended the run, others are still being asked for, and would be again.
    ended.abort();
  });
  problems.push(...stored.problems);
  if (stored.totals.files === 0 && !options.allowEmpty) throw nothingRead(options, problems);
  if (!bucket.tellsVersions) {
    const detail = 'the bucket does not tell versions, or s3:ListBucketVersions is not allowed';
    problems.push({ path: '', code: 'versions-unknown', detail, tolerated: true });
  }
  return {
    ...stored,
    problems: tolerate(problems, options.tolerate),
    git: undefined,
    package: undefined,
  };
}

function nothingRead({ name, bucket, prefix }: BucketOptions, problems: Problem[]): HoldfastError {
  const where = prefix === '' ? bucket : `${bucket}/${prefix}`;
  const [first] = problems.filter(({ tolerated }) => tolerated !== true);
  return first === undefined
    ? new HoldfastError('SOURCE_UNREADABLE', `the source "${name}", ${where}, holds no object`, {
        hint: 'Is its prefix spelled as in the bucket? If an empty source is fine, set `allowEmpty: true`.',
      })
    : new HoldfastError(
        'SOURCE_UNREADABLE',
        `no object of the source "${name}", ${where}, could be read: ${first.path} ${first.detail}`,
        { hint: 'Look at the permissions on its objects and on the key that encrypts them.' },
      );
}

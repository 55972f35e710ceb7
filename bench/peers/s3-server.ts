// A strict S3 server over a folder of the tool that is measured: versitygw, one for all, a bucket for each round of each tool.
import { versitygwProgram } from '../../test/needs/versitygw.ts';
import { CREDENTIALS, startVersitygw } from '../../test/support/versitygw.ts';
import type { Versitygw } from '../../test/support/versitygw.ts';

/** An empty bucket, with versions. */
export interface BenchBucket {
  readonly endpoint: string;
  readonly name: string;
  /** Where the server keeps it. */
  readonly folder: string;
  /** As variables of the environment. */
  readonly credentials: Readonly<Record<string, string>>;
}

let server: Promise<Versitygw> | undefined;
const buckets = new Map<string, Promise<BenchBucket>>();

/** Whether the server is installed. */
export function hasS3Server(): boolean {
  return versitygwProgram() !== undefined;
}

/** Forgets the bucket of `state`, so that the next round begins with an empty one. */
export function newBucketFor(state: string): Promise<BenchBucket> {
  const made = makeBucket();
  buckets.set(state, made);
  return made;
}

/** The bucket that belongs to the state of a tool. */
export function bucketFor(state: string): Promise<BenchBucket> {
  return buckets.get(state) ?? newBucketFor(state);
}

/** Stops the server, if it runs. */
export async function stopS3Server(): Promise<void> {
  await (await server)?.stop();
}

async function makeBucket(): Promise<BenchBucket> {
  server ??= startVersitygw();
  const started = await server;
  const name = await started.makeBucket({ keeps: 'versions' });
  const { endpoint } = started;
  return { endpoint, name, folder: started.folderOf(name), credentials: { ...CREDENTIALS } };
}

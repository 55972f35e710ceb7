// Buckets of a real S3 server, filled for a test, and what was asked of it.
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { startVersitygw, type BucketOptions, type Versitygw } from './versitygw.ts';

/** Uploads at once; the server takes its time for each. */
const AT_ONCE = 16;

export interface Asked {
  /** Such as `GetObjectCommand`. */
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export class Gateway implements AsyncDisposable {
  readonly client: S3Client;
  readonly requests: Asked[] = [];
  /** Called before each request. */
  before: (asked: Asked) => Promise<void> | void = () => undefined;
  private readonly server: Versitygw;

  private constructor(server: Versitygw) {
    this.server = server;
    this.client = server.client;
    this.client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const input = args.input as unknown as Record<string, unknown>;
          this.requests.push({ command: commandName, input });
          await this.before({ command: commandName, input });
          return next(args);
        },
      { step: 'initialize' },
    );
  }

  static async start(): Promise<Gateway> {
    return new Gateway(await startVersitygw());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }

  /** A new bucket that holds `files`; its name. */
  async bucket(
    files: Readonly<Record<string, string | Uint8Array>>,
    keeps: BucketOptions['keeps'] = 'versions',
  ): Promise<string> {
    const bucket = await this.server.makeBucket({ keeps });
    const waiting = Object.entries(files);
    const putSome = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        await this.put(bucket, ...one);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, putSome));
    return bucket;
  }

  async put(bucket: string, key: string, content: string | Uint8Array): Promise<void> {
    const body = Buffer.from(content);
    await this.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  /** How often a command was sent. */
  asked(command: string): number {
    return this.requests.filter((one) => one.command === command).length;
  }
}

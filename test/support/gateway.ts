// Buckets of a real S3 server, filled for a test, and what was asked of it.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

export interface Asked {
  /** Such as `GetObjectCommand`. */
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export class Gateway implements AsyncDisposable {
  readonly client: S3Client;
  readonly requests: Asked[] = [];
  /** Called before each request of a test. */
  before: (asked: Asked) => Promise<void> | void = () => undefined;
  private readonly process: ChildProcess;
  private readonly folder: string;
  private count = 0;

  private constructor(process: ChildProcess, folder: string, port: number) {
    this.process = process;
    this.folder = folder;
    this.client = new S3Client({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      forcePathStyle: true,
      credentials: { accessKeyId: 'root', secretAccessKey: 'not-a-secret' },
    });
    this.client.middlewareStack.add(
      (next, context) => async (args) => {
        const asked = {
          command: String(context.commandName),
          input: args.input as unknown as Record<string, unknown>,
        };
        this.requests.push(asked);
        await this.before(asked);
        return next(args);
      },
      { step: 'initialize' },
    );
  }

  static async start(): Promise<Gateway> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-gateway-'));
    for (const name of ['objects', 'versions']) fs.mkdirSync(path.join(folder, name));
    const port = await freePort();
    const versions = ['--versioning-dir', path.join(folder, 'versions')];
    const child = spawn(
      '/tmp/lead/bin/versitygw',
      [
        '--port',
        `127.0.0.1:${port}`,
        '--quiet',
        'posix',
        ...versions,
        path.join(folder, 'objects'),
      ],
      {
        stdio: 'ignore',
        env: { ...process.env, ROOT_ACCESS_KEY: 'root', ROOT_SECRET_KEY: 'not-a-secret' },
      },
    );
    const gateway = new Gateway(child, folder, port);
    for (let tries = 0; !(await answers(port)); tries++) {
      if (tries === 100) throw new Error('versitygw did not start');
      await sleep(50);
    }
    return gateway;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await gone;
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** A new bucket that holds `files`; its name. */
  async bucket(
    files: Readonly<Record<string, string | Uint8Array>>,
    { versions = true }: { versions?: boolean } = {},
  ): Promise<string> {
    const bucket = `assets-${this.count++}`;
    await this.client.send(new CreateBucketCommand({ Bucket: bucket }));
    if (versions) {
      const on = { Status: 'Enabled' } as const;
      await this.client.send(
        new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: on }),
      );
    }
    const waiting = Object.entries(files);
    const putSome = async () => {
      for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
        await this.put(bucket, ...one);
      }
    };
    await Promise.all(Array.from({ length: 16 }, putSome));
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

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

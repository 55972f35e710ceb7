// A small S3 server in this process, for what a strict one refuses: keys of any kind, and answers that a healthy server never gives.
// It speaks the wire protocol for the three requests that reading a bucket takes, and knows no signatures.
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';

export interface SmallObject {
  readonly content: Buffer;
  readonly modified: Date;
  /** Undefined for a bucket without versions. */
  readonly versionId: string | undefined;
  readonly etag: string;
}

/** Answers a request in the server's place, or returns false. */
export type Interference = (
  request: {
    readonly kind: 'list' | 'get' | 'head';
    readonly key: string;
    readonly headers: http.IncomingHttpHeaders;
  },
  response: http.ServerResponse,
) => boolean;

export class SmallBucket implements AsyncDisposable {
  readonly objects = new Map<string, SmallObject>();
  readonly requests: { kind: string; key: string }[] = [];
  client = new S3Client({});
  versions = true;
  pageSize = 1000;
  /** Gives keys in another order than S3 does. */
  shuffled = false;
  interfere: Interference = () => false;
  private readonly server = http.createServer((request, response) =>
    this.answer(request, response),
  );
  private count = 0;

  static async start(): Promise<SmallBucket> {
    const bucket = new SmallBucket();
    await new Promise<void>((resolve) => bucket.server.listen(0, '127.0.0.1', resolve));
    const { port } = bucket.server.address() as AddressInfo;
    bucket.client = new S3Client({
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      forcePathStyle: true,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
    });
    return bucket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  put(
    key: string,
    content: string | Buffer,
    modified = new Date('2026-05-06T07:08:09.123Z'),
  ): void {
    const bytes = Buffer.from(content);
    const etag = createHash('md5').update(bytes).digest('hex');
    const versionId = this.versions ? `v${++this.count}` : undefined;
    this.objects.set(key, { content: bytes, modified, versionId, etag });
  }

  requested(kind: string): string[] {
    return this.requests.flatMap((one) => (one.kind === kind ? [one.key] : []));
  }

  private answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    // Not as a URL, which has no place for keys like `a/../b`.
    const [path = '', search] = (request.url ?? '').split('?');
    const query = new URLSearchParams(search);
    const slash = path.indexOf('/', 1);
    const key = slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1));
    const kind = key === '' ? 'list' : request.method === 'HEAD' ? 'head' : 'get';
    this.requests.push({ kind, key });
    if (this.interfere({ kind, key, headers: request.headers }, response)) return;
    if (kind === 'list') this.list(query, response);
    else this.get(key, request, response, query.get('versionId'));
  }

  private list(query: URLSearchParams, response: http.ServerResponse): void {
    const byVersion = query.has('versions');
    if (byVersion && !this.versions) {
      fail(response, 501, 'NotImplemented');
      return;
    }
    const prefix = query.get('prefix') ?? '';
    const token = Buffer.from(query.get('continuation-token') ?? '', 'base64url').toString();
    const from = byVersion ? (query.get('key-marker') ?? '') : token;
    const encode = (key: string) => encodeURIComponent(key).replaceAll('%20', '+');
    const all = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    if (this.shuffled) all.reverse();
    const start = from === '' ? 0 : all.indexOf(from) + 1;
    const page = all.slice(start, start + this.pageSize);
    const last = page.at(-1) ?? '';
    const more = start + page.length < all.length;
    const one = (key: string) => {
      const object = this.objects.get(key);
      const tag = byVersion ? 'Version' : 'Contents';
      return `<${tag}><Key>${encode(key)}</Key><VersionId>${object?.versionId ?? 'null'}</VersionId><IsLatest>true</IsLatest><LastModified>${object?.modified.toISOString() ?? ''}</LastModified><ETag>&quot;${object?.etag ?? ''}&quot;</ETag><Size>${object?.content.length ?? 0}</Size><StorageClass>STANDARD</StorageClass></${tag}>`;
    };
    const next = byVersion
      ? `<NextKeyMarker>${encode(last)}</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>`
      : `<NextContinuationToken>${Buffer.from(last).toString('base64url')}</NextContinuationToken>`;
    const root = byVersion ? 'ListVersionsResult' : 'ListBucketResult';
    response.setHeader('content-type', 'application/xml');
    response.end(
      `<?xml version="1.0"?><${root}><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${more ? next : ''}${page.map(one).join('')}</${root}>`,
    );
  }

  private get(
    key: string,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    versionId: string | null,
  ): void {
    const object = this.objects.get(key);
    if (object === undefined) {
      fail(response, 404, 'NoSuchKey');
      return;
    }
    if (versionId !== null && versionId !== object.versionId) {
      fail(response, 404, 'NoSuchVersion');
      return;
    }
    const match = request.headers['if-match'];
    if (match !== undefined && match !== `"${object.etag}"`) {
      fail(response, 412, 'PreconditionFailed');
      return;
    }
    const { content } = object;
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [from, to] =
      range === null ? [0, content.length - 1] : [Number(range[1]), Number(range[2])];
    const body = content.subarray(from, to + 1);
    response.statusCode = range === null ? 200 : 206;
    if (range !== null)
      response.setHeader(
        'content-range',
        `bytes ${from}-${from + body.length - 1}/${content.length}`,
      );
    response.setHeader('content-length', body.length);
    response.setHeader('etag', `"${object.etag}"`);
    response.setHeader('last-modified', object.modified.toUTCString());
    if (object.versionId !== undefined) response.setHeader('x-amz-version-id', object.versionId);
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** Answers with an error as S3 words it. */
export function fail(response: http.ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/xml');
  response.end(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}

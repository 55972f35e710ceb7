// Memory does not follow the size of an object, nor of a bucket.
import { execFile } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { MEMORY_VARIABLES } from '../../../lib/config/load/function-settings.ts';
import { noise } from '../../support/archives.ts';

const CHILD = fileURLToPath(new URL('../../support/bucket-child.ts', import.meta.url));
const MIB = 1 << 20;
const PATTERN = noise(8 * MIB);

interface Told {
  readonly totals: { readonly contentBytes: number; readonly files: number };
  readonly problems: unknown[];
  readonly peakBytes: number;
}

/** A bucket whose objects are nowhere until they are read. */
async function backUpGenerated(objects: ReadonlyMap<string, number>): Promise<Told> {
  const server = http.createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const key = path.split('/')[2] ?? '';
    if (key === '') {
      const versions = [...objects].map(
        ([name, size]) =>
          `<Version><Key>${name}</Key><VersionId>v</VersionId><IsLatest>true</IsLatest><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e-1"</ETag><Size>${size}</Size></Version>`,
      );
      response.end(`<ListVersionsResult>${versions.join('')}</ListVersionsResult>`);
      return;
    }
    const size = objects.get(key) ?? 0;
    const range = /(\d+)-(\d+)/.exec(request.headers.range ?? '');
    const from = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] ?? size - 1) + 1, size);
    response.writeHead(range === null ? 200 : 206, {
      etag: '"e-1"',
      'content-length': end - from,
      ...(range !== null && { 'content-range': `bytes ${from}-${end - 1}/${size}` }),
    });
    response.end(PATTERN.subarray(from % (4 * MIB), (from % (4 * MIB)) + end - from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [CHILD, `http://127.0.0.1:${port}`],
      // As functions run.
      { env: { ...process.env, ...MEMORY_VARIABLES } },
    );
    return JSON.parse(stdout) as Told;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const MOST_BYTES = 310 * MIB;

it('an object of 1 GB and a hundred of 3 MB take no more memory than a function has', async () => {
  const few = new Map([['small', 1000]]);
  const many = new Map([['large', 1024 * MIB + 5]]);
  for (let i = 100; i < 200; i++) many.set(`medium-${i}`, 3 * MIB);

  const base = await backUpGenerated(few);
  // When memory is given back is a matter of chance: a run that needs more needs it each time.
  let told = await backUpGenerated(many);
  if (told.peakBytes >= MOST_BYTES) told = await backUpGenerated(many);

  expect(told.totals).toMatchObject({ files: 101, contentBytes: 1324 * MIB + 5 });
  expect(told.peakBytes).toBeLessThan(MOST_BYTES);
  expect(told.peakBytes - base.peakBytes).toBeLessThan(210 * MIB);
}, 300_000);

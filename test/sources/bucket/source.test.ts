// A bucket on a real server becomes an archive that restores with `tar`, and costs what changed.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bucketSource, type BucketOptions } from '../../../lib/sources/bucket/source.ts';
import {
  backUp,
  noise,
  plant,
  prose,
  readBackup,
  Scratch,
  type RunSetup,
} from '../../support/archives.ts';
import { Gateway } from '../../support/gateway.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

function options(bucket: string, changes: Partial<BucketOptions> = {}): BucketOptions {
  return {
    name: 'site',
    bucket,
    prefix: '',
    include: [],
    exclude: [],
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    account: undefined,
    ...changes,
  };
}

async function backUpBucket(bucket: string, setup: RunSetup & Partial<BucketOptions> = {}) {
  return readBackup(bucketSource(options(bucket, setup), { client: gateway.client }), setup);
}

/** A site with small and large files, and names that S3 takes as they are. */
function siteFiles(): Record<string, Buffer> {
  const files: Record<string, Buffer> = {
    'index.html': prose(3000),
    'a-b': Buffer.from('between a and what is below it'),
    'a/b': prose(10),
    'a.txt': Buffer.alloc(0),
    'a/c d/é+%&.bin': noise(5000),
    'deep/er/and/deep/er.json': prose(700),
    'new\nline': Buffer.from('x'),
    'large.bin': noise((9 << 20) + 17),
    'exact.bin': noise(4 << 20, 3),
    'just-over.bin': prose((4 << 20) + 1),
  };
  for (let i = 0; i < 300; i++) files[`assets/${i % 7}/${i}-ü.css`] = prose(200 + i * 13, i);
  return files;
}

describe('a bucket', () => {
  it('becomes the archive that the same files in a folder become, and is restored by tar', async () => {
    using scratch = new Scratch();
    const files = siteFiles();
    const bucket = await gateway.bucket(files);
    const folder = scratch.at('site');
    plant(folder, files);

    const made = await backUpBucket(bucket, { workers: 2 });

    expect(made.problems).toEqual([]);
    expect(made.manifest.kind).toBe('bucket');
    const expected = await backUp(folder, { times: 'content' });
    const pathsOf = (archive: Buffer) =>
      execFileSync('tar', ['-tz'], { input: archive, encoding: 'latin1' }).split('\n');
    expect(pathsOf(made.archive)).toEqual(pathsOf(expected.archive));
    const into = scratch.at('restored');
    fs.mkdirSync(into);
    execFileSync('tar', ['-xzf', '-', '-C', into], { input: made.archive });
    execFileSync('sha256sum', ['--quiet', '-c', '.holdfast/SHA256SUMS'], { cwd: into });
    for (const [name, content] of Object.entries(files)) {
      expect(fs.readFileSync(`${into}/${name}`).equals(content)).toBe(true);
    }
  });

  it('that has not changed is not read again, and its archive is cloned', async () => {
    const bucket = await gateway.bucket(siteFiles());
    const first = await backUpBucket(bucket);
    gateway.requests.length = 0;

    const second = await backUpBucket(bucket, { predecessor: first });

    expect(gateway.asked('GetObjectCommand')).toBe(0);
    expect(second.cloned).toBe(true);
    expect(second.archive.equals(first.archive)).toBe(true);
    expect(second.manifest.totals.readBytes).toBe(0);
  });
});

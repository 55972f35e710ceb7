// What a bucket, or the way to it, can do wrong while it is read.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Interference } from '../../support/small-bucket.ts';
import { bucketSource, type BucketOptions } from '../../../lib/sources/bucket/source.ts';
import {
  noise,
  openMade,
  prove,
  readBackup,
  restoreInto,
  Scratch,
  type RunSetup,
} from '../../support/archives.ts';
import { fail, SmallBucket } from '../../support/small-bucket.ts';

let bucket: SmallBucket;
beforeEach(async () => {
  bucket = await SmallBucket.start();
});
afterEach(async () => {
  await bucket[Symbol.asyncDispose]();
});

async function backUp(setup: RunSetup & Partial<BucketOptions> & { stallMs?: number } = {}) {
  const options = {
    name: 'site',
    bucket: 'assets',
    prefix: '',
    include: [],
    exclude: [],
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    account: undefined,
    ...setup,
  } as const;
  const { stallMs } = setup;
  const surroundings = { client: bucket.client, ...(stallMs !== undefined && { stallMs }) };
  return readBackup(bucketSource(options, surroundings), setup);
}

/** Interferes with the first request for an object alone. */
function once(key: string, answer: Interference): Interference {
  let done = false;
  return (request, response) => {
    if (done || request.kind !== 'get' || request.key !== key) return false;
    done = true;
    return answer(request, response);
  };
}

async function contentOf(made: Awaited<ReturnType<typeof backUp>>, name: string): Promise<Buffer> {
  using scratch = new Scratch();
  await restoreInto(await openMade(made), scratch.at('out'));
  return fs.readFileSync(`${scratch.at('out')}/${name}`);
}

const LARGE = noise((9 << 20) + 5);

describe('while a bucket is read', () => {
  it.each([true, false])('an object is overwritten (versions: %s)', async (versions) => {
    bucket.versions = versions;
    bucket.put('page', 'as listed');
    bucket.put('other', 'x');
    bucket.interfere = once('page', () => {
      if (!versions) bucket.put('page', 'as it is now');
      return false;
    });

    const made = await backUp();

    expect((await contentOf(made, 'page')).toString()).toBe(
      versions ? 'as listed' : 'as it is now',
    );
    const notes = made.problems.filter(({ path }) => path === 'page');
    expect(notes.map(({ code, tolerated }) => [code, tolerated])).toEqual(
      versions ? [] : [['changed', true]],
    );
    expect(made.manifest.status).toBe('complete');
  });

  it('an object vanishes', async () => {
    bucket.put('gone', 'x');
    bucket.put('page', 'y');
    bucket.interfere = once('gone', () => {
      bucket.objects.delete('gone');
      return false;
    });

    const made = await backUp();

    expect(made.problems.map(({ path, code }) => [path, code])).toEqual([['gone', 'vanished']]);
    expect(made.manifest.status).toBe('partial');
    expect((await contentOf(made, 'page')).toString()).toBe('y');
  });

  it('a large object is overwritten between two of its pieces', async () => {
    bucket.versions = false;
    bucket.put('large', LARGE);
    bucket.put('page', 'y');
    let pieces = 0;
    bucket.interfere = ({ kind, key }) => {
      if (kind === 'get' && key === 'large' && ++pieces === 2)
        bucket.put('large', noise(9 << 20, 2));
      return false;
    };

    const made = await backUp();

    const problems = made.problems.filter(({ path }) => path === 'large');
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.code).toBe('changed');
    expect(made.manifest.status).toBe('partial');
    expect((await prove(made, 'content')).problems).toEqual([]);
    const kept = await contentOf(made, 'large');
    expect(kept.subarray(0, 4 << 20).equals(LARGE.subarray(0, 4 << 20))).toBe(true);
    bucket.interfere = () => false;
    expect(
      (await backUp({ predecessor: made })).problems.filter((one) => one.path === 'large'),
    ).toEqual([]);
  });

  it('a large object shrinks or grows before it is opened', async () => {
    bucket.versions = false;
    bucket.put('large', LARGE);
    bucket.put('small', 'x');
    bucket.interfere = ({ kind, key }) => {
      if (
        kind === 'get' &&
        key === 'large' &&
        bucket.objects.get(key)?.content.length === LARGE.length
      )
        bucket.put('large', 'shrunk');
      if (kind === 'get' && key === 'small' && bucket.objects.get(key)?.content.length === 1)
        bucket.put('small', noise(17 << 20));
      return false;
    };

    const made = await backUp();

    expect((await contentOf(made, 'large')).toString()).toBe('shrunk');
    expect(made.problems.filter(({ path }) => path === 'small')).toEqual([
      expect.objectContaining({ code: 'changed' }),
    ]);
    expect((await prove(made, 'content')).problems).toEqual([]);
  });

  it.each(['small', 'large'])('bodies of a %s object break off, and are resumed', async (size) => {
    const content = size === 'large' ? LARGE : noise(300_000);
    bucket.put('object', content);
    const ranges: unknown[] = [];
    bucket.interfere = ({ kind, headers }, response) => {
      if (kind !== 'get') return false;
      ranges.push(headers.range);
      if (ranges.length > 2) return false;
      const from = Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0);
      const { etag = '' } = bucket.objects.get('object') ?? {};
      const whole = Math.min(content.length - from, 4 << 20);
      response.writeHead(headers.range === undefined ? 200 : 206, {
        etag: `"${etag}"`,
        'content-length': whole,
        ...(headers.range !== undefined && {
          'content-range': `bytes ${from}-${from + whole - 1}/${content.length}`,
        }),
      });
      response.write(content.subarray(from, from + 100_000), () => response.destroy());
      return true;
    };

    const made = await backUp();

    expect(made.problems).toEqual([]);
    expect((await contentOf(made, 'object')).equals(content)).toBe(true);
    expect(ranges.length).toBeGreaterThan(2);
  });

  it('a body gives nothing any more, and is resumed', async () => {
    bucket.put('page', 'the whole page');
    const stalled: Interference = (_, response) => {
      const { etag = '' } = bucket.objects.get('page') ?? {};
      response.writeHead(200, { etag: `"${etag}"`, 'content-length': 14 });
      response.write('the who');
      return true;
    };
    bucket.interfere = once('page', stalled);

    const made = await backUp({ stallMs: 300 });

    expect((await contentOf(made, 'page')).toString()).toBe('the whole page');
  });

  it('a request is never answered, and is made again', async () => {
    bucket.put('page', 'the page');
    bucket.interfere = once('page', () => true);

    const made = await backUp({ stallMs: 200 });

    expect((await contentOf(made, 'page')).toString()).toBe('the page');
  });

  it('refuses bytes that are not those of the tag', async () => {
    bucket.put('page', 'right');
    bucket.put('other', 'x');
    const wrong: Interference = ({ kind, key }, response) => {
      if (kind !== 'get' || key !== 'page') return false;
      const { etag = '' } = bucket.objects.get('page') ?? {};
      response.writeHead(200, { etag: `"${etag}"`, 'content-length': 5 });
      response.end('wrong');
      return true;
    };
    bucket.interfere = once('page', wrong);
    expect((await contentOf(await backUp(), 'page')).toString()).toBe('right');

    bucket.interfere = wrong;
    const made = await backUp();
    expect(made.problems).toEqual([expect.objectContaining({ path: 'page', code: 'unreadable' })]);
  }, 120_000);

  it('answers 503 and 500 for a while', async () => {
    for (let i = 0; i < 30; i++) bucket.put(`page-${i}`, `content ${i}`);
    let count = 0;
    bucket.interfere = (_, response) => {
      if (++count % 4 !== 0) return false;
      fail(response, count % 8 === 0 ? 503 : 500, count % 8 === 0 ? 'SlowDown' : 'InternalError');
      return true;
    };

    const made = await backUp();

    expect(made.problems).toEqual([]);
    expect(made.manifest.totals.files).toBe(30);
  });

  it('names objects that lie in Glacier, and such that are refused', async () => {
    for (const key of ['cold', 'secret', 'page']) bucket.put(key, key);
    bucket.interfere = ({ kind, key }, response) => {
      if (kind === 'list' || key === 'page') return false;
      fail(response, 403, key === 'cold' ? 'InvalidObjectState' : 'AccessDenied');
      return true;
    };

    const made = await backUp();

    expect(made.problems).toEqual([
      { path: 'cold', code: 'unreadable', detail: expect.stringContaining('Glacier') as unknown },
      {
        path: 'secret',
        code: 'unreadable',
        detail: expect.stringContaining('kms:Decrypt') as unknown,
      },
    ]);
  });

  it('that is unchanged is not asked for an object that lies in Glacier by now', async () => {
    bucket.put('cold', 'x');
    const first = await backUp();
    bucket.interfere = ({ kind }, response) => {
      if (kind === 'list') return false;
      fail(response, 403, 'InvalidObjectState');
      return true;
    };

    const second = await backUp({ predecessor: first });

    expect([second.cloned, second.problems]).toEqual([true, []]);
  });
});

describe('fails', () => {
  it.each([
    [404, 'NoSuchBucket', /does not exist/],
    [403, 'AccessDenied', /refuses access \(AccessDenied\)/],
    [301, 'PermanentRedirect', /another region/],
  ])('when the listing is answered with %s %s', async (status, code, message) => {
    bucket.interfere = (_, response) => {
      fail(response, status, code);
      return true;
    };

    await expect(backUp()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('when nothing is there, unless that is allowed', async () => {
    await expect(backUp()).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    expect((await backUp({ allowEmpty: true })).manifest.totals.entries).toBe(0);
  });

  it('when the credentials end on the way', async () => {
    for (let i = 0; i < 10; i++) bucket.put(`page-${i}`, 'x');
    bucket.interfere = ({ kind }, response) => {
      if (kind === 'list') return false;
      fail(response, 400, 'ExpiredToken');
      return true;
    };

    await expect(backUp()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(/the credentials have expired \(ExpiredToken\)/) as unknown,
    });
  });

  it('when the run is interrupted', async () => {
    for (let i = 0; i < 10; i++) bucket.put(`page-${i}`, 'x');
    const controller = new AbortController();
    bucket.interfere = ({ kind }) => {
      if (kind === 'get') controller.abort();
      return false;
    };

    await expect(backUp({ signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('when the bucket belongs to another account', async () => {
    bucket.put('page', 'x');
    const owners: unknown[] = [];
    bucket.interfere = ({ headers }) => {
      owners.push(headers['x-amz-expected-bucket-owner']);
      return false;
    };

    await backUp({ account: '123456789012' });

    expect(owners).toEqual(['123456789012', '123456789012']);
  });
});

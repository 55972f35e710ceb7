// A bucket with keys that are no paths, and with objects that cannot be read, from the command line.
import { readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';
import { fail, SmallBucket } from '../support/small-bucket.ts';

let bucket: SmallBucket;
let place: Place;
let env: Record<string, string>;

beforeEach(async () => {
  bucket = await SmallBucket.start();
  place = await makePlace();
  const { port } = (await bucket.client.config.endpoint?.()) ?? {};
  env = {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port ?? ''}`,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  };
  await place.write({ 'page.md': '# A\n' });
  expect(await place.run(['init', '--store', '../store'])).toMatchObject({ exit: 0 });
  const file = join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(
      /^sources:$/m,
      'sources:\n  assets: { kind: bucket, bucket: my-assets, region: us-east-1 }',
    ),
  );
});
afterEach(async () => {
  await bucket[Symbol.asyncDispose]();
  await place.remove();
});

test('every object comes back, and those that cannot be read are named', async () => {
  const odd = ['../up', './here', '.', 'a//b', '.holdfast/SHA256SUMS'];
  for (const key of [...odd, 'plain.txt', 'cold.bin', 'encrypted.bin'])
    bucket.put(key, `of ${key}`);
  bucket.interfere = ({ kind, key }, response) => {
    if (kind !== 'get' || !key.endsWith('.bin')) return false;
    if (key === 'cold.bin') fail(response, 403, 'InvalidObjectState');
    else fail(response, 400, 'InvalidRequest');
    return true;
  };
  const act = (...args: string[]) => place.run(args, { env });

  const made = await act('backup', 'assets');
  expect(made).toMatchObject({ exit: 3 });
  expect(made.stdout).toMatch(/problem: cold\.bin: unreadable: .*\(Glacier\)/);
  expect(made.stdout).toMatch(/problem: encrypted\.bin: unreadable: .*\(SSE-C\)/);
  const shown = (await act('show', 'assets', '--all')).stdout;
  for (const key of odd) expect(shown).toMatch(new RegExp(`holdfast/keys/\\w{64} {2}key ${key}\n`));
  expect(await place.json(['show', 'assets', '--all'], { env })).toMatchObject({
    contents: expect.arrayContaining([expect.objectContaining({ objectKey: 'a//b' })]),
  });

  const restored = await act('restore', 'assets', '--to', '../back');
  expect(restored).toMatchObject({ exit: 0 });
  expect(restored.stderr).toMatch(/cold\.bin[^]*encrypted\.bin/);
  for (const key of odd) {
    const name = createHash('sha256').update(key).digest('hex');
    const content = await readFile(join(place.root, 'back/.holdfast/keys', name), 'utf8');
    expect(content).toBe(`of ${key}`);
  }
  expect(await act('restore-test', 'assets')).toMatchObject({ exit: 0 });
  expect(await act('verify', 'assets')).toMatchObject({ exit: 0 });
}, 60_000);

import { expect, test } from '@jest/globals';

import { aboutStore } from '../../../lib/cli/store/about.ts';
import type { Artifact } from '../../../lib/format/manifest.ts';

const artifact = { key: 'backups/site/1/archive-1.tar.gz' } as Artifact;

test('artifacts in a folder are read where they are', () => {
  const { placeOf, fetch } = aboutStore('/mnt/backups').byHand();
  expect(placeOf(artifact)).toBe(`/mnt/backups/${artifact.key}`);
  expect(fetch()).toEqual([]);
});

test('artifacts in a bucket are fetched first, also from a server that is not AWS', () => {
  const url = 's3://shop/backups?region=auto&endpoint=http://127.0.0.1:9000';
  const { placeOf, fetch } = aboutStore(url).byHand();
  expect(placeOf(artifact)).toBe('archive-1.tar.gz');
  const server = '--region auto --endpoint-url http://127.0.0.1:9000';
  expect(fetch()).toEqual([`aws s3 cp s3://shop/backups/${artifact.key} . ${server}`]);
  expect(aboutStore(url).copyCommand('/mnt/old')).toBe(
    `aws s3 sync '/mnt/old' 's3://shop/backups/' --exclude 'holdfast*.json' ${server}`,
  );
});

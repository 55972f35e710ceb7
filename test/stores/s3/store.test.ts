// A bucket as a store, on a strict server: the contract of all stores, in buckets with locks, with versions, and with neither.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { openS3Store } from '../../../lib/stores/s3/store.ts';
import { startVersitygw, type BucketOptions, type Versitygw } from '../../support/versitygw.ts';
import { storeContract, type OpenedStore } from '../contract.ts';

let server: Versitygw;
beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());

async function opened(keeps: NonNullable<BucketOptions['keeps']>): Promise<OpenedStore> {
  const bucket = await server.makeBucket({ keeps });
  const place = server.place(bucket, { versions: keeps !== 'none' });
  const store = await openS3Store(place, { random: randomUUID });
  const cleanup = () => Promise.resolve();
  // Without versions there is no lifecycle to wait for.
  return { store, cleanup, ...(keeps !== 'none' && { expire: () => server.expire(bucket) }) };
}

storeContract('bucket with locks', () => opened('locked'));
storeContract('bucket with versions', () => opened('versions'));
storeContract('bucket without versions', () => opened('none'));

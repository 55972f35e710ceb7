// A pass through an artifact of a bucket: the same bytes, by few requests, and none of them twice.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readingAhead } from '../../lib/engine/read-ahead.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { HoldfastError } from '../../lib/errors.ts';
import type { OpenBackup } from '../../lib/sources/source.ts';
import { makeS3Client } from '../../lib/stores/s3/client.ts';
import { openS3Store } from '../../lib/stores/s3/store.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import { backUpNow, Clock, codeOf, engineOn, folderSource } from '../support/engine.ts';
import { layFaults } from '../support/faulty-handler.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';

type Artifact = OpenBackup['manifest']['artifacts'][number];
const ARTIFACT = { key: 'a' } as Artifact;
const BLOCK = 100;

interface Asked {
  readonly offset: number;
  readonly length: number;
}

/** An artifact that refuses what lies beyond it, and notes what is asked of it. */
function artifactOf(bytes: Uint8Array, failAt = Infinity): { open: OpenBackup; asked: Asked[] } {
  const asked: Asked[] = [];
  const read = (offset: number, length: number) => {
    asked.push({ offset, length });
    const end = offset + length;
    if (end > bytes.length || end > failAt)
      return Promise.reject(new HoldfastError('BACKUP_DAMAGED', 'not there'));
    return Promise.resolve(new Uint8Array(bytes.slice(offset, end)));
  };
  const manifest = {} as OpenBackup['manifest'];
  return { open: { manifest, open: () => ({ bytes: bytes.length, read }) }, asked };
}

const reading = (backup: OpenBackup) => {
  const ahead = readingAhead(backup, BLOCK);
  return ({ offset, length }: Asked) => ahead.open(ARTIFACT).read(offset, length);
};

describe('reading ahead', () => {
  test('gives the same bytes, in whatever order they are asked for, and at once', async () => {
    const place = fc.record({ offset: fc.nat(900), length: fc.nat(250) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(place, fc.constant(undefined)), { minLength: 1, maxLength: 40 }),
        async (places) => {
          const bytes = noise(900, 1);
          let next = 0;
          const all = places.map((one) => {
            const { offset, length } = one ?? { offset: next, length: 37 };
            const asked = { offset, length: Math.min(length, 900 - offset) };
            next = asked.offset + asked.length;
            return asked;
          });
          const read = reading(artifactOf(bytes).open);
          const got = await Promise.all(all.map(read));
          expect(got.map((one) => Buffer.from(one).toString('hex'))).toEqual(
            all.map(({ offset, length }) =>
              Buffer.from(bytes.subarray(offset, offset + length)).toString('hex'),
            ),
          );
        },
      ),
    );
  });

  test('asks for each byte once, and for little more than it must, from front to back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: BLOCK }), { minLength: 20 }),
        async (pieces) => {
          const size = pieces.reduce((sum, one) => sum + one, 0);
          const { open, asked } = artifactOf(noise(size, 1));
          const read = reading(open);
          let offset = 0;
          const all = pieces.map((length) => {
            offset += length;
            return read({ offset: offset - length, length });
          });
          await Promise.all(all);
          expect(asked.reduce((sum, { length }) => sum + length, 0)).toBe(size);
          const whole = pieces.filter((length) => length >= BLOCK).length;
          expect(asked.length).toBeLessThanOrEqual(size / BLOCK + 2 + whole);
        },
      ),
    );
  });

  test('reads what is asked for here and there as before', async () => {
    const { open, asked } = artifactOf(noise(900, 1));
    const read = reading(open);
    const places = [
      { offset: 500, length: 10 },
      { offset: 0, length: 10 },
      { offset: 700, length: 20 },
    ];
    for (const place of places) await read(place);
    expect(asked).toEqual(places);
  });

  test('passes on what the store refuses, to every read that it concerns', async () => {
    const read = reading(artifactOf(noise(900, 1), 120).open);
    await read({ offset: 0, length: 50 });
    const [near, far] = [read({ offset: 50, length: 50 }), read({ offset: 100, length: 100 })];
    expect(await codeOf(near)).toBe('BACKUP_DAMAGED');
    expect(await codeOf(far)).toBe('BACKUP_DAMAGED');
    expect(await codeOf(read({ offset: 890, length: 20 }))).toBe('BACKUP_DAMAGED');
  });
});

describe('a verification of a bucket', () => {
  let server: Versitygw;
  let scratch: Scratch;
  beforeAll(async () => {
    server = await startVersitygw();
    scratch = new Scratch();
  });
  afterAll(async () => {
    scratch[Symbol.dispose]();
    await server.stop();
  });

  test.each(['digest', 'content'] as const)(
    'reads about 4 MiB by a request, at level %s',
    async (level) => {
      const place = server.place(await server.makeBucket());
      const root = scratch.at(`site-${level}`);
      // Files that archives hold in groups, and that are read in many small pieces.
      plant(
        root,
        Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`f${i}`, noise(30_000, i)])),
      );
      const clock = new Clock();
      const client = makeS3Client(place);
      const sent = layFaults(client);
      const store = await openS3Store(place, { random: randomUUID, client });
      const engine = engineOn({ ...store, now: () => Promise.resolve(new Date(clock.ms)) }, clock);
      const { id } = await backUpNow(engine, folderSource(root));
      sent.length = 0;
      expect(await verifyBackup(engine, { source: 'site', id }, level)).toMatchObject({
        verdict: 'proven',
      });
      const reads = sent.filter(
        ({ operation, path }) => operation === 'GetObject' && path.includes('/archive-'),
      );
      // Three blocks, and what is read apart: the table of the index, its pieces, the sums.
      expect(reads.length).toBeGreaterThan(2);
      expect(reads.length).toBeLessThan(12);
    },
  );
});

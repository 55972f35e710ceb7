// Verbs over a bucket whose server goes away, or refuses, at each request in turn: what is listed is whole, what was there stays, and
// running it again heals. The long tests try every request, the others every fifth.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { pruneSource } from '../../lib/engine/prune.ts';
import { makeS3Client } from '../../lib/stores/s3/client.ts';
import { openS3Store } from '../../lib/stores/s3/store.ts';
import type { Store } from '../../lib/stores/store.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import { clocked, type Times } from '../support/clocked-store.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  contents,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  listed,
  makeGood,
  unsound,
} from '../support/engine.ts';
import { layFaults, type Fault } from '../support/faulty-handler.ts';
import { changeSite, plantSite } from '../support/small-site.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';

jest.setTimeout(1_800_000);

const STEP = process.env['HOLDFAST_SWEEPS'] === undefined ? 5 : 1;

/** Lets go of some of five daily backups: each more costs requests, and each request an attempt. */
const FEW = { ...DAILY, policy: { ...DAILY.policy, daily: 2, weekly: 1, monthly: 1 } };

/** What happens at the n-th request; `dead` says that nothing is answered after it. */
const WAYS: Readonly<Record<string, { readonly fault: Fault; readonly dead: boolean }>> = {
  'is done, its answer lost, and the line is dead from then on': {
    fault: { lost: true },
    dead: true,
  },
  'is refused': { fault: { answer: { status: 403, name: 'AccessDenied' } }, dead: false },
};

let server: Versitygw;
let scratch: Scratch;
let root: string;
let bucket: string;
beforeAll(async () => {
  server = await startVersitygw();
  bucket = await server.makeBucket();
  scratch = new Scratch();
  root = scratch.at('site');
  plantSite(root);
});
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

let attempts = 0;

/** A place of its own in the bucket, with what `from` holds. */
async function placeWith(from: ClockedStore) {
  const place = server.place(bucket, { prefix: `attempt-${(attempts += 1)}/` });
  const times: Times = { clock: new Clock(new Date(from.clock.ms)), storedAt: new Map() };
  const open = async (fault?: { at: number; way: keyof typeof WAYS }) => {
    const client = makeS3Client(place);
    const { fault: what, dead = false } = (fault && WAYS[fault.way]) ?? {};
    const sent = layFaults(client, (_, number) => {
      if (number === fault?.at) return what;
      return dead && number > (fault?.at ?? Infinity) ? { reset: true } : undefined;
    });
    const wait = () => Promise.resolve();
    const store = await openS3Store(place, { random: randomUUID, client, wait });
    return { store: clocked(store, times), sent };
  };
  const { store } = await open();
  await Promise.all([...from.objects].map(([key, { bytes }]) => store.put(key, bytes)));
  for (const [key, { storedAt }] of from.objects) times.storedAt.set(key, storedAt);
  return { open, clock: times.clock, prefix: place.prefix };
}

interface Attempt {
  readonly store: Store;
  readonly clock: Clock;
  readonly error: unknown;
  readonly where: string;
}

/** Runs `act` with the fault at each request; resolves to the number of requests when nothing fails. */
async function sweep(
  from: ClockedStore,
  way: keyof typeof WAYS,
  act: (store: Store, clock: Clock) => Promise<unknown>,
  check: (attempt: Attempt) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at += STEP) {
    const { open, clock, prefix } = await placeWith(from);
    const { store, sent } = await open({ at, way });
    const error = await act(store, clock).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (sent.length < at) {
      expect(error).toBeUndefined();
      return sent.length;
    }
    const where = `request ${at} (${sent[at - 1]?.operation ?? ''}) ${way}`;
    if (error !== undefined) {
      expect({ where, error }).toMatchObject({ where, error: { name: 'HoldfastError' } });
    }
    const sound = await open();
    await check({ store: sound.store, clock, error, where });
    if (WAYS[way]?.dead === false)
      expect({ where, uploads: await uploads(prefix) }).toEqual({ where, uploads: [] });
  }
}

async function uploads(Prefix: string) {
  const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix });
  const { Uploads = [] } = await server.client.send(command);
  return Uploads.map(({ Key }) => Key);
}

async function storeWith(backups: number, folder: string): Promise<ClockedStore> {
  const clock = new Clock();
  const store = new ClockedStore(clock);
  for (let day = 0; day < backups; day++) {
    if (day > 0) clock.advance(DAY_MS);
    await makeGood(engineOn(store, clock), folderSource(folder));
  }
  return store;
}

async function expectKept(before: ReadonlyMap<string, string>, { store, where }: Attempt) {
  const now = await contents(store);
  const lost = [...before].filter(([key, digest]) => now.get(key) !== digest);
  expect({ where, lost }).toEqual({ where, lost: [] });
  expect({ where, unsound: await unsound(store, before) }).toEqual({ where, unsound: [] });
}

test.each(Object.keys(WAYS))('a backup is whole or absent when a request %s', async (way) => {
  for (const large of [false, true]) {
    const folder = scratch.at(`site-${large}-${way.length}`);
    plantSite(folder);
    // Large enough for parts.
    if (large) plant(folder, { 'public/large.bin': noise(9_000_000, 9) });
    const from = await storeWith(1, folder);
    if (!large) changeSite(folder);
    from.clock.advance(DAY_MS);
    const at = new Date(from.clock.ms);
    const before = await contents(from);
    const source = folderSource(folder);
    const requests = await sweep(
      from,
      way,
      (store, clock) => backUpNow(engineOn(store, clock), source, { at }),
      async (attempt) => {
        const { store, clock, where, error } = attempt;
        await expectKept(before, attempt);
        const after = (await listed(store)).length;
        if (error === undefined) expect({ where, after }).toEqual({ where, after: 2 });
        clock.advance(60_000);
        const { outcome } = await backUpNow(engineOn(store, clock), source, { at });
        expect({ where, outcome }).toEqual({ where, outcome: after === 2 ? 'already' : 'made' });
        expect({ where, unsound: await unsound(store) }).toEqual({ where, unsound: [] });
      },
    );
    expect(requests).toBeGreaterThan(10);
  }
});

test.each(Object.keys(WAYS))(
  'a prune releases no more than it says when a request %s',
  async (way) => {
    const from = await storeWith(5, root);
    from.clock.advance(1000);
    const rehearsal = engineOn(from.copy(), new Clock(new Date(from.clock.ms)));
    const { release } = await pruneSource(rehearsal, 'site', { ...FEW, dryRun: true });
    expect(release.length).toBeGreaterThan(0);
    const wanted = new Map(
      [...(await contents(from))].filter(([key]) => !release.some(({ id }) => key.includes(id))),
    );
    await sweep(
      from,
      way,
      (store, clock) => pruneSource(engineOn(store, clock), 'site', FEW),
      async (attempt) => {
        await server.expire(bucket);
        await expectKept(wanted, attempt);
        const { store, clock, where } = attempt;
        clock.advance(60_000);
        await pruneSource(engineOn(store, clock), 'site', FEW);
        expect({ where, unsound: await unsound(store, wanted) }).toEqual({ where, unsound: [] });
      },
    );
  },
);

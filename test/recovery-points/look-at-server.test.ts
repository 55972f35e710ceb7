// A look into a restored database: a real server of PostgreSQL, behind an RDS that is made by hand.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import { HOUR_MS } from '../../lib/durations.ts';
import type { HoldfastError } from '../../lib/errors.ts';
import { parseResource } from '../../lib/names/resources.ts';
import {
  lookAtServer,
  nameOfAdded,
  type ServerBench,
} from '../../lib/recovery-points/validate/look-at-server.ts';
import type { Look, Restored } from '../../lib/recovery-points/validate/look.ts';
import { binaries, MACHINE, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { ADMIN, SmallRds } from '../support/small-rds.ts';

jest.setTimeout(60_000);

const HERE = 'arn:aws:rds:eu-central-1:123456789012';
const NAME = 'awsbackup-restore-test-4f1c';
const ADDED = `${NAME}-1`;
const SINCE = new Date('2026-11-30T06:00:00Z');
const PASSES = 'SELECT count(*) = 3 FROM tasks';

let server: PostgresServer;
let rds: SmallRds;
let clock: Date;

beforeAll(async () => {
  server = await startPostgres();
  server.sql('postgres', `CREATE ROLE ${ADMIN} LOGIN IN ROLE pg_read_all_data`);
  server.create('app', { empty: true });
  server.sql(
    'app',
    'CREATE TABLE tasks (id int PRIMARY KEY); INSERT INTO tasks VALUES (1), (2), (3); CREATE TABLE notes (t text)',
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  rds = new SmallRds(server);
  clock = new Date(SINCE.getTime() + 60_000);
});

interface Asked {
  readonly checks?: string[];
  readonly database?: string;
  readonly signal?: AbortSignal;
}

function look(
  kind: 'cluster' | 'db',
  { checks = [PASSES], database = 'app', signal }: Asked = {},
): Promise<Look> {
  const arn = `${HERE}:${kind}:${NAME}`;
  const restored = { arn, name: parseResource(arn), since: SINCE, signal } as unknown as Restored;
  const bench: ServerBench = {
    rds,
    system: 'shop',
    machine: { ...MACHINE, binaries: binaries() },
    now: () => clock,
    wait: (ms) => {
      clock = new Date(clock.getTime() + ms);
      return Promise.resolve();
    },
  };
  return lookAtServer(restored, { database, checks, instanceClass: 'db.t4g.medium' }, bench);
}

const refusal = (looked: Promise<Look>): Promise<Pick<HoldfastError, 'code' | 'message'>> =>
  looked.then(
    () => ({ code: 'USAGE', message: 'it was looked into' }),
    (error: unknown) => error as HoldfastError,
  );

const aurora = () => rds.restored(NAME, { engine: 'aurora-postgresql' });

describe('a restored instance', () => {
  test('gets a new password, and every table is read and every check asked', async () => {
    rds.restored(NAME);
    const found = await look('db');
    expect(found).toMatchObject({ level: 'content', damage: [], doubt: [], noted: [] });
    expect(found.facts).toMatchObject({
      ...{ database: 'app', tables: 2, rows: 3 },
      checks: [{ check: PASSES, passed: true }],
    });
    expect(rds.passwords).toEqual([expect.stringMatching(/^[0-9a-f]{16,}$/)]);
    expect(JSON.stringify(found)).not.toContain(rds.passwords[0]);
    expect([rds.added, rds.deleted]).toEqual([[], []]);
  });

  test('is waited for, in states that nobody knows here, too', async () => {
    rds.restored(NAME);
    rds.states.set(NAME, ['creating', 'configuring-something-new']);
    rds.busy = 1;
    expect(await look('db')).toMatchObject({ level: 'content', damage: [], doubt: [] });
    expect(clock.getTime() - SINCE.getTime()).toBeGreaterThanOrEqual(150_000);
  });

  test.each(['failed', 'incompatible-restore', 'storage-full'])('is not when %s', async (state) => {
    rds.restored(NAME, { state });
    expect(await refusal(look('db'))).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: `${NAME} is ${state}`,
    });
    expect(rds.passwords).toEqual([]);
  });

  test('that never becomes available is given up before AWS Backup deletes it', async () => {
    rds.restored(NAME, { state: 'creating' });
    const { message } = await refusal(look('db'));
    expect(message).toContain('it is creating');
    expect(clock.getTime() - SINCE.getTime()).toBeLessThan(4 * HOUR_MS);
  });

  test('that has vanished is said to have', async () => {
    rds.restored(NAME);
    rds.states.set(NAME, ['available', 'available', 'gone']);
    expect((await refusal(look('db'))).message).toContain('it has vanished');
  });

  test('is left alone when the event came too late', async () => {
    rds.restored(NAME);
    clock = new Date(SINCE.getTime() + 4 * HOUR_MS);
    expect((await refusal(look('db'))).message).toContain('the event came too late');
    expect(rds.passwords).toEqual([]);
  });

  test('of another engine is restored, and its content not proven', async () => {
    rds.restored(NAME, { engine: 'mysql' });
    expect(await look('db')).toMatchObject({
      level: 'restored',
      doubt: [{ detail: expect.stringContaining('restored, content not proven') as unknown }],
    });
    expect(rds.passwords).toEqual([]);
  });

  test('without the database proves nothing, and is no damage', async () => {
    rds.restored(NAME);
    expect(await refusal(look('db', { database: 'other' }))).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('"other" does not exist') as unknown,
    });
  });

  test('whose password nobody may set proves nothing', async () => {
    rds.restored(NAME);
    rds.denied.add('setPassword');
    expect(await refusal(look('db'))).toMatchObject({ code: 'STORE_DENIED' });
  });

  test('is damaged where a check does not pass, or asks for what is not there', async () => {
    rds.restored(NAME);
    const checks = ['SELECT count(*) > 9 FROM tasks', 'SELECT 1 FROM orders', PASSES];
    const { damage, doubt, level } = await look('db', { checks });
    expect(damage).toEqual([
      expect.objectContaining({ path: checks[0], code: 'check' }),
      expect.objectContaining({
        path: checks[1],
        detail: expect.stringContaining('"orders" does not exist') as unknown,
      }),
    ]);
    expect([doubt, level]).toEqual([[], 'content']);
  });

  test('proves nothing where the admin may not read a table', async () => {
    server.sql('app', `REVOKE pg_read_all_data FROM ${ADMIN}`);
    try {
      rds.restored(NAME);
      const { damage, doubt, level } = await look('db');
      expect(damage).toEqual([]);
      expect(doubt[0]?.detail).toContain('permission denied');
      expect(level).toBeUndefined();
    } finally {
      server.sql('app', `GRANT pg_read_all_data TO ${ADMIN}`);
    }
  });

  test('is damaged where a table cannot be read, though an index could answer', async () => {
    server.create('broken', { empty: true });
    const sql = 'CREATE TABLE t AS SELECT 1 AS id; CREATE UNIQUE INDEX ON t (id); CHECKPOINT';
    server.sql('broken', sql);
    const file = server.sql('broken', "SELECT pg_relation_filepath('t')").trim();
    fs.rmSync(path.join(server.folder, 'data', file));
    rds.restored(NAME);
    const { damage, doubt } = await look('db', { database: 'broken', checks: ['SELECT true'] });
    expect(damage).toEqual([
      expect.objectContaining({
        code: 'unread',
        detail: expect.stringContaining('could not open file') as unknown,
      }),
    ]);
    expect(doubt).toEqual([]);
  });
});

describe('a restored cluster', () => {
  test('gets an instance with the tags of a test, which is deleted again', async () => {
    aurora();
    rds.states.set(ADDED, ['creating', 'available', 'backing-up']);
    expect(await look('cluster')).toMatchObject({ level: 'content', damage: [], noted: [] });
    expect(rds.added).toEqual([
      {
        ...{ name: ADDED, cluster: NAME, engine: 'aurora-postgresql' },
        instanceClass: 'db.t4g.medium',
        tags: {
          'awsbackup-restore-test': NAME,
          'holdfast:system': 'shop',
          'holdfast:added-to': NAME,
        },
      },
    ]);
    expect(rds.deleted).toEqual([ADDED]);
    expect(rds.databases.has(NAME)).toBe(true);
  });

  test('that is serverless gets a serverless one', async () => {
    rds.restored(NAME, { engine: 'aurora-postgresql', serverless: true });
    await look('cluster');
    expect(rds.added).toMatchObject([{ instanceClass: 'db.serverless' }]);
  });

  test('goes on with the instance that a lost look has added', async () => {
    aurora();
    await rds.addInstance({
      ...{
        name: ADDED,
        cluster: NAME,
        engine: 'aurora-postgresql',
        instanceClass: 'db.t4g.medium',
      },
      tags: { 'holdfast:system': 'shop', 'holdfast:added-to': NAME },
    });
    expect(await look('cluster')).toMatchObject({ level: 'content', damage: [] });
    expect(rds.deleted).toEqual([ADDED]);
  });

  test.each([
    ['does not become available', () => rds.states.set(ADDED, ['failed', 'failed', 'failed'])],
    ['loses its cluster', () => rds.states.set(NAME, ['available', 'gone'])],
    ['gets no password', () => rds.denied.add('setPassword')],
  ])('has it deleted also when it %s', async (_why, goWrong) => {
    aurora();
    goWrong();
    expect(await refusal(look('cluster'))).toMatchObject({
      message: expect.any(String) as unknown,
    });
    expect(rds.deleted).toEqual([ADDED]);
  });

  test('has it deleted also when the time of the task is over', async () => {
    aurora();
    const stop = new AbortController();
    rds.states.set(ADDED, ['creating']);
    jest.spyOn(rds, 'addInstance').mockImplementationOnce((instance) => {
      stop.abort();
      return rds.addInstance(instance);
    });
    expect(await refusal(look('cluster', { signal: stop.signal }))).toMatchObject({
      code: 'CANCELLED',
    });
    expect(rds.deleted).toEqual([ADDED]);
  });

  test('says that an instance is left when nobody may delete it', async () => {
    aurora();
    rds.denied.add('deleteInstance');
    expect(await look('cluster')).toMatchObject({
      level: 'content',
      noted: [{ path: ADDED, code: 'left', tolerated: true }],
    });
  });

  test('says so beside a failure, too', async () => {
    aurora();
    rds.denied.add('deleteInstance');
    rds.denied.add('setPassword');
    expect(await look('cluster')).toMatchObject({
      level: undefined,
      doubt: [{ code: 'STORE_DENIED' }],
      noted: [{ path: ADDED, code: 'left' }],
    });
  });

  test('never has an instance deleted that something else has made', async () => {
    aurora();
    rds.restored(ADDED, { cluster: NAME, engine: 'aurora-postgresql' });
    rds.restored('app', { tags: { 'holdfast:system': 'shop' } });
    await look('cluster');
    expect(rds.deleted).toEqual([]);
  });

  test('of another engine gets no instance', async () => {
    rds.restored(NAME, { engine: 'aurora-mysql' });
    expect(await look('cluster')).toMatchObject({ level: 'restored' });
    expect(rds.added).toEqual([]);
  });
});

describe('what an earlier look has added and lost', () => {
  const OLD = 'awsbackup-restore-test-old';
  const lost = (name: string, system: string, hours: number) =>
    rds.restored(name, {
      cluster: OLD,
      created: new Date(clock.getTime() - hours * HOUR_MS),
      tags: { 'holdfast:system': system, 'holdfast:added-to': OLD },
    });

  test('is deleted, unless it is of another system or of a test that may go on', async () => {
    rds.restored(NAME);
    lost(`${OLD}-1`, 'shop', 5);
    lost(`${OLD}-2`, 'other', 5);
    lost(`${OLD}-3`, 'shop', 3);
    lost('production', 'shop', 5);
    await look('db');
    expect(rds.deleted).toEqual([`${OLD}-1`]);
  });

  test('stops no test when nobody may look for it', async () => {
    rds.restored(NAME);
    rds.denied.add('instances');
    expect(await look('db')).toMatchObject({ level: 'content' });
  });
});

test('the name of an added instance is one that RDS takes, and begins like that of its cluster', () => {
  expect(nameOfAdded(NAME)).toBe(ADDED);
  const longest = `awsbackup-restore-test-${'a'.repeat(37)}-ab`;
  expect(nameOfAdded(longest)).toMatch(/^awsbackup-restore-test-(?!.*--)[a-z0-9-]{1,39}[a-z0-9]$/);
});

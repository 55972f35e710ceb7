// The database that a dump is tried out in: like the one that was backed up, as far as this machine can make it so.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DatabaseFacts } from '../../../../lib/format/manifest.ts';
import {
  SCRATCH_DATABASE,
  ScratchDatabase,
} from '../../../../lib/sources/postgres/proof/scratch-database.ts';
import { ScratchServer } from '../../../../lib/sources/postgres/server/scratch.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findServer, type Server } from '../../../../lib/sources/postgres/server/tools.ts';
import { MACHINE } from '../../../support/postgres.ts';

let tools: Server;
let server: ScratchServer;
beforeAll(async () => {
  tools = await findServer(MACHINE, 15);
  server = await ScratchServer.start({
    machine: MACHINE,
    tools,
    parent: '/tmp',
    signal: undefined,
  });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function made(settings: DatabaseFacts['settings']): Promise<ScratchDatabase> {
  const facts: DatabaseFacts = {
    ...{ serverVersion: '15.18', clientVersion: '15.18', extensions: {}, roles: [], rows: {} },
    ...{ newest: {}, counts: {}, sequences: {}, settings },
    selection: { schemas: [], excludeSchemas: [], tables: [], excludeTables: [] },
  };
  const database = await ScratchDatabase.create({
    ...{ machine: MACHINE, server, tools, facts, signal: undefined },
  });
  return database;
}

async function ask(database: ScratchDatabase, sql: string): Promise<string> {
  await using session = new DatabaseSession({
    ...{ ...database.at(tools), signal: undefined, failure: 'COMMAND_FAILED' },
  });
  return await session.ask(sql);
}

const PROPERTIES = `SELECT pg_encoding_to_char(encoding) || ' ' || datcollate || ' ' || datlocprovider::text FROM pg_database WHERE datname = current_database()`;
const again = async () => {
  await using session = new DatabaseSession({
    ...{ machine: MACHINE, tools, connection: server.connection('postgres') },
    ...{ confinement: server.confinement, signal: undefined, failure: 'COMMAND_FAILED' },
  });
  await session.ask(`DROP DATABASE IF EXISTS ${SCRATCH_DATABASE} WITH (FORCE)`);
};

test('has the encoding, the locale and the settings of the original', async () => {
  await again();
  const database = await made({
    ...{ encoding: 'LATIN1', collate: 'C', ctype: 'C', provider: 'i', locale: 'de-DE' },
    'session.bytea_output': 'escape',
    'tablespace.far away': 'used',
  });
  expect(database.lacks).toEqual([]);
  expect(await ask(database, PROPERTIES)).toBe('LATIN1 C i');
  expect(await ask(database, 'SHOW bytea_output')).toBe('escape');
  expect(await ask(database, `SELECT count(*) FROM pg_tablespace WHERE spcname = 'far away'`)).toBe(
    '1',
  );
});

test('has the nearest that there is, and says what is lacking', async () => {
  await again();
  const database = await made({
    ...{ encoding: 'UTF8', collate: 'xx_XX.UTF-8', ctype: 'xx_XX.UTF-8' },
    'session.lc_monetary': 'xx_XX.UTF-8',
  });
  expect(database.lacks).toEqual([
    {
      what: 'lc_monetary xx_XX.UTF-8',
      detail: expect.stringContaining('this server refuses it'),
      setting: 'lc_monetary',
    },
    { what: 'locale xx_XX.UTF-8', detail: expect.stringContaining('sorts by C') },
  ]);
  expect(await ask(database, PROPERTIES)).toBe('UTF8 C c');
});

test('made anew it is empty, has what it had, and lacks nothing twice', async () => {
  await again();
  const database = await made({ encoding: 'UTF8', collate: 'xx_XX', ctype: 'xx_XX' });
  await ask(
    database,
    "CREATE TABLE public.t (); CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = 'kept')",
  );
  await database.renew();
  expect(await ask(database, "SELECT count(*) FROM pg_class WHERE relname = 't'")).toBe('0');
  expect(await ask(database, PROPERTIES)).toBe('UTF8 C c');
  expect(database.lacks.map(({ what }) => what)).toEqual(['locale xx_XX']);
});

// What is told of a dump besides its text: what pg_dump warns of, what an older server does not know, and under what it was made.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBackup } from '../../../../lib/engine/catalog/backups.ts';
import {
  isOfSurroundings,
  pinned,
  readSurroundings,
  surroundingsOf,
} from '../../../../lib/sources/postgres/dump/surroundings.ts';
import { dumpText } from '../../../../lib/sources/postgres/dump/reader.ts';
import { unknownSettings } from '../../../../lib/sources/postgres/dump/unknown-settings.ts';
import { warningsOf } from '../../../../lib/sources/postgres/dump/warnings.ts';
import {
  parseConnection,
  type Connection,
} from '../../../../lib/sources/postgres/server/connection.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import {
  MACHINE,
  plainUser,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ settings: { datestyle: 'German', bytea_output: 'escape' } });
  server.create('app', { empty: true });
  server.sql('app', 'CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t, "odd name" text)');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function sessionOf(
  change = (connection: Connection) => connection,
): Promise<DatabaseSession> {
  const connection = change(parseConnection(server.url('app'), 'env:X'));
  const tools = await findTools(MACHINE);
  return new DatabaseSession({
    ...{ machine: MACHINE, tools, connection, signal: undefined, failure: 'SOURCE_UNREADABLE' },
  });
}

describe('what pg_dump warns of', () => {
  test('is one note with all that it says of it', () => {
    const { stderr } = spawnSync(
      path.join(server.binaries, 'pg_dump'),
      ['--data-only', server.url('app')],
      { encoding: 'utf8' },
    );
    const [first, ...more] = warningsOf(stderr);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ code: 'pg-dump-warns', tolerated: true });
    expect(first?.detail).toMatch(
      /^pg_dump warns: there are circular foreign-key constraints .*; t; /,
    );
  });

  test('is told once, by its beginning, and at most fifty times', () => {
    const lines = Array.from(
      { length: 60 },
      (_, i) => `pg_dump: warning: ${i} ${'x'.repeat(2000)}`,
    );
    const found = warningsOf([...lines, ...lines, 'pg_dump: hint: none'].join('\n'));
    expect(found).toHaveLength(50);
    expect(found[0]?.detail).toHaveLength('pg_dump warns: '.length + 1000);
  });

  test('is nothing where it says other things', () => {
    expect(
      warningsOf('pg_dump: hint: a hint of nothing\npg_dump: last built-in OID is 16383\n'),
    ).toEqual([]);
  });
});

test('what a newer pg_dump sets and the server does not know is found where the dump begins, and nowhere else', async () => {
  const scene = new DatabaseScene();
  const made = await scene.backUp(server.url('app'));
  const { database } = made.manifest;
  if (database === undefined) throw new Error('no facts');
  const text = (await scene.textOf(made)).replace(
    'SET lock_timeout = 0;\n',
    'SET lock_timeout = 0;\nSET nowhere_timeout = 0;\nSET nowhere = 0;\n',
  );
  const forged = await scene.forge(text, database);
  const backup = await openBackup(scene.engine, forged.source, forged.id);
  await using session = await sessionOf();
  const { pool } = scene.engine;
  const found = await unknownSettings(backup, session, (range) =>
    dumpText(backup, { pool, signal: undefined, range }),
  );
  expect([...found]).toEqual(['nowhere_timeout']);
});

describe('the surroundings of a dump', () => {
  test('are read, recorded among the settings, and found there again', async () => {
    const folder = fs.mkdtempSync('/tmp/holdfast-tablespace-');
    const user = plainUser();
    if (user !== undefined) fs.chownSync(folder, user.uid, user.gid);
    server.sql('app', `CREATE TABLESPACE "a b" LOCATION '${folder}'`);
    server.sql('app', 'CREATE TABLE elsewhere () TABLESPACE "a b"');
    await using session = await sessionOf();
    const read = await readSurroundings(session);
    expect(Object.keys(read).filter((name) => !isOfSurroundings(name))).toEqual([]);
    expect(surroundingsOf({ ...read, encoding: 'UTF8' })).toEqual({
      superuser: 'postgres',
      standby: false,
      tablespaces: ['a b'],
      session: expect.objectContaining({
        bytea_output: 'escape',
        DateStyle: 'German, DMY',
        TimeZone: 'UTC',
      }),
    });
    server.sql('app', 'DROP TABLE elsewhere');
    server.sql('app', 'DROP TABLESPACE "a b"');
    fs.rmSync(folder, { recursive: true });
  });

  test('are pinned where a variable of libpq does it, whatever the server has', async () => {
    await using session = await sessionOf(pinned);
    const { session: read } = surroundingsOf(await readSurroundings(session));
    expect(read).toMatchObject({ DateStyle: 'ISO, DMY', TimeZone: 'UTC', bytea_output: 'escape' });
  });

  test('are none where nothing was recorded', () => {
    const none = { superuser: undefined, standby: false, tablespaces: [], session: {} };
    expect(surroundingsOf({ encoding: 'UTF8' })).toEqual(none);
  });
});

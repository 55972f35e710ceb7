// What a server lacks is found before anything is saved or changed on it, and named with what to do.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { plainUser, startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let bare: PostgresServer;
let scene: DatabaseScene;
let databases = 0;

beforeAll(async () => {
  [server, bare] = await Promise.all([startPostgres(), startPostgres()]);
  scene = new DatabaseScene();
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), bare[Symbol.asyncDispose]()]);
});

function databaseOf(sql: string, on = server): string {
  const name = `needs_${databases++}`;
  on.create(name, { empty: true });
  on.sql(name, sql);
  return name;
}

function restore(made: BackupResult, target: string, changes: Partial<ServiceRestoreOptions> = {}) {
  scene.clock.advance(5000);
  return restoreToService(scene.engine, made, {
    ...{ target, targetFrom: 'env:TARGET', parts: [], checks: [], replace: false, prepare: false },
    ...changes,
  });
}

/** A backup whose dump names something else, which no server has. */
async function otherwise(sql: string, has: string, lacks: string): Promise<BackupResult> {
  const made = await scene.backUp(server.url(databaseOf(`CREATE TABLE filled (); ${sql}`)));
  const text = await scene.textOf(made);
  expect(text).toContain(has);
  const facts = made.manifest.database;
  if (facts === undefined) throw new Error('no facts');
  return scene.forge(text.replaceAll(has, lacks), facts);
}

const PRECIOUS = 'CREATE TABLE precious AS SELECT 1 AS id';

/** Refused before the safety backup, with nothing changed. */
async function expectRefused(
  made: BackupResult,
  what: RegExp,
  todo: RegExp,
  changes: Partial<ServiceRestoreOptions> = {},
): Promise<void> {
  const name = databaseOf(PRECIOUS, bare);
  const [before, stored] = [
    bare.run('pg_dump', ['--restrict-key=x', name]).toString(),
    scene.stored.length,
  ];
  const { code, message, hint } = await failureOf(
    restore(made, bare.url(name), { replace: true, ...changes }),
  );
  expect({ code, message, hint }).toEqual({
    code: 'TARGET_REFUSED',
    message: expect.stringMatching(what),
    hint: expect.stringMatching(todo),
  });
  expect(scene.stored).toHaveLength(stored);
  expect(bare.run('pg_dump', ['--restrict-key=x', name]).toString()).toBe(before);
}

const LACKING: readonly [string, { sql: string; has: string; lacks: string; said: RegExp }][] = [
  [
    'an extension',
    {
      sql: 'CREATE EXTENSION citext',
      has: 'citext',
      lacks: 'absent_one',
      said: /the extension absent_one \(.*not available/,
    },
  ],
  [
    'the locale of a collation',
    {
      sql: `CREATE COLLATION de (provider = libc, locale = 'C.utf8')`,
      has: `locale = 'C.utf8'`,
      lacks: `locale = 'xx_XX.utf8'`,
      said: /the locale of the collation de \(could not create locale "xx_XX.utf8"/,
    },
  ],
  [
    'a collation of the system',
    {
      sql: `CREATE TABLE t (name text COLLATE "C.utf8"); CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'x COLLATE "nonsense"' $$`,
      has: 'COLLATE pg_catalog."C.utf8"',
      lacks: 'COLLATE pg_catalog."xx_XX"',
      said: /dump needs: the collation xx_XX \(collation "pg_catalog.xx_XX" for encoding "UTF8" does not exist\)$/,
    },
  ],
  [
    'a library',
    {
      sql: `CREATE FUNCTION eq(internal) RETURNS internal LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'`,
      has: '$libdir/plpgsql',
      lacks: '$libdir/absent',
      said: /the library \$libdir\/absent with plpgsql_call_handler \(could not access file/,
    },
  ],
  [
    'a function in a library',
    {
      sql: `CREATE FUNCTION eq(internal) RETURNS internal LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'`,
      has: 'plpgsql_call_handler',
      lacks: 'it_s_absent',
      said: /the library \$libdir\/plpgsql with it_s_absent \(could not find function/,
    },
  ],
  [
    'a file of a dictionary',
    {
      sql: `CREATE TEXT SEARCH DICTIONARY words (template = simple, stopwords = english)`,
      has: `stopwords = 'english'`,
      lacks: `stopwords = 'absent'`,
      said: /a file of the text search dictionary words \(could not open stop-word file/,
    },
  ],
];

test.each(LACKING)(
  '%s that the server lacks is named',
  async (_what, { sql, has, lacks, said }) => {
    await expectRefused(await otherwise(sql, has, lacks), said, /^Nothing was changed\. To do: /);
  },
);

test('what the server has is no lack, whatever stands behind it in the dump', async () => {
  const each = LACKING.map(([, { sql }]) => sql.replace('FUNCTION eq', 'OR REPLACE FUNCTION eq'));
  const body = `CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT '
    LANGUAGE c
    AS ''absent'', ''absent'';' $$`;
  const name = databaseOf([...each, body].join('; ').replace('CREATE TABLE t', 'CREATE TABLE zz'));
  const { differences } = await restore(
    await scene.backUp(server.url(name)),
    bare.url(databaseOf('', bare)),
  );
  expect(differences).toEqual([]);
});

test('a tablespace that the server lacks is named, of all or of one table', async () => {
  const folder = path.join(server.folder, 'fast disk');
  fs.mkdirSync(folder);
  const user = plainUser();
  if (user !== undefined) fs.chownSync(folder, user.uid, user.gid);
  server.sql('postgres', `CREATE TABLESPACE "fast disk" LOCATION '${folder}'`);
  const sql =
    'CREATE TABLE plain (id int); CREATE TABLE t (id int PRIMARY KEY) TABLESPACE "fast disk"';
  const name = databaseOf(sql);
  const made = await scene.backUp(server.url(name));
  const lacks = /the tablespace fast disk/;
  await expectRefused(made, lacks, /CREATE TABLESPACE/);
  await expectRefused(made, lacks, /CREATE TABLESPACE/, { parts: ['t'] });
  const jobs = await scene.backUp(server.url(name), { format: 'directory', jobs: 2 });
  await expectRefused(jobs, lacks, /CREATE TABLESPACE/);
  const target = databaseOf('', bare);
  expect((await restore(made, bare.url(target), { parts: ['plain'] })).differences).toEqual([]);
});

test('what a dump in the directory format needs is asked for, too', async () => {
  const name = databaseOf('CREATE EXTENSION citext; CREATE TABLE t AS SELECT 1 AS i');
  const made = await scene.backUp(server.url(name), { format: 'directory', jobs: 2 });
  bare.sql('postgres', 'CREATE ROLE small LOGIN');
  const target = databaseOf('', bare);
  const { code, message } = await failureOf(restore(made, bare.url(target, 'small')));
  expect([code, message]).toEqual([
    'TARGET_REFUSED',
    expect.stringMatching(/the extension citext \(permission denied/),
  ]);
});

test('what the role that restores may not do is said before it begins', async () => {
  const name = databaseOf('CREATE SCHEMA s; CREATE TABLE public.t AS SELECT 1 AS i');
  const made = await scene.backUp(server.url(name));
  bare.sql('postgres', 'CREATE ROLE clerk LOGIN; CREATE ROLE boss');
  const target = databaseOf('', bare);
  const refusal = async (changes: Partial<ServiceRestoreOptions> = {}) => {
    const { code, message } = await failureOf(restore(made, bare.url(target, 'clerk'), changes));
    expect(code).toBe('TARGET_REFUSED');
    return message;
  };
  expect(await refusal()).toMatch(/^clerk may not make schemas in /);
  bare.sql(target, `GRANT CREATE ON DATABASE ${target} TO clerk`);
  expect(await refusal()).toMatch(/^clerk may not make anything in the schema public of /);
  bare.sql(target, 'GRANT ALL ON SCHEMA public TO clerk');
  expect(await refusal()).toMatch(/^clerk may not give anything to postgres, to whom it belonged/);
  const mine = { owners: false, properties: false };
  expect((await restore(made, bare.url(target, 'clerk'), mine)).differences).toEqual([]);
});

test('roles are made only by whoever may make them', async () => {
  server.sql('postgres', 'CREATE ROLE keeper');
  const name = databaseOf('CREATE TABLE t AS SELECT 1 AS i; ALTER TABLE t OWNER TO keeper');
  const made = await scene.backUp(server.url(name));
  bare.sql('postgres', 'CREATE ROLE modest LOGIN');
  const target = databaseOf('', bare);
  bare.sql(
    target,
    `GRANT ALL ON SCHEMA public TO modest; ALTER DATABASE ${target} OWNER TO modest`,
  );
  const failure = await failureOf(
    restore(made, bare.url(target, 'modest'), { prepare: true, properties: false }),
  );
  expect(failure.message).toMatch(
    /may not give anything to postgres|keeper; and the role that restores may not make them/,
  );
});

test('privileges are left out on request, and so are roles that only were granted something', async () => {
  server.sql('postgres', 'CREATE ROLE granted');
  const name = databaseOf(
    `CREATE TABLE t AS SELECT 1 AS i; GRANT SELECT ON t TO granted; GRANT CONNECT ON DATABASE needs_${databases} TO granted;
     ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO granted; COMMENT ON DATABASE needs_${databases} IS 'ours'`,
  );
  for (const changes of [{}, { format: 'directory', jobs: 2 } as const]) {
    const made = await scene.backUp(server.url(name), changes);
    await expectRefused(made, /lacks roles that the dump names: granted/, /--no-privileges/);
    for (const parts of [[], ['t']]) {
      const target = databaseOf('', bare);
      const { differences } = await restore(made, bare.url(target), { parts, privileges: false });
      expect(differences).toEqual([]);
      const dumped = bare.run('pg_dump', [target]).toString();
      expect(dumped).toContain('CREATE TABLE public.t');
      expect(dumped).not.toMatch(/GRANT|PRIVILEGES/);
      if (parts.length === 0)
        expect(
          bare.sql(
            target,
            `SELECT shobj_description(oid, 'pg_database'), datacl FROM pg_database WHERE datname = '${target}'`,
          ),
        ).toBe('ours|');
    }
  }
});

// What belongs to the database itself: recorded beside the dump, as SQL that gives it to a database of any name.
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { artifactOf } from '../../../../lib/format/manifest.ts';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import {
  parseProperties,
  printProperties,
  readProperties,
} from '../../../../lib/sources/postgres/dump/properties.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import { MACHINE, startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.sql(
    'postgres',
    `CREATE ROLE boss; CREATE ROLE guest; CREATE ROLE "odd ""role"""; CREATE ROLE nosy`,
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** A database with one table, and what else is said of it; `DB` stands for its name. */
function databaseOf(sql: string): string {
  const name = `own "${databases++}"`;
  server.run('createdb', ['--template=template0', name]);
  server.sql(name, 'CREATE TABLE t AS SELECT 1 AS i');
  server.sql(name, sql.replaceAll('DB', `"own ""${databases - 1}"""`));
  return name;
}

const EVERYTHING = `ALTER DATABASE DB OWNER TO boss; REVOKE ALL ON DATABASE DB FROM PUBLIC; REVOKE TEMPORARY ON DATABASE DB FROM boss;
  GRANT CONNECT ON DATABASE DB TO guest WITH GRANT OPTION; GRANT CREATE ON DATABASE DB TO "odd ""role""";
  ALTER DATABASE DB SET search_path TO app, "odd, ""name""", public; ALTER DATABASE DB SET timezone TO 'Europe/Lisbon';
  ALTER DATABASE DB SET "app.settings.secret" TO E'a''b\\\\c\\nd'; ALTER ROLE guest IN DATABASE DB SET work_mem TO '5MB';
  ALTER DATABASE DB CONNECTION LIMIT 7; COMMENT ON DATABASE DB IS E'It''s\\nours \\\\'`;

/** What pg_dump says of the database itself, which it does when it is told to create it. */
function described(name: string): string[] {
  const text = server.run('pg_dump', ['--create', '--schema-only', quoted(name)]).toString();
  return (
    text
      .replaceAll(`"${name.replaceAll('"', '""')}"`, 'DB')
      .split(/;\n/)
      .map((one) => one.trim())
      .filter((one) => /^(ALTER|GRANT|REVOKE|COMMENT|ALTER ROLE)\b.*\bDATABASE\b/m.test(one))
      .map((one) => one.replaceAll(/^--.*$/gm, '').trim())
      // Settings are applied in whatever order.
      .sort()
  );
}

function quoted(name: string): string {
  return `dbname='${name}'`;
}

async function textOf({ manifest }: BackupResult): Promise<string> {
  const { key, bytes } = artifactOf(manifest, 'properties');
  return zlib.gunzipSync(await scene.store.read(key, 0, bytes)).toString();
}

function apply(text: string, name: string): void {
  server.run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', quoted(name)], text);
}

function urlOf(name: string): string {
  return server.url(encodeURIComponent(name));
}

test('owner, privileges, settings, connection limit and comment are recorded, and psql gives them to another database', async () => {
  const name = databaseOf(EVERYTHING);
  const made = await scene.backUp(urlOf(name));
  const other = databaseOf('');
  apply(await textOf(made), other);
  expect(described(name).length).toBeGreaterThan(8);
  expect(described(other)).toEqual(described(name));
  expect(made.manifest.database?.roles).toEqual(
    expect.arrayContaining(['boss', 'guest', 'odd "role"']),
  );
});

test('a manifest holds no value of a setting, which may be a secret', async () => {
  const name = databaseOf(`ALTER DATABASE DB SET "app.jwt_secret" TO 'canary-5b1e'`);
  const made = await scene.backUp(urlOf(name));
  expect(JSON.stringify(made.manifest)).not.toContain('canary-5b1e');
  expect(await textOf(made)).toContain('canary-5b1e');
});

test('a backup of a part of a database leaves them out', async () => {
  const made = await scene.backUp(urlOf(databaseOf(EVERYTHING)), { tables: ['t'] });
  expect(made.manifest.artifacts.map(({ role }) => role)).not.toContain('properties');
});

test('what is not kept of the database itself is noted', async () => {
  server.sql('postgres', `CREATE TABLESPACE elsewhere LOCATION '${folder()}'`);
  const name = databaseOf('');
  server.sql('postgres', `ALTER DATABASE "own ""${databases - 1}""" SET TABLESPACE elsewhere`);
  const { manifest } = await scene.backUp(urlOf(name));
  expect(manifest.problems.map(({ code, detail }) => `${code}: ${detail}`)).toContain(
    'not-kept: the database is in the tablespace elsewhere, and a restored one is where it was created',
  );
});

function folder(): string {
  server.sql('postgres', `COPY (SELECT) TO PROGRAM 'mkdir ${server.folder}/elsewhere'`);
  return `${server.folder}/elsewhere`;
}

test('values of any characters are given as they were', async () => {
  const name = databaseOf('');
  const database = `"${name.replaceAll('"', '""')}"`;
  const place = { machine: MACHINE, tools: await findTools(MACHINE) };
  const connection = parseConnection(urlOf(name), 'a test');
  const odd = fc.string({ unit: fc.constantFrom(...Array.from(`ab'"\\\n\r:;$ü ,`)), minLength: 1 });
  await fc.assert(
    fc.asyncProperty(odd, odd, async (value, comment) => {
      const e = (text: string) =>
        `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
      server.sql(
        name,
        `ALTER DATABASE ${database} SET "app.x" TO ${e(value)}; ALTER DATABASE ${database} SET search_path TO ${e(value)};
         COMMENT ON DATABASE ${database} IS ${e(comment)}`,
      );
      await using session = new DatabaseSession({
        ...{ ...place, connection, signal: undefined, failure: 'SOURCE_UNREADABLE' },
      });
      const recorded = await readProperties(session);
      const text = printProperties(recorded);
      expect(parseProperties(text)).toEqual(recorded);
      server.sql(
        name,
        `ALTER DATABASE ${database} RESET ALL; COMMENT ON DATABASE ${database} IS NULL`,
      );
      apply(text, name);
      expect(await readProperties(session)).toEqual(recorded);
    }),
    { numRuns: 10 },
  );
});

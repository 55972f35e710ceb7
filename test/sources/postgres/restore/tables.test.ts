// `--table`: exactly the table as it was, and nothing of its neighbours.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { restoreBackup } from '../../../../lib/engine/restore/to-folder.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { plainUser, startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function databaseOf(sql: string): string {
  const name = `tables_${databases++}`;
  server.create(name, { empty: true });
  server.sql(name, sql);
  return name;
}

function dumpOf(name: string): string {
  return server.run('pg_dump', ['--restrict-key=x', `--dbname=${name}`]).toString();
}

/** Backs a database up, does what is to be done to it, and restores some tables to it, or to another one. */
async function restored(
  name: string,
  parts: readonly string[],
  changes: Partial<ServiceRestoreOptions> & { harm?: string } = {},
) {
  const { harm, ...options } = changes;
  const made = await scene.backUp(server.url(name));
  if (harm !== undefined) server.sql(name, harm);
  scene.clock.advance(5000);
  return restoreToService(scene.engine, made, {
    ...{ target: server.url(name), targetFrom: 'env:TARGET', parts, checks: [] },
    ...{ replace: false, prepare: false, ...options },
  });
}

const WITH_EVERYTHING = `CREATE TABLE "t (x" (id int PRIMARY KEY, v text, n bigserial, CONSTRAINT ck CHECK (v <> ''));
  INSERT INTO "t (x" VALUES (1, 'a'); CREATE PUBLICATION p FOR TABLE "t (x"; CREATE INDEX i ON "t (x" (v);
  COMMENT ON CONSTRAINT ck ON "t (x" IS 'why'; COMMENT ON INDEX i IS 'fast'; COMMENT ON SEQUENCE "t (x_n_seq" IS 'ours';
  CREATE POLICY po ON "t (x" USING (true); COMMENT ON POLICY po ON "t (x" IS 'all'; ALTER TABLE "t (x" ENABLE ROW LEVEL SECURITY;
  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'; CREATE TRIGGER tr BEFORE INSERT OR UPDATE OF v ON "t (x" FOR EACH ROW EXECUTE FUNCTION f();
  COMMENT ON TRIGGER tr ON "t (x" IS 'x'; CREATE RULE r AS ON DELETE TO "t (x" DO ALSO NOTHING; CREATE STATISTICS st ON id, v FROM "t (x";
  COMMENT ON STATISTICS st IS 's'; ALTER TABLE "t (x" CLUSTER ON i; ALTER TABLE "t (x" REPLICA IDENTITY FULL; GRANT SELECT (v) ON "t (x" TO PUBLIC`;

test('a table is replaced with everything that belongs to it', async () => {
  const name = databaseOf(WITH_EVERYTHING);
  const before = dumpOf(name);
  const { differences, notes } = await restored(name, ['t (x'], { replace: true });
  expect([differences, notes]).toEqual([[], []]);
  expect(dumpOf(name)).toBe(before);
});

test('a table that is there is named, and what a replacement takes is said', async () => {
  const name = databaseOf(
    'CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int)',
  );
  const { code, message, hint } = await failureOf(restored(name, ['b', 'a']));
  expect(code).toBe('TARGET_REFUSED');
  expect(message).toMatch(/^the tables public\.a, public\.b exist in /);
  expect(hint).toBe(
    'With --replace, the database is backed up first; then these tables alone are replaced.',
  );
});

test('names that begin alike are told apart', async () => {
  const name = databaseOf(
    `CREATE TABLE "Order" (id int CONSTRAINT "Details x" PRIMARY KEY, n int DEFAULT 1);
     CREATE TABLE "Order Details" (id int CONSTRAINT x PRIMARY KEY, n int DEFAULT 3)`,
  );
  const before = dumpOf(name);
  const report = await restored(name, ['Order'], { harm: 'DROP TABLE "Order"' });
  expect(report.differences).toEqual([]);
  expect(dumpOf(name)).toBe(before);
});

test('names are read in the encoding of the dump', async () => {
  const name = `tables_${databases++}`;
  server.sql(
    'postgres',
    `CREATE DATABASE ${name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  server.sql(
    name,
    `SET client_encoding = 'UTF8'; CREATE TABLE "café" (id int PRIMARY KEY, "größe" text);
     INSERT INTO "café" VALUES (1, 'é'); CREATE TABLE other (id int)`,
  );
  const before = dumpOf(name);
  const report = await restored(name, ['café'], {
    replace: true,
  });
  expect(report.differences).toEqual([]);
  expect(dumpOf(name)).toBe(before);
});

test('a typed table is restored, and each table in its own access method', async () => {
  const name = databaseOf(
    `CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler; CREATE TYPE ty AS (id int, v text);
     CREATE TABLE a (id int); CREATE TABLE b (id int) USING heap2; CREATE TABLE c OF ty (PRIMARY KEY (id)); CREATE TABLE d (id int) USING heap2`,
  );
  const before = dumpOf(name);
  const harm = 'DROP TABLE a, b, c';
  const report = await restored(name, ['c', 'b', 'a'], { harm });
  expect(report.differences).toEqual([]);
  expect(dumpOf(name)).toBe(before);
});

test('what PostgreSQL words otherwise, and times in the zone of the target, are no difference', async () => {
  const name = databaseOf(
    `CREATE TABLE e (at timestamptz, note varchar CHECK (note IN ('gift', 'it''s', 'rush'))) PARTITION BY RANGE (at);
     CREATE TABLE e10 PARTITION OF e FOR VALUES FROM ('2026-10-01 00:00:00+02') TO ('2026-11-01 00:00:00+01'); INSERT INTO e VALUES ('2026-10-05', 'gift')`,
  );
  server.sql('postgres', `ALTER DATABASE ${name} SET TimeZone TO 'Europe/Berlin'`);
  const { differences, notes } = await restored(name, ['e'], { replace: true });
  expect([differences, notes]).toEqual([[], []]);
});

const PARTITIONED = `CREATE TABLE e (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE e1 PARTITION OF e FOR VALUES FROM (1) TO (2); CREATE TABLE e2 PARTITION OF e FOR VALUES FROM (2) TO (3);
  INSERT INTO e VALUES (1, 1), (2, 2)`;

test('a partition of a table with a key goes back into its living parent', async () => {
  const name = databaseOf(PARTITIONED);
  const before = dumpOf(name);
  const report = await restored(name, ['e1'], { harm: 'DROP TABLE e1' });
  expect(report.differences).toEqual([]);
  expect(dumpOf(name)).toBe(before);
});

test('a partition becomes a table of its own where its parent is not, and that is said', async () => {
  const target = databaseOf('');
  const report = await restored(databaseOf(PARTITIONED), ['e1'], { target: server.url(target) });
  expect(report.differences).toEqual([]);
  expect(report.notes.map(({ path }) => path)).toEqual([
    'TABLE ATTACH public.e1',
    'INDEX ATTACH public.e1_pkey',
  ]);
  expect(server.sql(target, 'SELECT * FROM e1')).toBe('1|1');
});

test('what depends on a table is named before it is replaced, and nothing is changed', async () => {
  const name = databaseOf(
    'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int REFERENCES t); CREATE VIEW v AS SELECT id FROM t',
  );
  const before = dumpOf(name);
  const { code, message, hint } = await failureOf(restored(name, ['t'], { replace: true }));
  expect(code).toBe('TARGET_REFUSED');
  expect(hint).toContain('docs/runbook.md, "A table that others refer to"');
  expect(message).toMatch(
    /constraint u_id_fkey on table public.u depends on table public.t; view public.v depends/,
  );
  expect(dumpOf(name)).toBe(before);
});

/** A tablespace of this server; its name has to be quoted. */
function tablespace(): string {
  const name = `Fast ${databases}`;
  const folder = path.join(server.folder, name);
  fs.mkdirSync(folder);
  const user = plainUser();
  if (user !== undefined) fs.chownSync(folder, user.uid, user.gid);
  server.sql('postgres', `CREATE TABLESPACE "${name}" LOCATION '${folder}'`);
  return name;
}

test('each table and each index comes back in its own tablespace, also from a directory', async () => {
  const fast = tablespace();
  const name = databaseOf(
    `CREATE TABLE a (id int); CREATE TABLE b (id int PRIMARY KEY USING INDEX TABLESPACE "${fast}", v int) TABLESPACE "${fast}";
     CREATE INDEX bi ON b (v); CREATE TABLE c (id int PRIMARY KEY, v int); CREATE INDEX ci ON c (v) TABLESPACE "${fast}"; CREATE TABLE d (id int)`,
  );
  const before = dumpOf(name);
  for (const one of ['a', 'b', 'c', 'd']) {
    for (const format of [{}, { format: 'directory', jobs: 2 } as const]) {
      const made = await scene.backUp(server.url(name), format);
      server.sql(name, `DROP TABLE ${one}`);
      scene.clock.advance(5000);
      const { differences } = await restoreToService(scene.engine, made, {
        ...{ target: server.url(name), targetFrom: 'env:TARGET', parts: [one], checks: [] },
        ...{ replace: false, prepare: false },
      });
      expect(differences).toEqual([]);
      expect(dumpOf(name)).toBe(before);
    }
  }
});

test('an heir comes back below its living parents, and a parent alone is one without heirs', async () => {
  const name = databaseOf(
    `CREATE TABLE p (id int, CONSTRAINT ck CHECK (id > 0)); CREATE TABLE q (w text DEFAULT 'q'); CREATE TABLE h (v int) INHERITS (p, q);
     INSERT INTO p VALUES (1); INSERT INTO h VALUES (2, 'x', 3)`,
  );
  const before = dumpOf(name);
  expect((await restored(name, ['h'], { harm: 'DROP TABLE h' })).differences).toEqual([]);
  expect(dumpOf(name)).toBe(before);
  const alone = databaseOf('');
  const refused = await failureOf(restored(name, ['h'], { target: server.url(alone) }));
  expect(refused.code).toBe('TARGET_REFUSED');
  expect(refused.message).toContain('the table public.p, from which one inherits');
  await restored(name, ['p'], { target: server.url(alone) });
  expect(server.sql(alone, 'SELECT * FROM p')).toBe('1');
});

test('objects that are restored to a file are made under their own settings', async () => {
  const fast = tablespace();
  const name = databaseOf(
    `CREATE TABLE a (id int); CREATE TABLE b (id int) TABLESPACE "${fast}"; CREATE TABLE c (id int)`,
  );
  const made = await scene.backUp(server.url(name));
  const folder = fs.mkdtempSync('/tmp/holdfast-objects-');
  try {
    for (const one of ['a', 'b', 'c']) {
      const to = path.join(folder, one);
      const paths = [`public/TABLE/${one}`];
      const { differences } = await restoreBackup(scene.engine, made, {
        ...{ paths, to, owners: 'aside', verify: true, skipDamaged: false },
        ...{ commands: [], environment: {} },
      });
      expect(differences).toEqual([]);
      const target = databaseOf('');
      server.sql(target, fs.readFileSync(path.join(to, 'dump.sql'), 'utf8'));
      const where =
        'SELECT relname, (SELECT spcname FROM pg_tablespace t WHERE t.oid = reltablespace) FROM pg_class';
      expect(server.sql(target, `${where} WHERE relnamespace = 'public'::regnamespace`)).toBe(
        `${one}|${one === 'b' ? fast : ''}`,
      );
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

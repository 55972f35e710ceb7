// Parts of a database, chosen by tables: what is named is backed up whole, what is left out is missed by no comparison, and what cannot
// be proven without it is not called damaged.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openBackup } from '../../../../lib/engine/catalog/backups.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { compareFacts } from '../../../../lib/sources/postgres/proof/compare-facts.ts';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import type { PostgresOptions } from '../../../../lib/sources/postgres/dump/read.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import { MACHINE, startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
  scene = new DatabaseScene();
});

let databases = 0;

/** A database of its own with this in it. */
function databaseOf(sql: string): string {
  const name = `selection_${databases++}`;
  server.create(name, { empty: true });
  server.sql(name, sql);
  return server.url(name);
}

async function tested(url: string, changes: Partial<PostgresOptions>) {
  const made = await scene.backUp(url, changes);
  const { verdict, problems } = await restoreTest(scene.engine, made);
  return { made, verdict, problems };
}

const PROVEN = { verdict: 'proven', problems: [] };

describe('a partitioned table', () => {
  const EVENTS = `CREATE TABLE x AS SELECT 1 AS i;
    CREATE TABLE events (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE "events 2026" PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
    CREATE TABLE events_rest PARTITION OF "events 2026" DEFAULT;
    INSERT INTO events SELECT i, '2025-07-01'::date + i FROM generate_series(1, 300) i`;

  test('that is named is backed up with its partitions, and theirs', async () => {
    const { made, ...found } = await tested(databaseOf(EVENTS), { tables: ['public.x', 'events'] });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.database?.rows).toEqual({
      'public.events_2025': 183,
      'public.events_rest': 117,
      'public.x': 1,
    });
    expect((await scene.textOf(made)).match(/^\d+\t202[56]-/gm)).toHaveLength(300);
  });

  test('that is left out takes its partitions with it', async () => {
    const { made, ...found } = await tested(databaseOf(EVENTS), { excludeTables: ['events'] });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.database?.rows).toEqual({ 'public.x': 1 });
    expect(await scene.textOf(made)).not.toContain('events');
  });

  test('is backed up without those that are left out', async () => {
    const { made, ...found } = await tested(databaseOf(EVENTS), {
      tables: ['events'],
      excludeTables: ['events 2026'],
    });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.database?.rows).toEqual({ 'public.events_2025': 183 });
  });
});

test('a table that others inherit from is backed up with them', async () => {
  const url = databaseOf(
    `CREATE TABLE people (name text); CREATE TABLE staff (wage int) INHERITS (people); CREATE TABLE x (i int);
     INSERT INTO people VALUES ('a'); INSERT INTO staff VALUES ('b', 1), ('c', 2)`,
  );
  const { made, ...found } = await tested(url, { tables: ['people'] });
  expect(found).toEqual(PROVEN);
  expect(made.manifest.database?.rows).toEqual({ 'public.people': 1, 'public.staff': 2 });
});

test('indexes of a table that is left out are not expected', async () => {
  const url = databaseOf(
    `CREATE TABLE x (id int PRIMARY KEY, at date); CREATE INDEX ON x (at, id); CREATE TABLE kept (id int PRIMARY KEY, n int UNIQUE);
     CREATE MATERIALIZED VIEW seen AS SELECT * FROM kept; CREATE INDEX ON seen (n); INSERT INTO kept VALUES (1, 2)`,
  );
  const { made, ...found } = await tested(url, { excludeTables: ['x'] });
  expect(found).toEqual(PROVEN);
  expect(made.manifest.database?.counts).toMatchObject({ indexes: 3, columns: 4 });
});

test('an index that was never finished is not expected: no dump holds it', async () => {
  const url = databaseOf('CREATE TABLE x AS SELECT i / 2 AS i FROM generate_series(1, 9) i');
  const database = new URL(url).pathname.slice(1);
  expect(() =>
    server.run('psql', ['-d', database, '-c', 'CREATE UNIQUE INDEX CONCURRENTLY x_i ON x (i)']),
  ).toThrow('could not create unique index');
  expect(server.sql(database, "SELECT count(*) FROM pg_class WHERE relname = 'x_i'")).toBe('1');
  expect(await tested(url, {})).toMatchObject(PROVEN);
});

describe('sequences of tables', () => {
  const COUNTED = `CREATE TABLE t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY); CREATE TABLE x (n int GENERATED ALWAYS AS IDENTITY, m serial);
    CREATE SEQUENCE free; SELECT setval('free', 7); INSERT INTO t SELECT FROM generate_series(1, 1000); INSERT INTO x SELECT FROM generate_series(1, 5);
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO PUBLIC`;

  test('that are named go with them and are proven', async () => {
    const url = databaseOf(COUNTED);
    const { made, ...found } = await tested(url, { tables: ['t'] });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.database?.sequences).toEqual({
      'public.t_id_seq': { last: '1000', used: true },
      'public.t_n_seq': { last: '1000', used: true },
    });
  });

  test('that are left out are not expected where no dump holds them', async () => {
    const url = databaseOf(COUNTED);
    const { made, ...found } = await tested(url, { excludeTables: ['x'] });
    expect(found).toEqual(PROVEN);
    expect(Object.keys(made.manifest.database?.sequences ?? {}).sort()).toEqual([
      ...['public.free', 'public.t_id_seq', 'public.t_n_seq', 'public.x_m_seq'],
    ]);
  });

  test('stand where they stood, or that is told', async () => {
    const url = databaseOf(COUNTED);
    const made = await scene.backUp(url, { tables: ['t'] });
    const backup = await openBackup(scene.engine, made.source, made.id);
    const tools = await findTools(MACHINE);
    const connection = parseConnection(url, 'a test');
    const ask = async () => {
      const place = { machine: MACHINE, tools, connection, signal: undefined };
      await using session = new DatabaseSession({ ...place, failure: 'COMMAND_FAILED' });
      return (await compareFacts(backup, session, { sameMajor: true })).problems;
    };
    expect(await ask()).toEqual([]);
    server.sql(connection.database, "SELECT setval('t_n_seq', 1); DROP SEQUENCE t_id_seq CASCADE");
    expect((await ask()).map(({ path, detail }) => `${path}: ${detail}`)).toEqual([
      'sequence public.t_id_seq: expected last 1000, used true, found nothing',
      'sequence public.t_n_seq: expected last 1000, used true, found last 1, used true',
    ]);
  });
});

describe('what refers to what is left out is not called damaged', () => {
  const REFERS = `CREATE SCHEMA other; CREATE TABLE other.x (id int PRIMARY KEY); CREATE TABLE t (id int REFERENCES other.x);
    CREATE SCHEMA own; CREATE TABLE own.t (id int REFERENCES other.x)`;

  test.each([
    ['a table', { excludeTables: ['other.x'] }],
    ['a schema', { excludeSchemas: ['other'] }],
    ['all but a schema', { schemas: ['own'] }],
    ['all but a table', { tables: ['t'] }],
  ])('%s', async (_what, changes) => {
    const { verdict, problems } = await tested(databaseOf(REFERS), changes);
    expect(verdict).toBe('inconclusive');
    expect(problems.map(({ code }) => code)).toEqual(['refers-outside']);
    expect(problems[0]?.detail).toMatch(/(relation|schema) "other(\.x)?" does not exist/);
  });
});

test('the schema public alone is proven, though every new database has one', async () => {
  const url = databaseOf(
    'CREATE TABLE t AS SELECT 1 AS i; CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 2 AS i',
  );
  const { made, ...found } = await tested(url, { schemas: ['public'] });
  expect(found).toEqual(PROVEN);
  expect(made.manifest.database?.rows).toEqual({ 'public.t': 1 });
  const name = `selection_${databases++}`;
  server.create(name, { empty: true });
  const { differences } = await restoreToService(scene.engine, made, {
    ...{ target: server.url(name), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: false },
  });
  expect(differences).toEqual([]);
  expect(server.sql(name, 'SELECT i FROM public.t')).toBe('1');
});

describe('what is in no schema', () => {
  const BESIDE = `CREATE TABLE x AS SELECT 1 AS i; CREATE EXTENSION pg_trgm; CREATE PUBLICATION p; CREATE PUBLICATION q;
    CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER watches ON ddl_command_start EXECUTE FUNCTION watch();
    SELECT lo_from_bytea(0, 'one')`;

  test('is counted in a note where tables are taken in', async () => {
    const { made, ...found } = await tested(databaseOf(BESIDE), { tables: ['x'] });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.problems.map(({ code, detail }) => `${code}: ${detail}`)).toEqual([
      'left-out: not in this backup, which holds only some schemas or tables: 1 extension, 1 large object, 2 publications, 1 event trigger',
    ]);
    expect(made.manifest.status).toBe('complete');
  });

  test('is backed up, and not noted, where some are left out', async () => {
    const url = databaseOf(`${BESIDE}; CREATE TABLE y (i int)`);
    const { made, ...found } = await tested(url, { excludeTables: ['y'] });
    expect(found).toEqual(PROVEN);
    expect(made.manifest.problems).toEqual([]);
    expect(made.manifest.database?.counts).toMatchObject({ publications: 2, largeObjects: 1 });
  });
});

// What a load computes anew, as the database would: its own settings hold for the session that loads it, whatever the server has.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let databases = 0;

const SETTINGS = [
  "TimeZone TO 'Europe/Berlin'",
  "IntervalStyle TO 'iso_8601'",
  "app.rate TO 'é 1'",
  // Of the database itself, so a session that begins before it is made does not have it.
  "default_text_search_config TO 'public.words'",
];
const CONTENTS = `CREATE TEXT SEARCH CONFIGURATION public.words (copy = german);
  CREATE TABLE orders (id int PRIMARY KEY, at timestamptz); INSERT INTO orders VALUES (1, '2026-04-30 22:30:00+00'), (2, '2026-05-01 12:00:00+00');
  CREATE FUNCTION day_of(timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1::date::text';
  CREATE TABLE days (at timestamptz, day text GENERATED ALWAYS AS (day_of(at)) STORED); INSERT INTO days SELECT at FROM orders;
  CREATE MATERIALIZED VIEW per_day AS SELECT date_trunc('day', at)::text AS day, count(*), '1 day'::interval::text AS step,
    current_setting('app.rate', true) AS rate, to_tsvector('die Häuser')::text AS words FROM orders GROUP BY 1;
  CREATE MATERIALIZED VIEW empty AS SELECT 1 AS i WITH NO DATA`;
const HELD = 'SELECT p::text FROM per_day p UNION ALL SELECT d::text FROM days d ORDER BY 1';

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.create('live', { empty: true });
  for (const one of SETTINGS) server.sql('postgres', `ALTER DATABASE live SET ${one}`);
  server.sql('live', CONTENTS);
  server.sql('live', 'REFRESH MATERIALIZED VIEW per_day');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function target(): string {
  const name = `settings_${databases++}`;
  server.create(name, { empty: true });
  return name;
}

function restore(made: BackupResult, to: string, changes: Partial<ServiceRestoreOptions> = {}) {
  scene.clock.advance(5000);
  return restoreToService(scene.engine, made, {
    ...{ target: server.url(to), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: false, ...changes },
  });
}

test('views, generated columns and words are as under the settings of the database, however it is loaded', async () => {
  const held = server.sql('live', HELD);
  expect(held).toContain('2026-05-01 00:00:00+02",2,P1D,"é 1",');
  const plain = await scene.backUp(server.url('live'));
  const directory = await scene.backUp(server.url('live'), { format: 'directory', jobs: 2 });
  for (const [made, apart] of [
    [plain, false],
    [plain, true],
    [directory, false],
  ] as const) {
    const to = target();
    const { differences, notes } = await restore(made, to, { apart });
    expect(differences).toEqual([]);
    expect(server.sql(to, HELD)).toBe(held);
    expect(notes).toEqual([
      {
        path: 'materialized view public.per_day',
        code: 'filled-anew',
        detail:
          'a dump does not hold their rows: filled from their queries, with TimeZone Europe/Berlin',
        tolerated: true,
      },
    ]);
  }
}, 30_000);

test('a setting that the database is to lose does not hold for what is filled', async () => {
  const before = target();
  server.sql(before, CONTENTS);
  const held = server.sql(before, HELD);
  const made = await scene.backUp(server.url(before));
  server.sql('postgres', `ALTER DATABASE ${before} SET TimeZone TO 'Asia/Tokyo'`);
  await restore(made, before, { replace: true });
  expect(server.sql(before, 'SELECT day FROM per_day ORDER BY 1')).toBe(
    '2026-04-30 00:00:00+00\n2026-05-01 00:00:00+00',
  );
  expect(held).toContain('2026-04-30 00:00:00+00');
});

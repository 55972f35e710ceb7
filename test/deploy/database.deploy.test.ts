// The database of Spark Bloom Flow on AWS, from `cdk deploy` on: the Scheduler starts the dump and the restore test of a real server, and
// a dump that fails is told. Functions are zip files here, for the local AWS runs no images: PostgreSQL is that of this machine.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LogEntry } from '../../lib/engine/log.ts';
import { Cdk } from '../support/cdk.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { Deployed, type Listed } from '../support/deployed.ts';
import { withoutRecoveryPoints, withoutSinks } from '../support/examples.ts';
import { leapBefore } from '../support/leap.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { storyStart } from '../support/story-start.ts';
import { until } from '../support/until.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../examples/spark-bloom-flow/holdfast.yaml', import.meta.url),
);
const SYSTEM = 'spark-bloom-flow';
const DATABASE = 'spark';

let aws: MiniStack;
let place: Place;
let cdk: Cdk;
let server: PostgresServer;
let system: Deployed;

beforeAll(async () => {
  aws = await startMiniStack({ region: 'eu-central-1', enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  server = await startPostgres();
  server.create(DATABASE, { empty: true });
  server.sql(
    DATABASE,
    `CREATE TABLE tasks (id bigserial PRIMARY KEY, title text NOT NULL, updated_at timestamptz NOT NULL);
     CREATE POLICY own ON tasks USING (title <> '');
     INSERT INTO tasks (title, updated_at) SELECT 'task ' || i, '${aws.now().toISOString()}' FROM generate_series(1, 2000) i`,
  );
  const config = join(place.site, 'holdfast.yaml');
  writeFileSync(config, configuration());
  await Promise.all([cdk.bootstrap(), keepConnection()]);
  const { outputs } = await cdk.deploy(config);
  system = new Deployed(SYSTEM, { aws, place });
  await system.subscribe(outputs?.['Topic'] ?? '');
}, 600_000);

afterAll(async () => {
  await aws.stop();
  await server[Symbol.asyncDispose]();
  await cdk.remove();
  await place.remove();
}, 60_000);

/** The example with its database alone, in functions that need no Docker. */
function configuration(): string {
  const example = withoutSinks(withoutRecoveryPoints(readFileSync(EXAMPLE, 'utf8')));
  const [database = ''] = /^ {2}database:\n(?: {4}.*\n)+/m.exec(example) ?? [];
  expect(database).toContain('schedule: 0 2 * * *');
  const alone = example.replace(/^sources:\n[^]*?(?=^\S)/m, `sources:\n${database}\n`);
  return alone.replace(
    'databases: { package: image, postgres: 17 }',
    'databases: { package: zip }',
  );
}

async function keepConnection(): Promise<void> {
  await new SecretsManagerClient(aws.client).send(
    new CreateSecretCommand({ Name: `${SYSTEM}/database`, SecretString: server.tcpUrl(DATABASE) }),
  );
}

const MONDAY = (day: Date) => day.getUTCDay() === 1;
const ANY_DAY = () => true;

async function dumpOf(time: Date): Promise<Listed | undefined> {
  const id = `${time.toISOString().replaceAll(/[-:.]/g, '')}-schedule`;
  return (await system.list('database')).find((one) => one.id === id);
}

let dumped: Listed;

test('the Scheduler starts the dump at 02:00 UTC, and its manifest starts the proof', async () => {
  await until('freshness has looked at the store', () =>
    system.metric('RecoveryPointAgeSeconds', 'database'),
  );
  const time = await leapBefore(aws, '2:00', MONDAY);
  dumped = await until('the dump of 02:00 is proven', async () => {
    const found = await dumpOf(time);
    return found?.good === true ? found : undefined;
  });
  expect(dumped).toMatchObject({ standing: 'good', status: 'complete', problemCount: 0 });
  expect(dumped.why).toContain('proven by verify');
  expect(dumped.artifacts.map(({ role }) => role).sort()).toEqual([
    ...['dump', 'globals', 'index', 'properties'],
  ]);
}, 150_000);

test('the Scheduler starts the restore test, which finds the facts of the dump in what it restored', async () => {
  await leapBefore(aws, '6:00', MONDAY);
  const tested = await until('a restore test has come to a verdict', async () => {
    const { stdout } = await system.run('log', 'database', '--json');
    const { entries } = JSON.parse(stdout) as { entries: LogEntry[] };
    return entries.find(({ verb }) => verb === 'restore-test');
  });
  expect(tested).toMatchObject({ subject: dumped.id, verdict: 'proven' });
  const { Body } = await new S3Client(aws.client).send(
    new GetObjectCommand({ Bucket: `${SYSTEM}-backups`, Key: tested.key }),
  );
  const facts = (await Body?.transformToString()) ?? '';
  expect(facts).toContain('"check":"SELECT count(*) > 0 FROM public.tasks","passed":true');
  expect(facts).toContain('"public.tasks.updated_at"');
}, 150_000);

test('a pipeline waits for a dump that is proven', async () => {
  const { exit, stdout, stderr } = await system.run('trigger', 'database', '--wait', '--json');
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'made',
    status: 'complete',
    standing: 'good',
  });
}, 120_000);

test('what was dumped is restored to another database, and everything is there', async () => {
  server.create('restored', { empty: true });
  const to = server.url('restored');
  const { exit, stderr } = await system.run('restore', 'database/latest', '--to', to);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: expect.not.stringContaining('error') });
  const asked = 'SELECT count(*), max(title), (SELECT count(*) FROM pg_policies) FROM tasks';
  expect(server.sql('restored', asked)).toBe(server.sql(DATABASE, asked));
}, 120_000);

test('a dump that fails raises the alarm, and people are told why that matters', async () => {
  await until('the alarm is OK', async () =>
    (await system.alarms())['database/failed'] === 'OK' ? true : undefined,
  );
  server.sql('postgres', `ALTER DATABASE ${DATABASE} RENAME TO moved`);
  const broken = aws.now();
  await leapBefore(aws, '2:00', ANY_DAY);
  await until('the alarm goes off', async () =>
    (await system.alarms())['database/failed'] === 'ALARM' ? true : undefined,
  );
  const message = await until('people are told', () =>
    system.alarmMessage('database/failed', broken),
  );
  expect(message.text).toContain('ALARM: database: the last run failed');
  expect(message.text).toContain('holdfast log database --failed');
  const { stdout } = await system.run('log', 'database', '--failed');
  expect(stdout).toContain('does not exist');
}, 180_000);

test('no function has logged the password, and none was refused what it needs', () => {
  const log = aws.log();
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)])
    expect(log.includes(secret)).toBe(false);
  const refused = log.match(/^refused: .*$/gm) ?? [];
  expect(refused.filter((line) => !line.includes('RequestTimeTooSkewed'))).toEqual([]);
});

// The database of Spark Bloom Flow on AWS, from `cdk deploy` on: the Scheduler starts the dump and the restore test of a real server, and
// a dump that fails is told until somebody acts, by the steps of the example. Functions are zip files here, for the local AWS runs no images: PostgreSQL is that of this machine.
import { generateKeyPairSync } from 'node:crypto';
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
import { withoutRecoveryPoints } from '../support/examples.ts';
import { leapBefore, untilStarted } from '../support/leap.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { startSmtp, type SmallSmtp } from '../support/small-smtp.ts';
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
let smtp: SmallSmtp;
let receiver: Receiver;

beforeAll(async () => {
  aws = await startMiniStack({ region: 'eu-central-1', enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  [server, smtp, receiver] = await Promise.all([startPostgres(), startSmtp(), startReceiver()]);
  server.create(DATABASE, { empty: true });
  server.sql(
    DATABASE,
    `CREATE TABLE tasks (id bigserial PRIMARY KEY, title text NOT NULL, updated_at timestamptz NOT NULL);
     CREATE POLICY own ON tasks USING (title <> '');
     INSERT INTO tasks (title, updated_at) SELECT 'task ' || i, '${aws.now().toISOString()}' FROM generate_series(1, 2000) i`,
  );
  const config = join(place.site, 'holdfast.yaml');
  writeFileSync(config, configuration());
  await Promise.all([cdk.bootstrap(), keepSecrets()]);
  const { outputs } = await cdk.deploy(config);
  const RESPONDER_KEY = responder.privateKey;
  system = new Deployed(SYSTEM, { aws: { ...aws, env: { ...aws.env, RESPONDER_KEY } }, place });
  await system.subscribe(outputs?.['Topic'] ?? '');
}, 600_000);

afterAll(async () => {
  await aws.stop();
  for (const one of [server, smtp, receiver]) await one[Symbol.asyncDispose]();
  await cdk.remove();
  await place.remove();
}, 60_000);

/** The example with its database alone, in functions that need no Docker. */
function configuration(): string {
  const example = withoutRecoveryPoints(readFileSync(EXAMPLE, 'utf8'));
  const [database = ''] = /^ {2}database:\n(?: {4}.*\n)+/m.exec(example) ?? [];
  expect(database).toContain('schedule: 0 2 * * *');
  const alone = example.replace(/^sources:\n[^]*?(?=^\S)/m, `sources:\n${database}\n`);
  const { publicKey } = responder;
  const local = alone
    .replace('databases: { package: image, postgres: 17 }', 'databases: { package: zip }')
    .replace(
      /pager: .*/,
      `pager: { kind: webhook, url: 'secret:${SYSTEM}/pager', secret: 'secret:${SYSTEM}/pager-secret' }`,
    );
  expect(local).toContain('kind: webhook');
  // Whoever is on call, at a machine.
  return `${local}
signing: { key: 'env:RESPONDER_KEY' }
trust:
  - name: on-call
    publicKey: ${publicKey.toString('base64')}
    prefixes: [incidents/]
    events: [acknowledged, noted, resolved]
`;
}

const responder = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'der' },
});
const HOOK_SECRET = 'never-in-a-log-0815';

async function keepSecrets(): Promise<void> {
  const client = new SecretsManagerClient(aws.client);
  const secrets = {
    database: server.tcpUrl(DATABASE),
    smtp: `smtp://127.0.0.1:${smtp.port}`,
    pager: `${receiver.url}/pager`,
    'pager-secret': HOOK_SECRET,
    slack: `${receiver.url}/chat`,
  };
  for (const [name, SecretString] of Object.entries(secrets))
    await client.send(new CreateSecretCommand({ Name: `${SYSTEM}/${name}`, SecretString }));
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

interface Shown {
  readonly resolved?: { readonly how: string };
  readonly timeline: readonly {
    readonly event: string;
    readonly text?: string;
    readonly outcome?: string;
  }[];
}

/** The number of the incident that the failed dump opens: the leaps of the clock leave out backups, and open one before it. */
let incident = '';

/** The mails about it, in the order in which they came. */
function mails(word: string) {
  const subject = new RegExp(`^Subject: .*${word}: .*, incident ${incident}\\b`, 'm');
  return incident === '' ? [] : smtp.mails.filter(({ data }) => subject.test(data));
}

function told(): string[] {
  return [...new Set(mails('ALARM').flatMap(({ to }) => to))];
}

/** The subject of the first mail about it. */
const FAILED = /^Subject: .*ALARM: database: .*, incident (\d+)/m;

const STEP_1 = ['on-call@company.com', 'devops-lead@company.com', 'infrastructure@company.com'];

test('a dump that fails is told step 1 within a minute, and by no e-mail of the stack', async () => {
  await until('the alarm is OK', async () =>
    (await system.alarms())['database/failed'] === 'OK' ? true : undefined,
  );
  server.sql('postgres', `ALTER DATABASE ${DATABASE} RENAME TO moved`);
  const broken = aws.now();
  await leapBefore(aws, '2:00', ANY_DAY);
  const before = smtp.mails.length;
  await until('step 1 is told', () => {
    const since = smtp.mails.slice(before).map(({ data }) => FAILED.exec(data));
    [, incident = ''] = since.find((one) => one !== null) ?? [];
    return Promise.resolve(STEP_1.every((one) => told().includes(one)) ? true : undefined);
  });
  expect(told().toSorted()).toEqual(STEP_1.toSorted());
  const { stdout } = await system.run('log', 'database', '--failed', '--json');
  const { entries } = JSON.parse(stdout) as { entries: LogEntry[] };
  const failed = entries.find(({ verb }) => verb === 'backup');
  expect(failed?.detail).toContain('does not exist');
  const ended = Date.parse(failed?.begin ?? '') + (failed?.durationMs ?? 0);
  const sent = Date.parse(/^Date: (.*)$/m.exec(mails('ALARM')[0]?.data ?? '')?.[1] ?? '');
  expect(sent - ended).toBeLessThan(60_000);
  expect(receiver.received.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/pager', '/chat']),
  );
  await until('the alarm goes off', async () =>
    (await system.alarms())['database/failed'] === 'ALARM' ? true : undefined,
  );
  expect(await system.alarmMessage('database/failed', broken)).toBeUndefined();
}, 180_000);

test('the dump is tried once more by itself, and the incident says what came of it', async () => {
  const tried = await until('it is tried', async () => {
    const { stdout } = await system.run('incident', 'show', incident, '--json');
    const shown = (JSON.parse(stdout) as { incident: Shown }).incident;
    return shown.timeline.find(({ event }) => event === 'tried');
  });
  expect(tried.outcome).toBe('failed');
  expect(tried.text).toMatch(/^another backup of database: .*does not exist/);
  const { stdout } = await system.run('log', 'database', '--failed', '--json');
  const { entries } = JSON.parse(stdout) as { entries: LogEntry[] };
  const runs = entries.filter(({ verb }) => verb === 'backup').map(({ subject }) => subject);
  // The same backup, by a run of its own.
  expect(runs.length).toBeGreaterThan(1);
  expect(new Set(runs).size).toBe(1);
}, 120_000);

test('nobody acknowledges: after half an hour management is told, after an hour the executives', async () => {
  for (const contact of ['engineering-management@company.com', 'executives@company.com']) {
    expect(told()).not.toContain(contact);
    await aws.leapTo(new Date(aws.now().getTime() + 30 * 60_000));
    await until(`${contact} is told`, () =>
      Promise.resolve(told().includes(contact) ? true : undefined),
    );
  }
}, 120_000);

test('an acknowledgement ends the messages, and the next proven dump the incident', async () => {
  const { exit, stderr } = await system.run('incident', 'ack', incident);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const before = mails('(ALARM|REMINDER)').length;
  // The first step repeats every ten minutes, and a word is asked for after thirty.
  const later = new Date(aws.now().getTime() + 25 * 60_000);
  await aws.leapTo(later);
  await untilStarted(aws, later);
  server.sql('postgres', `ALTER DATABASE moved RENAME TO ${DATABASE}`);
  expect((await system.run('trigger', 'database', '--wait')).exit).toBe(0);
  await until('everybody is told that it is over', () => {
    const whom = new Set(mails('resolved').flatMap(({ to }) => to));
    return Promise.resolve(told().every((one) => whom.has(one)) ? true : undefined);
  });
  expect(mails('(ALARM|REMINDER)')).toHaveLength(before);
  const { stdout } = await system.run('incident', 'show', incident, '--json');
  const { incident: shown } = JSON.parse(stdout) as { incident: Shown };
  expect(shown.resolved).toMatchObject({ how: 'proven' });
}, 180_000);

test('no function has logged the password, and none was refused what it needs', () => {
  const log = aws.log();
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), HOOK_SECRET])
    expect(log.includes(secret)).toBe(false);
  const refused = log.match(/^refused: .*$/gm) ?? [];
  expect(refused.filter((line) => !line.includes('RequestTimeTooSkewed'))).toEqual([]);
});

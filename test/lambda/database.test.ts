// The functions of databases, over a real server, a strict S3 server and keys of KMS: events that come twice, late and wrong.
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { handler as backupHandler } from '../../lambda/database-backup.ts';
import { handler as restoreTest } from '../../lambda/database-restore-test.ts';
import { handler as verify } from '../../lambda/verify.ts';
import { handler as backupOthers } from '../../lambda/backup.ts';
import { handler as testOthers } from '../../lambda/restore-test.ts';
import type { Config, PostgresSourceConfig, SourceConfig } from '../../lib/config/config.ts';
import { NO_SERVER } from '../../lib/config/load/resolve.ts';
import { machineTime } from '../support/machine-time.ts';
import { PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { captureLog, contextOf, startStage, type Setting, type Stage, madeBy } from './stage.ts';

const backup = madeBy(backupHandler);

jest.setTimeout(180_000);

let stage: Stage;
let server: PostgresServer;
let secrets: SecretsManagerClient;
const logged: string[] = [];

beforeAll(async () => {
  captureLog(logged);
  stage = await startStage();
  secrets = new SecretsManagerClient(stage.aws.client);
  server = await startPostgres();
});
afterAll(async () => {
  await (server as PostgresServer | undefined)?.[Symbol.asyncDispose]();
  await (stage as Stage | undefined)?.stop();
});
afterEach(() => {
  const text = logged.join('\n');
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(text).not.toContain(secret);
});

const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(machineTime().getTime() - ms).toISOString();
const scheduled = (at: string, source = 'database') => ({ trigger: 'schedule', source, at });
let databases = 0;

/** A database of its own, whose URL a secret holds, beside the assets of every setting. */
async function withDatabase(
  changes: Partial<PostgresSourceConfig> = {},
): Promise<{ setting: Setting; database: string }> {
  const database = `app_${(databases += 1)}`;
  server.create(database, { empty: true });
  server.sql(
    database,
    `CREATE TABLE tasks (id int PRIMARY KEY, title text, updated_at timestamptz);
     INSERT INTO tasks SELECT i, 'task ' || i, '2026-11-22 01:00+00' FROM generate_series(1, 500) i`,
  );
  await secrets.send(
    new CreateSecretCommand({ Name: `${database}/url`, SecretString: server.tcpUrl(database) }),
  );
  const setting = await stage.set({
    signer: 'database-backup',
    config: ({ sources }) => ({ sources: [...sources, sourceOf(sources, database, changes)] }),
  });
  return { setting, database };
}

function sourceOf(
  [like]: readonly SourceConfig[],
  database: string,
  changes: Partial<PostgresSourceConfig>,
): PostgresSourceConfig {
  if (like === undefined) throw new Error('a setting without a source');
  return {
    ...like,
    kind: 'postgres',
    name: 'database',
    connection: { scheme: 'secret', name: `${database}/url` },
    server: NO_SERVER,
    schemas: [],
    excludeSchemas: [],
    tables: [],
    excludeTables: [],
    binaries: undefined,
    lockWaitTimeoutSeconds: 60,
    format: 'plain',
    jobs: undefined,
    timestamps: ['public.tasks.updated_at'],
    checks: ['SELECT count(*) = 500 FROM tasks'],
    maxDatabaseBytes: 1e9,
    runOn: 'function',
    ...changes,
  };
}

async function proven(setting: Setting, at: string): Promise<string> {
  setting.become('database-backup');
  const { id } = await backup(scheduled(at), contextOf());
  setting.become('verify');
  await verify(setting.createdEvent('database', id), contextOf());
  return id;
}

describe('a scheduled dump', () => {
  test('connects by the secret that RDS makes, and by the one that it was rotated to', async () => {
    const { setting, database } = await withDatabase();
    const secretOf = (password: string) =>
      JSON.stringify({
        ...{ username: 'rotated', password, engine: 'postgres', host: '127.0.0.1' },
        ...{ port: server.port, dbname: database, dbInstanceIdentifier: 'app' },
      });
    for (const [hours, password] of [
      [2, PASSWORD],
      [1, `${PASSWORD}-%40&"'`],
    ] as const) {
      server.sql(
        database,
        `DO $$ BEGIN CREATE ROLE rotated LOGIN; GRANT pg_read_all_data TO rotated; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         ALTER ROLE rotated PASSWORD '${password.replaceAll("'", "''")}'`,
      );
      await secrets.send(
        new PutSecretValueCommand({
          SecretId: `${database}/url`,
          SecretString: secretOf(password),
        }),
      );
      setting.become('database-backup');
      expect(await backup(scheduled(ago(hours * HOUR_MS)), contextOf())).toMatchObject({
        outcome: 'made',
        status: 'complete',
      });
    }
  });

  test('is made once, however often its event comes, and is proven by another function', async () => {
    const { setting } = await withDatabase();
    const at = ago(HOUR_MS);
    const [first, second] = [
      await backup(scheduled(at), contextOf()),
      await backup(scheduled(at), contextOf()),
    ];
    expect(first).toMatchObject({ outcome: 'made', source: 'database', status: 'complete' });
    expect(second).toEqual({ ...first, outcome: 'already' });
    setting.become('verify');
    const event = setting.createdEvent('database', first.id);
    expect(await verify(event, contextOf())).toMatchObject({
      outcome: 'verified',
      verdict: 'proven',
    });
    expect(await verify(event, contextOf())).toMatchObject({ outcome: 'already' });
    expect(await setting.texts()).not.toContain(encodeURIComponent(PASSWORD));
  });

  test('that comes late gives way to the one that was made since', async () => {
    await withDatabase();
    const newer = await backup(scheduled(ago(HOUR_MS)), contextOf());
    const late = await backup(scheduled(ago(30 * HOUR_MS)), contextOf());
    expect(late).toEqual({ ...newer, outcome: 'superseded' });
  });

  test('fails by its code, leaves nothing that is listed, and is not tried again for the same event', async () => {
    const { setting, database } = await withDatabase({ timestamps: ['public.tasks.gone'] });
    const event = scheduled(ago(HOUR_MS));
    const context = contextOf({ requestId: 'one-event' });
    const failure = { name: 'SOURCE_UNREADABLE' };
    await expect(backup(event, context)).rejects.toMatchObject(failure);
    server.sql(database, 'DROP TABLE tasks');
    await expect(backup(event, context)).rejects.toMatchObject(failure);
    expect(await setting.metric('FailedRuns', 'database')).toBe(1);
    expect(await setting.texts()).not.toContain('backups/database');
  });

  test('that nears the end of its time says how it gets more', async () => {
    const { database } = await withDatabase();
    server.sql(
      database,
      'INSERT INTO tasks SELECT i, repeat(md5(i::text), 20) FROM generate_series(1000, 300000) i',
    );
    const run = backup(scheduled(ago(HOUR_MS)), contextOf({ remainingMs: 2_300 }));
    await expect(run).rejects.toMatchObject({ name: 'CANCELLED' });
    expect(logged.at(-1)).toContain('runOn: task');
  });
});

describe('a restore test', () => {
  test('loads the newest good dump into a server of its own, compares, and does so once', async () => {
    const { setting } = await withDatabase();
    const id = await proven(setting, ago(HOUR_MS));
    setting.become('database-restore-test');
    const event = { source: 'database', at: ago(HOUR_MS / 2) };
    const first = await restoreTest(event, contextOf());
    expect(first).toMatchObject({ outcome: 'tested', id, verdict: 'proven', problems: [] });
    expect(await restoreTest(event, contextOf())).toMatchObject({ outcome: 'already', id });
    expect(await setting.metric('RestoreTestAgeSeconds', 'database')).toBe(0);
    const texts = await setting.texts();
    expect(texts).toContain('"check":"SELECT count(*) = 500 FROM tasks","passed":true');
    expect(texts).toContain('"public.tasks.updated_at"');
  });

  test('finds that a restored database does not answer as it should', async () => {
    const checks = ['SELECT count(*) > 1000 FROM tasks'];
    const { setting } = await withDatabase({ checks });
    await proven(setting, ago(HOUR_MS));
    setting.become('database-restore-test');
    const report = await restoreTest({ source: 'database', at: ago(1000) }, contextOf());
    expect(report).toMatchObject({
      verdict: 'damaged',
      problems: [{ path: checks[0], code: 'check' }],
    });
    expect(await setting.metric('DamagedBackups', 'database')).toBe(1);
  });

  test('needs a backup that counts', async () => {
    const { setting } = await withDatabase();
    await backup(scheduled(ago(HOUR_MS)), contextOf());
    setting.become('database-restore-test');
    await expect(
      restoreTest({ source: 'database', at: ago(1000) }, contextOf()),
    ).rejects.toMatchObject({ name: 'BACKUP_NOT_FOUND' });
  });
});

describe('a function that is given the work of another', () => {
  test('refuses it, whichever of the two it is', async () => {
    const { setting } = await withDatabase();
    await setting.put('logo.svg', '<svg/>');
    const wrong = { name: 'CONFIG_INVALID' };
    await expect(backup(scheduled(ago(HOUR_MS), 'assets'), contextOf())).rejects.toMatchObject(
      wrong,
    );
    await expect(backupOthers(scheduled(ago(HOUR_MS)), contextOf())).rejects.toMatchObject(wrong);
    await proven(setting, ago(HOUR_MS));
    setting.become('restore-test');
    await expect(
      testOthers({ source: 'database', at: ago(1000) }, contextOf()),
    ).rejects.toMatchObject({
      name: 'FORMAT_UNSUPPORTED',
    });
  });

  test('vouches for nothing with its own key', async () => {
    const { setting } = await withDatabase();
    setting.become('backup');
    const { id } = await backup(scheduled(ago(HOUR_MS)), contextOf());
    setting.become('verify');
    const event = setting.createdEvent('database', id);
    expect(await verify(event, contextOf())).toMatchObject({ outcome: 'unusable' });
  });
});

describe('in a network', () => {
  const inside = (databaseConfig: Config): Partial<Config> => ({
    aws: databaseConfig.aws && {
      ...databaseConfig.aws,
      databases: {
        ...databaseConfig.aws.databases,
        vpc: { id: 'vpc-0a1b2c3d', subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] },
      },
    },
  });

  test('it is said which services cannot be reached, and what the network needs for that', async () => {
    const { setting } = await withDatabase();
    const other = await stage.set({
      signer: 'database-backup',
      config: (config) => ({ ...inside(config), sources: setting.config.sources }),
    });
    expect(await backup(scheduled(ago(HOUR_MS)), contextOf())).toMatchObject({ outcome: 'made' });
    other.become('database-backup');
    process.env['AWS_ENDPOINT_URL_KMS'] = 'http://127.0.0.1:9';
    try {
      await expect(backup(scheduled(ago(HOUR_MS)), contextOf())).rejects.toThrow(
        'from the network of this function kms cannot be reached',
      );
      expect(logged.at(-1)).toContain('an interface endpoint for KMS');
    } finally {
      delete process.env['AWS_ENDPOINT_URL_KMS'];
    }
  });
});

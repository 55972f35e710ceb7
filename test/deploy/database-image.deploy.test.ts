// The image of functions and tasks without a container engine: its root file system, its commands, its runtime and the bundle that would be
// copied into it, run as Lambda runs an image, against servers of PostgreSQL 15 and 17 and a strict S3 server.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { handler as verify } from '../../lambda/verify.ts';
import type { Config, PostgresSourceConfig } from '../../lib/config/config.ts';
import { NO_SERVER } from '../../lib/config/load/resolve.ts';
import { functionConfig } from '../../lib/config/load/function-settings.ts';
import { writeImage } from '../../lib/infra/core/functions/bundle.ts';
import type { Problem } from '../../lib/errors.ts';
import { TASK_VARIABLES, type SignerName } from '../../lib/names/aws.ts';
import {
  captureLog,
  CANARIES,
  contextOf,
  startStage,
  type Setting,
  type Stage,
} from '../lambda/stage.ts';
import {
  startContainer,
  type Container,
  type ContainerOptions,
} from '../support/function-container.ts';
import { debian13 } from '../support/debian13.ts';
import { PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { LambdaService, type Answer } from '../support/runtime-api.ts';

jest.setTimeout(300_000);
// The root file system is made once on a machine.
const SETUP_MS = 15 * 60_000;

let stage: Stage;
const servers: PostgresServer[] = [];
/** Everything that functions have printed. */
const printed: string[] = [];

beforeAll(async () => {
  captureLog(printed);
  servers.push(await startPostgres(), await startPostgres({ programs: debian13().binaries }));
  for (const server of servers) server.create('app');
  stage = await startStage();
}, SETUP_MS);
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
  for (const server of servers) await server[Symbol.asyncDispose]();
});
afterEach(() => {
  for (const canary of [...Object.values(CANARIES), PASSWORD, encodeURIComponent(PASSWORD)]) {
    expect(printed.join('\n')).not.toContain(canary);
  }
});

function startedServer(index: number): PostgresServer {
  const server = servers[index];
  if (server === undefined) throw new Error('the servers were not started');
  return server;
}

let secrets = 0;

/** A store, and a database of `server` as its one source. */
async function databaseOf(
  server: PostgresServer,
  runOn: PostgresSourceConfig['runOn'] = 'function',
): Promise<Setting> {
  const name = `database-url-${(secrets += 1)}`;
  const keeper = new SecretsManagerClient(stage.aws.client);
  await keeper.send(new CreateSecretCommand({ Name: name, SecretString: server.tcpUrl('app') }));
  return stage.set({ config: (config) => ({ sources: [{ ...sourceIn(config, name), runOn }] }) });
}

function sourceIn({ sources: [some] }: Config, secret: string): PostgresSourceConfig {
  if (some?.kind !== 'bucket') throw new Error('the stage is set with a bucket');
  return {
    ...some,
    kind: 'postgres',
    name: 'database',
    connection: { scheme: 'secret', name: secret },
    server: NO_SERVER,
    schemas: [],
    excludeSchemas: [],
    tables: [],
    excludeTables: [],
    binaries: undefined,
    lockWaitTimeoutSeconds: 60,
    format: 'plain',
    jobs: undefined,
    timestamps: ['app.users.created_at'],
    checks: ['SELECT count(*) > 0 FROM app.users'],
    maxDatabaseBytes: 1 << 30,
    runOn: 'function',
  };
}

/** A container of the image for that function, in which `act` happens; what it printed is kept. */
async function inContainer<T>(
  setting: Setting,
  { name, ...options }: Omit<ContainerOptions, 'code'> & { name: SignerName },
  act: (container: Container) => Promise<T>,
): Promise<T> {
  setting.become(name);
  const variables = Object.entries(process.env).filter(([key]) => /^(?:AWS|HOLDFAST)_/.test(key));
  const image = writeImage(functionConfig(setting.config));
  const env = { ...(Object.fromEntries(variables) as Record<string, string>), ...options.env };
  await using container = startContainer({
    ...options,
    code: join(image, 'function'),
    env,
  });
  try {
    return await act(container);
  } finally {
    printed.push(container.said());
    rmSync(image, { recursive: true, force: true });
  }
}

/** What the function of that name answers to the events, one after the other, in one container. */
async function invoke(
  setting: Setting,
  name: SignerName,
  events: readonly unknown[],
): Promise<Answer[]> {
  await using service = await LambdaService.start();
  const env = {
    AWS_LAMBDA_RUNTIME_API: service.host,
    AWS_LAMBDA_FUNCTION_NAME: `holdfast-example-${name}`,
  };
  const command = [`${name}.handler`];
  return await inContainer(setting, { name, env, command }, async ({ ended, said }) => {
    const failed = ended.then((code) => {
      throw new Error(`the function ended with ${code}: ${said()}`);
    });
    // It ends in any case, once the test is over.
    failed.catch(() => undefined);
    const answers: Answer[] = [];
    for (const event of events) {
      answers.push(await Promise.race([service.invoke(event, { remainingMs: 240_000 }), failed]));
    }
    return answers;
  });
}

const AT = '2026-11-22T02:00:00Z';

describe.each([
  // Of an older server it is noted that the dump is by a newer pg_dump.
  [15, 0, 1],
  [17, 1, 0],
])('a database of PostgreSQL %i', (major, index, problemCount) => {
  test('is dumped by the function, and proven by the other, which restores it', async () => {
    const setting = await databaseOf(startedServer(index));
    const event = { trigger: 'schedule', source: 'database', at: AT };
    const [made, again] = await invoke(setting, 'database-backup', [event, event]);
    const { id } = made?.body as { id: string };
    expect(made).toMatchObject({
      kind: 'response',
      body: { outcome: 'made', source: 'database', status: 'complete', problemCount },
    });
    expect(again?.body).toEqual({ ...(made?.body as object), outcome: 'already' });
    const manifest = await signed(setting, `backups/database/${id}/manifest.json`);
    expect(manifest.database.serverVersion).toMatch(new RegExp(`^${major}\\.`));
    expect(manifest.database.clientVersion).toMatch(/^17\./);

    setting.become('verify');
    expect(await verify(setting.createdEvent('database', id), contextOf())).toMatchObject({
      verdict: 'proven',
    });

    const due = { source: 'database', at: AT };
    const [tested] = await invoke(setting, 'database-restore-test', [due]);
    expect(tested).toMatchObject({
      kind: 'response',
      body: { outcome: 'tested', source: 'database', id, verdict: 'proven' },
    });
    // What the server of the image prints of a view that an older one held is no difference of the database, and is said.
    const { problems } = tested?.body as { problems: Problem[] };
    expect(problems.every(({ tolerated }) => tolerated)).toBe(true);
    const evidence = await signed(setting, `records/restore-test/database/`);
    expect(evidence).toMatchObject({
      verdict: 'proven',
      facts: { server: manifest.database.clientVersion, checks: [{ passed: true }] },
    });
  });
});

/** Runs a task of that name with an event, as its definition and its state machine would. */
function runTask(
  setting: Setting,
  name: SignerName,
  event: unknown,
): Promise<{ readonly code: number | null; readonly said: string }> {
  return inContainer(
    setting,
    {
      name,
      as: 'task',
      entrypoint: ['node', '/var/task/task.js'],
      command: [name],
      env: {
        [TASK_VARIABLES.event]: JSON.stringify(event),
        [TASK_VARIABLES.request]: 'execution-1',
        [TASK_VARIABLES.name]: `holdfast-example-${name}`,
        [TASK_VARIABLES.timeout]: '240',
      },
    },
    async ({ ended, said }) => ({ code: await ended, said: said() }),
  );
}

const succeeded = (text: string) => ({ code: 0, said: expect.stringContaining(text) });

test('the same image does the same as tasks, which are root without the rights of root', async () => {
  const setting = await databaseOf(startedServer(1), 'task');
  const event = { trigger: 'manual', source: 'database', at: AT };
  expect(await runTask(setting, 'database-backup', event)).toEqual(succeeded('"outcome":"made"'));
  const stored = setting.createdEvent('database', '20261122T020000000Z-manual');
  expect(await runTask(setting, 'verify', stored)).toEqual(succeeded('"verdict":"proven"'));
  const due = { source: 'database', at: AT };
  const tested = await runTask(setting, 'database-restore-test', due);
  expect(tested).toEqual(succeeded('"verdict":"proven"'));
  const content = { level: 'content', source: 'database', at: AT };
  expect(await runTask(setting, 'verify', content)).toEqual(succeeded('"damaged":[]'));
  // An event that names nothing fails the task, as whoever waits for it sees.
  const nothing = { source: 'nothing' };
  expect(await runTask(setting, 'database-backup', nothing)).toMatchObject({ code: 1 });
});

test('tasks of the same image back up a bucket, verify it, and restore it to compare', async () => {
  const setting = await stage.set({ config: onTask });
  await setting.put('logo.svg', '<svg/>');
  await setting.put('films/long.mp4', 'film '.repeat(2_000_000));
  const event = { trigger: 'manual', source: 'assets', at: AT };
  expect(await runTask(setting, 'backup', event)).toEqual(succeeded('"outcome":"made"'));
  const stored = setting.createdEvent('assets', '20261122T020000000Z-manual');
  expect(await runTask(setting, 'verify', stored)).toEqual(succeeded('"verdict":"proven"'));
  const due = { source: 'assets', at: AT };
  expect(await runTask(setting, 'restore-test', due)).toEqual(succeeded('"verdict":"proven"'));
  const content = { level: 'content', source: 'assets', at: AT };
  expect(await runTask(setting, 'verify', content)).toEqual(succeeded('"damaged":[]'));
});

function onTask({ sources: [some] }: Config): Partial<Config> {
  if (some?.kind !== 'bucket') throw new Error('the stage is set with a bucket');
  return { sources: [{ ...some, runOn: 'task' }] };
}

test('a container of these tests is as strict as those of Lambda', async () => {
  const look = [
    'id -u; getent passwd 993 || echo nameless',
    'for place in / /var/task /usr /dev /tmp; do touch $place/it 2>/dev/null && echo $place; done',
    'ls /dev; grep CapEff /proc/self/status; pwd; echo $HOME',
    // What a dump makes the scratch server do is done by the same user: it must not see into the function.
    'node -e "setTimeout(() => {}, 5000)" & for i in 1 2 3; do sleep 0.3; cat /proc/$!/environ 2>/dev/null && echo seen; done; echo unseen',
  ];
  await using container = startContainer({
    code: '/var/lib',
    env: {},
    entrypoint: ['sh', '-c'],
    command: [look.join(';')],
  });
  expect(await container.ended).toBe(0);
  expect(container.said().trim().split('\n')).toEqual([
    ...['993', 'nameless', '/tmp', 'fd', 'full', 'null', 'random', 'urandom', 'zero'],
    ...['CapEff:\t0000000000000000', '/var/task', '/nonexistent', 'unseen'],
  ]);
});

interface Signed {
  readonly database: { readonly serverVersion: string; readonly clientVersion: string };
}

/** The payload of the first signed file whose key begins so. */
async function signed({ store }: Setting, prefix: string): Promise<Signed> {
  for await (const { key, bytes } of store.list(prefix)) {
    if (!key.endsWith('.json')) continue;
    const text = Buffer.from(await store.read(key, 0, bytes)).toString();
    return JSON.parse((text.split('\n')[1] ?? '').replace(/^,/, '')) as Signed;
  }
  throw new Error(`there is nothing signed below ${prefix}`);
}

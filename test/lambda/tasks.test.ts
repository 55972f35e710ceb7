// A bucket whose work tasks do: the program that the image starts, as a process for each event, over a strict S3 server and keys of KMS. The
// functions of the same names leave it alone.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { handler as backup } from '../../lambda/backup.ts';
import { handler as restoreTest } from '../../lambda/restore-test.ts';
import { handler as verify } from '../../lambda/verify.ts';
import type { BucketSourceConfig, Config } from '../../lib/config/config.ts';
import { EXIT_FOR_GOOD, EXIT_FOR_NOW, TASK_VARIABLES, type TaskName } from '../../lib/names/aws.ts';
import { machineTime } from '../support/machine-time.ts';
import { captureLog, CANARIES, contextOf, startStage, type Setting, type Stage } from './stage.ts';

jest.setTimeout(180_000);

const TASK = fileURLToPath(new URL('../../lambda/database/task.ts', import.meta.url));
const MINUTE_MS = 60_000;
const ago = (ms: number) => new Date(machineTime().getTime() - ms).toISOString();
const VPC = { id: 'vpc-0a1b2c3d', subnets: ['subnet-0a1b2c3d'], securityGroups: ['sg-0a1b2c3d'] };

let stage: Stage;
/** Everything that functions and tasks have printed. */
const printed: string[] = [];

beforeAll(async () => {
  captureLog(printed);
  stage = await startStage();
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
});
afterEach(() => {
  for (const canary of Object.values(CANARIES)) expect(printed.join('\n')).not.toContain(canary);
});

/** The bucket of the stage as `large`, which runs on a task, and as `small`, which does not. */
function withBoth({ sources: [some], aws }: Config): Partial<Config> {
  if (some?.kind !== 'bucket' || aws === undefined) throw new Error('the stage has no bucket');
  const named = (name: string, runOn: BucketSourceConfig['runOn']) => ({ ...some, name, runOn });
  return {
    sources: [named('large', 'task'), named('small', 'function')],
    aws: { ...aws, tasks: { ...aws.tasks, vpc: VPC } },
  };
}

async function withBuckets(): Promise<Setting> {
  const setting = await stage.set({ config: withBoth });
  await setting.put('logo.svg', '<svg/>');
  await setting.put('photos/one.jpg', 'one');
  return setting;
}

interface Ended {
  readonly exit: number;
  readonly said: string;
}

/** Runs the task of that name with an event, as its definition and its state machine would. */
function run(
  setting: Setting,
  name: TaskName,
  { event, env = {} }: { readonly event: unknown; readonly env?: Record<string, string> },
): Promise<Ended> {
  setting.become(name);
  const told = {
    ...process.env,
    [TASK_VARIABLES.event]: JSON.stringify(event),
    [TASK_VARIABLES.request]: 'execution-1',
    [TASK_VARIABLES.name]: `holdfast-${setting.config.system}-${name}`,
    [TASK_VARIABLES.timeout]: '600',
    ...env,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [TASK, name], { env: told }, (error, stdout, stderr) => {
      const said = stdout + stderr;
      printed.push(said);
      resolve({
        exit: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        said,
      });
    });
  });
}

async function idOf({ store }: Setting, source: string): Promise<string> {
  for await (const { key } of store.list(`backups/${source}/`)) {
    if (key.endsWith('/manifest.json')) return key.split('/')[2] ?? '';
  }
  throw new Error(`there is no backup of ${source}`);
}

test('tasks back it up, verify what was stored, restore it to compare, and verify all its content', async () => {
  const setting = await withBuckets();
  const made = await run(setting, 'backup', {
    event: { trigger: 'schedule', source: 'large', at: ago(MINUTE_MS) },
  });
  expect(made).toEqual({ exit: 0, said: expect.stringContaining('"outcome":"made"') });
  const stored = setting.createdEvent('large', await idOf(setting, 'large'));
  const verified = await run(setting, 'verify', { event: stored });
  expect(verified).toEqual({ exit: 0, said: expect.stringContaining('"verdict":"proven"') });
  const tested = await run(setting, 'restore-test', { event: { source: 'large', at: ago(1000) } });
  expect(tested).toEqual({ exit: 0, said: expect.stringContaining('"verdict":"proven"') });
  const content = { level: 'content', source: 'large', at: ago(1000) };
  const looked = await run(setting, 'verify', { event: content });
  expect(looked).toEqual({ exit: 0, said: expect.stringContaining('"backups":1') });
  // What was looked at since is not looked at again.
  expect((await run(setting, 'verify', { event: content })).said).toContain('"backups":0');
});

test('the functions leave it to the tasks, and verify all the rest', async () => {
  const setting = await withBuckets();
  const due = (source: string) => ({ trigger: 'schedule', source, at: ago(MINUTE_MS) });
  expect((await run(setting, 'backup', { event: due('large') })).exit).toBe(0);
  setting.become('backup');
  await expect(backup(due('large'), contextOf())).rejects.toMatchObject({
    name: 'USAGE',
    message: expect.stringContaining('the work of large is done by a task'),
  });
  await backup(due('small'), contextOf());
  setting.become('verify');
  const stored = setting.createdEvent('large', await idOf(setting, 'large'));
  expect(await verify(stored, contextOf())).toMatchObject({
    outcome: 'elsewhere',
    source: 'large',
  });
  const content = { level: 'content', at: ago(1000) };
  expect(await verify(content, contextOf())).toMatchObject({ outcome: 'verified', backups: 1 });
  await expect(verify({ ...content, source: 'large' }, contextOf())).rejects.toMatchObject({
    name: 'USAGE',
  });
  setting.become('restore-test');
  await expect(restoreTest({ source: 'large', at: ago(1000) }, contextOf())).rejects.toMatchObject({
    name: 'USAGE',
  });
});

test('tasks leave the rest to the functions, and are not begun again for it', async () => {
  const setting = await withBuckets();
  const at = ago(MINUTE_MS);
  const foreign: readonly (readonly [TaskName, unknown])[] = [
    ['backup', { trigger: 'schedule', source: 'small', at }],
    ['restore-test', { source: 'small', at }],
    ['verify', { level: 'content', source: 'small', at }],
    // All there is would be more than a task has a right to.
    ['verify', { level: 'content', at }],
  ];
  const ended = await Promise.all(foreign.map(([name, event]) => run(setting, name, { event })));
  const refused = { exit: EXIT_FOR_GOOD, said: expect.stringContaining('"code":"USAGE"') };
  expect(ended).toEqual(foreign.map(() => refused));
});

test('a network that reaches no KMS is named before anything waits for it, and the task may be begun again', async () => {
  const setting = await withBuckets();
  const ended = await run(setting, 'backup', {
    event: { trigger: 'schedule', source: 'large', at: ago(MINUTE_MS) },
    env: { AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:9' },
  });
  expect(ended.exit).toBe(EXIT_FOR_NOW);
  expect(ended.said).toContain('from the network of this task kms cannot be reached');
  expect(ended.said).toContain('aws.tasks.vpc');
});

// The command line beside a stack: the keys of its functions, and backups that a pipeline waits for. The store is a real S3 server, and
// the functions are the program itself, with keys of their own.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';

import { parseText } from '../../lib/config/load/yaml.ts';
import { makePlace, type Ended, type Place } from '../support/command-line.ts';
import { SmallServices, type Answer } from '../support/small-services.ts';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../support/versitygw.ts';

let server: Versitygw;
let services: SmallServices;
let place: Place;
let store: string;

beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());

const AT = '2026-03-04T05:06:07.000Z';
const ID = '20260304T050607000Z-manual';
const SIGNERS = ['backup', 'verify', 'restore-test', 'prune'] as const;

beforeEach(async () => {
  const bucket = await server.makeBucket();
  store = `s3://${bucket}?region=us-east-1&endpoint=${server.endpoint}&checksums=part`;
  place = await makePlace();
  services = await SmallServices.start();
  await place.write({
    'holdfast.yaml': configuration(''),
    'assets/a.txt': 'a\n',
  });
});
afterEach(async () => {
  await services[Symbol.asyncDispose]();
  await place.remove();
});

function configuration(rest: string): string {
  return `version: 1\nsystem: shop\nstore: '${store}'\nsources:\n  assets: { kind: bucket, bucket: shop-assets }\n  site: { kind: files, path: ./assets }\naws: {}\n${rest}`;
}

const env = () => ({ ...CREDENTIALS, ...services.env });
const run = (...args: string[]): Promise<Ended> => place.run(args, { env: env() });
const json = (...args: string[]) => place.json(args, { env: env() });
const publicKeyOf = (key: KeyObject) =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');

/** Keys behind the aliases of the stack, as it gives them. */
function makeKeys(): Record<(typeof SIGNERS)[number], KeyObject> {
  const keys = SIGNERS.map((one) => [one, services.makeKey(`alias/holdfast-shop-${one}`)]);
  return Object.fromEntries(keys) as Record<(typeof SIGNERS)[number], KeyObject>;
}

/** A function that runs the program on this machine, with the key `signer` and a configuration without a stack. */
async function asFunction(
  keys: Record<string, KeyObject>,
  signer: string,
  args: string[],
): Promise<Record<string, unknown>> {
  const file = join(place.root, `${signer}.key`);
  await writeFile(file, String(keys[signer]?.export({ type: 'pkcs8', format: 'pem' })), {
    mode: 0o600,
  });
  const trust = Object.entries(keys).map(
    ([name, key]) =>
      `  - { name: ${name}, publicKey: ${publicKeyOf(key)}, prefixes: [backups/, records/] }\n`,
  );
  const config = join(place.root, `${signer}.yaml`);
  await writeFile(
    config,
    `version: 1\nsystem: shop\nstore: '${store}'\nsigning: { key: 'file:${file}' }\ntrust:\n${trust.join('')}sources:\n  assets: { kind: files, path: ./site/assets }\n`,
  );
  return place.json([...args, '--config', config], { env: env() });
}

/** The backup function; what it stores is verified by the other one, unless that is broken. */
function serveBackups(keys: Record<string, KeyObject>, { verifies = true } = {}): void {
  services.functions.set('holdfast-shop-backup', async (event): Promise<Answer> => {
    const { source, at, trigger } = event as Record<string, string>;
    const args = ['backup', source ?? '', '--at', at ?? '', '--trigger', trigger ?? ''];
    const alone = ['--no-verify', '--no-prune', '--create-store'];
    const made = await asFunction(keys, 'backup', [...args, ...alone]);
    const [one] = made['sources'] as { id: string; outcome: string; status: string }[];
    if (verifies) setTimeout(() => void asFunction(keys, 'verify', ['verify', 'assets']), 500);
    const rest = { source, bytes: 1, problems: [], problemCount: 0 };
    return { result: { ...rest, id: one?.id, outcome: one?.outcome, status: one?.status } };
  });
}

describe('trust', () => {
  test('prints the keys of the functions as a block that makes KMS needless', async () => {
    const keys = makeKeys();
    const { exit, stdout } = await run('trust');
    expect(exit).toBe(0);
    expect(parseText(stdout).data).toEqual({
      trust: [
        {
          name: 'holdfast-shop-backup',
          publicKey: publicKeyOf(keys.backup),
          prefixes: ['backups/assets/', 'records/backup/'],
        },
        ...(['verify', 'restore-test', 'prune'] as const).map((one) => ({
          name: `holdfast-shop-${one}`,
          publicKey: publicKeyOf(keys[one]),
          prefixes: [`records/${one}/`],
        })),
      ],
    });
    expect(services.asked).toHaveLength(4);
    await place.write({ 'holdfast.yaml': configuration(stdout) });
    expect(await run('list')).toMatchObject({
      exit: 0,
      stderr: expect.not.stringContaining('KMS'),
    });
    expect(services.asked).toHaveLength(4);
  });

  test('writes them for the emergency kit, and overwrites nothing', async () => {
    makeKeys();
    expect((await run('trust', '--out', '../kit')).exit).toBe(0);
    const file = join(place.root, 'kit/holdfast-shop-verify.pub');
    const pem = await readFile(file, 'utf8');
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect((await run('trust', '--out', '../kit')).exit).toBe(0);
    services.makeKey('alias/holdfast-shop-verify');
    const refused = await run('trust', '--out', '../kit');
    expect(refused.exit).toBe(1);
    expect(refused.stderr).toContain('holds another key');
    expect(await readFile(file, 'utf8')).toBe(pem);
  });

  test('says what it may not know', async () => {
    makeKeys();
    services.denies = true;
    const { exit, stdout, stderr } = await run('trust');
    expect({ exit, stdout }).toEqual({ exit: 12, stdout: '' });
    expect(stderr).toContain('alias/holdfast-shop-verify cannot be asked for its public key');
  });
});

describe('a stack whose keys are refused', () => {
  test('is a warning for who reads, and stops who decides', async () => {
    services.denies = true;
    const listed = await run('list');
    expect(listed.exit).toBe(0);
    expect(listed.stderr).toMatch(
      /warning: the public keys of holdfast-shop-backup, .* are not known/,
    );
    const pruned = await run('prune');
    expect(pruned.exit).toBe(12);
    expect(pruned.stderr).toContain('`holdfast trust` prints that block');
  });
});

describe('trigger', () => {
  test('has the function make a backup, and waits until another has proven it', async () => {
    serveBackups(makeKeys());
    const { exit, stdout, stderr } = await run('trigger', 'assets', '--wait', '--at', AT);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain(`assets  ${ID}  complete, made now`);
    expect(stdout).toMatch(/proven by verify/);
    const again = await json('trigger', 'assets', '--wait', '--at', AT);
    expect(again).toMatchObject({ outcome: 'already', id: ID, standing: 'good' });
    expect((await json('list'))['backups']).toMatchObject([{ source: 'assets', standing: 'good' }]);
  }, 60_000);

  test('ends with 4 when nobody proves it in time', async () => {
    serveBackups(makeKeys(), { verifies: false });
    const given = ['trigger', 'assets', '--wait', '--timeout', '12s', '--at', AT];
    const { exit, stderr } = await run(...given);
    expect(exit).toBe(4);
    expect(stderr).toContain('not proven within 12s');
  }, 60_000);

  test.each([
    ['SOURCE_UNREADABLE', 'the bucket is empty', 1],
    ['LOCKED', 'another run holds the lock', 11],
    ['STORE_DENIED', 'access is denied', 12],
  ])('ends as the function did: %s', async (errorType, errorMessage, exit) => {
    services.functions.set('holdfast-shop-backup', () =>
      Promise.resolve({ error: { errorType, errorMessage } }),
    );
    const ended = await run('trigger', 'assets');
    expect(ended).toMatchObject({ exit, stdout: '' });
    expect(ended.stderr).toContain(`error: ${errorMessage}`);
    expect(ended.stderr).toContain('/aws/lambda/holdfast-shop-backup');
  });

  test('does not take a function that died for one that answered', async () => {
    services.functions.set('holdfast-shop-backup', () =>
      Promise.resolve({
        error: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 900 seconds' },
      }),
    );
    const { exit, stderr } = await run('trigger', 'assets');
    expect(exit).toBe(1);
    expect(stderr).toContain('ended without a result: Task timed out after 900 seconds');
  });

  test('does not take anything else for the result of a backup', async () => {
    services.functions.set('holdfast-shop-backup', () => Promise.resolve({ result: { ok: true } }));
    const { exit, stdout, stderr } = await run('trigger', 'assets');
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain('answered something else than the result of a backup');
  });

  test.each([
    ['a folder', ['site'], 2, 'no function can read site, a source of kind files'],
    ['a source that is not one', ['asets'], 2, 'there is no source "asets"'],
    ['a timeout that is not one', ['assets', '--timeout', 'soon'], 2, '--timeout "soon"'],
    ['a time that is not one', ['assets', '--at', 'now'], 2, '--at "now" is no time'],
    ['a stack that is not deployed', ['assets'], 12, 'holdfast-shop-backup cannot be invoked'],
  ])('refuses %s', async (_, args, exit, message) => {
    const ended = await run('trigger', ...args);
    expect(ended.exit).toBe(exit);
    expect(ended.stderr).toContain(message);
  });

  test('refuses to wait where it could not see the proof, before it starts anything', async () => {
    services.denies = true;
    const { exit, stderr } = await run('trigger', 'assets', '--wait');
    expect(exit).toBe(12);
    expect(stderr).toContain('are not known here');
    expect(services.asked).not.toContain('Invoke holdfast-shop-backup');
  });
});

describe('trigger of a source on a task', () => {
  const VPC =
    'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

  beforeEach(async () => {
    const onTask = configuration('')
      .replace('bucket: shop-assets }', 'bucket: shop-assets, runOn: task }')
      .replace('aws: {}', `aws: { tasks: { ${VPC} } }`);
    await place.write({ 'holdfast.yaml': onTask });
  });

  /** The task does what the function would; what it fails with is in its log alone. */
  function serveTasks(keys: Record<string, KeyObject>): void {
    serveBackups(keys);
    services.machines.set('holdfast-shop-backup', async (event) => {
      await services.functions.get('holdfast-shop-backup')?.(event);
    });
  }

  test('starts it, says how to see its end, and does not wait for hours', async () => {
    const events: unknown[] = [];
    services.machines.set('holdfast-shop-backup', (event) => {
      events.push(event);
      return Promise.resolve();
    });
    const { exit, stdout, stderr } = await run('trigger', 'assets', '--at', AT);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain(`assets  ${ID}  started as a task`);
    expect(stdout).toContain('holdfast list assets');
    expect(events).toEqual([{ trigger: 'manual', source: 'assets', at: AT }]);
    // The same trigger is one run.
    const again = await json('trigger', 'assets', '--at', AT);
    expect(again).toMatchObject({
      outcome: 'started',
      id: ID,
      execution: expect.stringMatching(
        /^arn:aws:states:us-east-1:123456789012:execution:holdfast-shop-backup:20260304T050607000Z-manual-/,
      ),
    });
    expect(events).toHaveLength(1);
  });

  test('waits until it has stored the backup and another task has proven it', async () => {
    serveTasks(makeKeys());
    const { exit, stdout, stderr } = await run('trigger', 'assets', '--wait', '--at', AT);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain(`assets  ${ID}  complete, made now`);
    expect(stdout).toMatch(/proven by verify/);
    const started = services.asked.filter((one) => one.endsWith('StartExecution')).length;
    const again = await json('trigger', 'assets', '--wait', '--at', AT);
    expect(again).toMatchObject({ outcome: 'already', id: ID, standing: 'good' });
    expect(services.asked.filter((one) => one.endsWith('StartExecution'))).toHaveLength(started);
  }, 60_000);

  test('ends at once when the task fails, and names its log', async () => {
    makeKeys();
    services.machines.set('holdfast-shop-backup', () => Promise.reject(new Error('no')));
    const { exit, stderr } = await run('trigger', 'assets', '--wait', '--timeout', '60s');
    expect(exit).toBe(1);
    expect(stderr).toContain('the task holdfast-shop-backup has ended as FAILED');
    expect(stderr).toContain('/aws/lambda/holdfast-shop-backup');
  });

  test('says how to wait on when its time is over', async () => {
    makeKeys();
    services.machines.set('holdfast-shop-backup', () => new Promise(() => undefined));
    const waiting = ['trigger', 'assets', '--wait', '--timeout', '8s', '--at', AT];
    const { exit, stderr } = await run(...waiting);
    expect(exit).toBe(1);
    expect(stderr).toContain('has not stored the backup within 8s');
    expect(stderr).toContain(`--at ${AT}`);
  }, 60_000);

  test.each([
    ['a stack that is not deployed', '', 'there is no state machine holdfast-shop-backup'],
    [
      'a stack that is not deployed to the account that is named',
      "account: '123456789012', ",
      'holdfast-shop-backup cannot be started: it does not exist there',
    ],
  ])('refuses %s', async (_, account, message) => {
    const file = await readFile(join(place.site, 'holdfast.yaml'), 'utf8');
    await place.write({ 'holdfast.yaml': file.replace('aws: { ', `aws: { ${account}`) });
    const { exit, stderr } = await run('trigger', 'assets');
    expect(exit).toBe(12);
    expect(stderr).toContain(message);
  });
});

describe('a database', () => {
  const withDatabase = (more = '', databases = '{}') =>
    configuration('')
      .replace('aws: {}', `aws: { databases: ${databases} }`)
      .replace(
        'sources:\n',
        `sources:\n  data: { kind: postgres, connection: secret:shop/database${more} }\n`,
      );

  test('is dumped by a function of its own', async () => {
    await place.write({ 'holdfast.yaml': withDatabase() });
    const events: unknown[] = [];
    services.functions.set('holdfast-shop-database-backup', (event): Promise<Answer> => {
      events.push(event);
      const rest = { bytes: 1, problems: [], problemCount: 0, outcome: 'made', status: 'complete' };
      return Promise.resolve({ result: { source: 'data', id: ID, ...rest } });
    });
    expect(await json('trigger', 'data', '--at', AT)).toMatchObject({ outcome: 'made', id: ID });
    expect(events).toEqual([{ trigger: 'manual', source: 'data', at: AT }]);
  });

  test('has functions whose keys vouch for it, and keys of the others that do not', async () => {
    await place.write({ 'holdfast.yaml': withDatabase() });
    makeKeys();
    for (const one of ['database-backup', 'database-restore-test'])
      services.makeKey(`alias/holdfast-shop-${one}`);
    const { trust } = parseText((await run('trust')).stdout).data as {
      trust: { name: string; prefixes: string[] }[];
    };
    const prefixes = Object.fromEntries(trust.map((one) => [one.name.slice(14), one.prefixes]));
    expect(prefixes).toEqual({
      backup: ['backups/assets/', 'records/backup/assets/'],
      'database-backup': ['backups/data/', 'records/backup/data/'],
      verify: ['records/verify/'],
      'restore-test': ['records/restore-test/assets/', 'records/restore-test/site/'],
      'database-restore-test': ['records/restore-test/data/'],
      prune: ['records/prune/'],
    });
  });
});

test('a backup into the store of a stack leaves proof and retention to the functions', async () => {
  makeKeys();
  const key = await asFunctionKey();
  await place.write({
    'holdfast.yaml': configuration(
      `signing: { key: 'file:${key.file}' }\ntrust: [{ name: ci, publicKey: ${key.publicKey}, prefixes: [backups/site/, records/backup/] }]\n`,
    ),
  });
  const { exit, stdout, stderr } = await run('backup', 'site');
  expect(exit).toBe(0);
  expect(stdout).toContain('complete');
  expect(stdout).not.toContain('proven');
  expect(stderr).toContain('`holdfast list site` shows when it is proven');
  expect((await json('list'))['backups']).toMatchObject([{ source: 'site', standing: 'unproven' }]);
});

async function asFunctionKey(): Promise<{ file: string; publicKey: string }> {
  const key = services.makeKey('alias/nobody-asks-for-this');
  const file = join(place.root, 'ci.key');
  await writeFile(file, String(key.export({ type: 'pkcs8', format: 'pem' })), { mode: 0o600 });
  return { file, publicKey: publicKeyOf(key) };
}

test('the doctor says whose keys are known', async () => {
  makeKeys();
  services.keys.delete('alias/holdfast-shop-prune');
  const { stdout, stderr } = await run('doctor');
  expect(stdout).toContain('3 keys of the functions are known in us-east-1');
  expect(stdout).toContain('alias/holdfast-shop-prune');
  expect(stdout).toContain('assets: of kind bucket, backed up by the backup function');
  // Each key that is not known is one of its findings, which says it once.
  expect(stderr).toBe('');
});

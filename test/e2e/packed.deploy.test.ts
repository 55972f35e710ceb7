// The file that npm would publish, installed into an empty folder: every kind of source into every kind of store, and every command once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { FOR_STACKS, link, npm, pack } from '../support/packed.ts';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { SmallGithub } from '../support/small-github.ts';
import { SmallServices } from '../support/small-services.ts';
import { CREDENTIALS, startVersitygw } from '../support/versitygw.ts';

// Npm may have to fetch what the package depends on, once, on a machine that is busy.
const PACKAGES_LIMIT_MS = 900_000;

const ending: (() => PromiseLike<unknown>)[] = [];
let aws: MiniStack;
let place: string;
let installed: string;
/** For the program: where the services of this test are. */
let env: Record<string, string>;
/** A source of each kind, with what `holdfast show` names in it. */
let sources: Record<string, { readonly configuration: object; readonly holds: string }>;
let database: PostgresServer;
let newBucket: () => Promise<string>;

beforeAll(async () => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-packed-'));
  ending.push(() => fs.promises.rm(place, { recursive: true, force: true }));
  installed = folder('installed');
  const packed = await pack(place);
  await npm(installed, 'install', '--prefer-offline', '--no-audit', '--no-fund', packed);

  aws = await startMiniStack();
  ending.push(() => aws.stop());
  const gateway = await startVersitygw();
  ending.push(() => gateway.stop());
  const services = await SmallServices.start();
  ending.push(() => services[Symbol.asyncDispose]());
  for (const who of ['backup', 'verify', 'restore-test', 'prune']) {
    services.makeKey(`alias/holdfast-shop-${who}`);
  }
  const made = { source: 'assets', id: 'x', outcome: 'made', status: 'complete' };
  services.functions.set('holdfast-shop-backup', () =>
    Promise.resolve({ result: { ...made, bytes: 1, problems: [], problemCount: 0 } }),
  );
  newBucket = async () =>
    `s3://${await gateway.makeBucket()}?region=us-east-1&endpoint=${gateway.endpoint}&checksums=part`;

  const assets = await gateway.makeBucket({ keeps: 'versions' });
  const object = { Bucket: assets, Key: 'images/logo.svg', Body: '<svg/>' };
  await gateway.client.send(new PutObjectCommand(object));
  const ssm = new SSMClient(aws.client);
  const parameter = { Name: '/shop/url', Value: 'https://example.com', Type: 'String' } as const;
  await ssm.send(new PutParameterCommand(parameter));
  ssm.destroy();
  const secrets = new SecretsManagerClient(aws.client);
  await secrets.send(new CreateSecretCommand({ Name: 'shop/api', SecretString: 'x' }));
  secrets.destroy();
  const repository = folder('repository');
  fs.writeFileSync(path.join(repository, 'README.md'), '# Shop\n');
  const github = await SmallGithub.start(repository);
  ending.push(() => github[Symbol.asyncDispose]());
  github.git('init', '-q', '-b', 'main');
  github.git('add', '-A');
  github.git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '-q', '-m', 'one');
  database = await startPostgres();
  ending.push(() => database[Symbol.asyncDispose]());
  database.create('app');

  const region = 'us-east-1';
  sources = {
    files: { configuration: { path: './content' }, holds: 'index.html' },
    postgres: { configuration: { connection: 'env:DATABASE_URL' }, holds: 'app.users' },
    bucket: { configuration: { bucket: assets, region }, holds: 'images/logo.svg' },
    github: { configuration: { repository: 'acme/site', api: github.api }, holds: 'README.md' },
    parameters: {
      configuration: { paths: ['/shop/'], secretNames: ['shop/'], region },
      holds: 'ssm/shop/url.json',
    },
  };
  env = {
    ...CREDENTIALS,
    ...services.env,
    AWS_ENDPOINT_URL_S3: gateway.endpoint,
    AWS_ENDPOINT_URL_SSM: aws.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: region,
    DATABASE_URL: database.tcpUrl('app'),
    TMPDIR: '/tmp',
  };
}, PACKAGES_LIMIT_MS);

afterAll(async () => {
  for (const end of ending.reverse()) await end();
}, 60_000);

function folder(name: string): string {
  const made = path.join(place, name);
  fs.mkdirSync(made);
  return made;
}

type Run = (...args: readonly string[]) => Promise<string>;

/** What the installed program prints in `site`, where it has to succeed. */
function programIn(site: string): Run {
  return async (...args) => {
    const child = spawn(path.join(installed, 'node_modules/.bin/holdfast'), args, {
      cwd: site,
      env: { PATH: process.env['PATH'], HOME: `${site}-home`, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [exit] = (await once(child, 'close')) as [number | null];
    expect({ args, exit, stdout, stderr }).toEqual({ args, exit: 0, stdout, stderr });
    return stdout;
  };
}

/** A site that `init` has set up with `store`, with a source of each kind, called as its kind. */
async function setUp(name: string, store: string): Promise<{ site: string; run: Run }> {
  const site = folder(name);
  folder(`${name}-home`);
  fs.mkdirSync(path.join(site, 'content'));
  fs.writeFileSync(path.join(site, 'content/index.html'), 'hello\n');
  fs.writeFileSync(path.join(site, 'package.json'), JSON.stringify({ name }));
  const run = programIn(site);
  await run('init', '--store', store);
  const file = path.join(site, 'holdfast.yaml');
  const written = parse(fs.readFileSync(file, 'utf8')) as object;
  const all = Object.entries(sources).map(([kind, { configuration }]) => [
    kind,
    { kind, ...configuration },
  ]);
  const notify = { sinks: { said: { kind: 'command', run: ['tee', 'said'] } } };
  const own = { ...written, notify, sources: Object.fromEntries(all) as object };
  fs.writeFileSync(file, stringify(own));
  return { site, run };
}

test('it is tried with every kind of source that there is', () => {
  const file = path.join(installed, 'node_modules/holdfast/holdfast.schema.json');
  const schema = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    properties: {
      sources: {
        additionalProperties: { oneOf: readonly { properties: { kind: { const: string } } }[] };
      };
    };
  };
  const kinds = schema.properties.sources.additionalProperties.oneOf;
  expect(kinds.map(({ properties }) => properties.kind.const).sort()).toEqual(
    Object.keys(sources).sort(),
  );
});

test.each(['a folder', 'a bucket'])(
  'every kind of source is backed up into %s, proven, and restored',
  async (what) => {
    const isFolder = what === 'a folder';
    const name = isFolder ? 'in-folder' : 'in-bucket';
    const { run } = await setUp(name, isFolder ? '../store' : await newBucket());
    await run('backup');
    await run('verify', '--all');
    await run('restore-test');
    const { backups } = JSON.parse(await run('list', '--json')) as {
      backups: { source: string; standing: string }[];
    };
    expect(backups.map(({ source, standing }) => `${source}: ${standing}`).sort()).toEqual(
      Object.keys(sources)
        .map((kind) => `${kind}: good`)
        .sort(),
    );
    for (const [kind, { holds }] of Object.entries(sources)) {
      expect(await run('show', kind, '--all')).toContain(holds);
      if (kind === 'postgres') continue;
      await run('restore', kind, '--to', `../${name}-${kind}`);
      const restored = fs.readdirSync(path.join(place, `${name}-${kind}`), { recursive: true });
      expect(restored.some((one) => String(one).startsWith(holds))).toBe(true);
    }
    const target = name.replace('-', '_');
    database.create(target, { empty: true });
    env['TARGET_URL'] = database.tcpUrl(target);
    await run('restore', 'postgres', '--to', 'env:TARGET_URL');
    expect(database.sql(target, 'SELECT count(*) FROM app.users')).toBe('500');
  },
  300_000,
);

test('every command does its work', async () => {
  const { site, run } = await setUp('all-commands', '../store-of-all');
  const tried = new Set(['init']);
  const act: Run = (...args) => {
    tried.add(args[0] ?? '');
    return run(...args);
  };
  const page = path.join(site, 'content/index.html');
  expect(await act('config', 'validate')).toContain('is valid');
  expect(await act('doctor')).toContain('files');
  expect(await act('explain', 'NO_SPACE')).toContain('NO_SPACE');
  expect(await act('backup', 'files')).toContain('complete');
  expect(await act('verify', 'files')).toContain('proven');
  expect(await act('list')).toContain('good');
  expect(await act('show', 'files')).toContain('index.html');
  expect(await act('status', 'files')).toContain('files');
  expect(await act('pin', 'files/latest', '--note', 'kept')).toContain('files/');
  expect(await act('prune', '--dry-run')).toContain('pinned');
  expect(await act('unpin', 'files/latest')).toContain('files/');
  fs.writeFileSync(page, 'changed by mistake\n');
  expect(await act('diff', 'files', '--live')).toContain('index.html');
  await act('restore', 'files', '--in-place');
  expect(fs.readFileSync(page, 'utf8')).toBe('hello\n');
  await act('undo');
  expect(fs.readFileSync(page, 'utf8')).toBe('changed by mistake\n');
  expect(await act('restore-test', 'files')).toContain('proven');
  expect(await act('repair', 'files/latest')).toContain('files/');
  expect(await act('log')).toContain('restore-test');
  expect(await act('alert-test')).toContain('said (command)');
  expect(fs.readFileSync(path.join(site, 'said'), 'utf8')).toContain('all-commands');
  expect(await act('incident', 'open', 'a page is missing')).toContain('is open');
  expect(await act('escalate', '--once')).toContain('open');
  expect(await act('run-due', '--dry-run')).toContain('due');
  const units = ['--manager', 'systemd', '--out', path.join(site, 'units')];
  expect(await act('schedule', 'install', ...units)).toContain('run-due.timer');

  const stack = path.join(site, 'stack.yaml');
  const store = 's3://shop-backups?region=us-east-1';
  const assets = { kind: 'bucket', bucket: 'shop-assets' };
  fs.writeFileSync(
    stack,
    stringify({ version: 1, system: 'shop', store, sources: { assets }, aws: {} }),
  );
  expect(await act('trust', '--config', stack)).toContain('holdfast-shop-verify');
  expect(await act('trigger', 'assets', '--config', stack)).toContain('complete');

  const missing = await run('deploy', '--dry-run', '--config', stack).catch(String);
  expect(missing).toContain('npm install --save-dev aws-cdk aws-cdk-lib constructs');
  link(installed, FOR_STACKS);
  env['AWS_ENDPOINT_URL'] = aws.endpoint;
  expect(await act('synth', '--config', stack)).toContain('AWS::S3::Bucket');
  expect(await act('deploy', '--dry-run', '--config', stack)).toContain('Nothing was deployed');

  const commands = (await run('--help')).matchAll(/^ {2}([a-z][a-z-]*) /gm);
  const all = [...commands].map(([, command]) => command).filter((one) => one !== 'help');
  expect([...tried].sort()).toEqual(all.sort());
}, 300_000);

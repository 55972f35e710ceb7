// Parameters and secrets of a local AWS become a small tree of JSON; what is secret is in it only when told.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  parametersSource,
  type ParametersOptions,
} from '../../../lib/sources/parameters/source.ts';
import {
  prove,
  readBackup,
  Scratch,
  type MadeBackup,
  type RunSetup,
} from '../../support/archives.ts';
import { startMiniStack, type MiniStack } from '../../support/ministack.ts';

const SECRET = 'correct-horse-battery-staple';

let aws: MiniStack;
let ssm: SSMClient;
let secretsManager: SecretsManagerClient;

beforeAll(async () => {
  aws = await startMiniStack();
  ssm = new SSMClient(aws.client);
  secretsManager = new SecretsManagerClient(aws.client);
  const put = (
    Name: string,
    Value: string,
    Type: 'String' | 'StringList' | 'SecureString' = 'String',
  ) => ssm.send(new PutParameterCommand({ Name, Value, Type, Overwrite: true }));
  for (let i = 0; i < 25; i++) await put(`/spark/flags/${i}`, `on ${i}`);
  await put('/spark/hosts', 'a,b', 'StringList');
  await put('/spark/url', 'old');
  await put('/spark/url', 'https://example.com/ü');
  await put('/spark/database/password', `${SECRET}-1`, 'SecureString');
  await put('/spark/x.json/y', 'below what is a file');
  await put('/spark/x', 'a file');
  await put('/other/thing', 'not asked for');
  const create = (Name: string, value: { SecretString?: string; SecretBinary?: Buffer }) =>
    secretsManager.send(new CreateSecretCommand({ Name, Description: 'for tests', ...value }));
  await create('spark/api', { SecretString: `${SECRET}-2` });
  await secretsManager.send(
    new PutSecretValueCommand({ SecretId: 'spark/api', SecretString: `${SECRET}-3` }),
  );
  await create('spark/binary', { SecretBinary: Buffer.from([0, 255, 1]) });
  await create('another', { SecretString: SECRET });
}, 120_000);

afterAll(async () => {
  ssm.destroy();
  secretsManager.destroy();
  await aws.stop();
});

const backUp = (setup: RunSetup & Partial<ParametersOptions> = {}): Promise<MadeBackup> => {
  const options = {
    name: 'configuration',
    paths: ['/spark/'],
    secretNames: ['spark/'],
    secrets: 'exclude',
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    ...setup,
  } as const;
  return readBackup(parametersSource(options, { ssm, secretsManager }), setup);
};

/** Every file of a backup, as `tar` restores it. */
function filesOf({
  archive,
}: MadeBackup): Map<string, { json: Record<string, unknown>; mode: number }> {
  using scratch = new Scratch();
  execFileSync('tar', ['-xzf', '-', '-C', scratch.path], { input: archive });
  execFileSync('sha256sum', ['--quiet', '-c', '.holdfast/SHA256SUMS'], { cwd: scratch.path });
  const names = fs.readdirSync(scratch.path, { recursive: true, encoding: 'utf8' });
  return new Map(
    names.flatMap((name) => {
      const stat = fs.statSync(scratch.at(name));
      if (!stat.isFile() || name.endsWith('index.ndjson') || name.endsWith('SUMS')) return [];
      const json = JSON.parse(fs.readFileSync(scratch.at(name), 'utf8')) as Record<string, unknown>;
      return [[name, { json, mode: stat.mode & 0o777 }] as const];
    }),
  );
}

describe('parameters and secrets', () => {
  it('are a file each; of what is secret, name and versions alone', async () => {
    const made = await backUp();

    const files = filesOf(made);
    expect(made.problems.map(({ path, code, tolerated }) => [path, code, tolerated])).toEqual([
      ['ssm/spark/database/password.json', 'secret', true],
      ['secrets/spark/api.json', 'secret', true],
      ['secrets/spark/binary.json', 'secret', true],
    ]);
    expect(files.size).toBe(32);
    expect(files.get('ssm/spark/url.json')?.json).toEqual({
      name: '/spark/url',
      type: 'String',
      version: 2,
      value: 'https://example.com/ü',
    });
    expect(files.get('ssm/spark/hosts.json')?.json).toMatchObject({
      type: 'StringList',
      value: 'a,b',
    });
    expect(files.get('ssm/spark/database/password.json')?.json).toEqual({
      name: '/spark/database/password',
      type: 'SecureString',
      version: 1,
    });
    const api = files.get('secrets/spark/api.json')?.json;
    expect(Object.keys(api ?? {})).not.toContain('value');
    expect(
      Object.values(api?.['versions'] ?? {})
        .flat()
        .sort(),
    ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    expect([...files.values()].map(({ json }) => json['name'])).toContain('/spark/x.json/y');
    expect((await prove(made, 'content')).problems).toEqual([]);
    expect(JSON.stringify([...files])).not.toContain(SECRET);
  });

  it('have their values when that is configured, for their owner alone', async () => {
    const files = filesOf(await backUp({ secrets: 'include' }));

    expect(files.get('ssm/spark/database/password.json')).toEqual({
      mode: 0o600,
      json: expect.objectContaining({ value: `${SECRET}-1` }) as unknown,
    });
    expect(files.get('secrets/spark/api.json')?.json).toMatchObject({ value: `${SECRET}-3` });
    expect(files.get('secrets/spark/binary.json')?.json).toMatchObject({ valueBase64: 'AP8B' });
    expect(files.has('secrets/another.json')).toBe(false);
  });

  it('give the same bytes until something changes', async () => {
    const first = await backUp();
    const second = await backUp({ predecessor: first, paths: ['/spark', '/spark/flags/'] });
    expect(second.cloned).toBe(true);

    await ssm.send(
      new PutParameterCommand({ Name: '/spark/flags/3', Value: 'off', Overwrite: true }),
    );
    const third = await backUp({ predecessor: second });
    expect(third.cloned).toBe(false);
    expect(filesOf(third).get('ssm/spark/flags/3.json')?.json).toMatchObject({
      value: 'off',
      version: 2,
    });
  });

  it('that are none fail, unless that is allowed', async () => {
    const none = { paths: ['/nothing/'], secretNames: [] };
    await expect(backUp(none)).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
    expect((await backUp({ ...none, allowEmpty: true })).manifest.totals.entries).toBe(0);
  });

  it('that may not be read are named with the permission that is missing, and without a value', async () => {
    const refuse = (client: SSMClient | SecretsManagerClient, command: string) => {
      const stack = client.middlewareStack as SSMClient['middlewareStack'];
      const name = `refuse-${command}`;
      stack.add(
        (next, { commandName }) =>
          (args) => {
            if (commandName !== command) return next(args);
            throw Object.assign(new Error('no'), { name: 'AccessDeniedException' });
          },
        { step: 'initialize', name },
      );
      return () => stack.remove(name);
    };
    const readable = refuse(secretsManager, 'GetSecretValueCommand');
    const made = await backUp({ secrets: 'include' });
    readable();
    expect(made.manifest.status).toBe('partial');
    expect(made.problems.map(({ path, code }) => [path, code])).toEqual([
      ['secrets/spark/api.json', 'unreadable'],
      ['secrets/spark/binary.json', 'unreadable'],
    ]);
    expect(made.problems[0]?.detail).toContain('secretsmanager:GetSecretValue');

    const listable = refuse(ssm, 'GetParametersByPathCommand');
    await expect(backUp()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      hint: expect.stringContaining('ssm:GetParametersByPath') as unknown,
    });
    listable();
  });
});

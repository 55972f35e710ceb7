// Secrets that AWS keeps, read from a local AWS: what is found, and what is said when it is not. Never the secret.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { AwsPlace } from '../../lib/aws/aws-place.ts';
import { awsError } from '../../lib/aws/errors.ts';
import { resolveAwsReference } from '../../lib/aws/references.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { codeOf } from '../support/engine.ts';

let aws: MiniStack;
let place: AwsPlace;
const before = { ...process.env };

beforeAll(async () => {
  aws = await startMiniStack();
  Object.assign(process.env, aws.env);
  place = { region: aws.client.region, endpoint: aws.client.endpoint };
  const ssm = new SSMClient(aws.client);
  const secrets = new SecretsManagerClient(aws.client);
  const put = (Name: string, Value: string) =>
    ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
  await put('/shop/token', 'from-a-parameter\n');
  await put('/shop/blank', ' ');
  await secrets.send(
    new CreateSecretCommand({ Name: 'shop/token', SecretString: 'from-a-secret' }),
  );
  await secrets.send(
    new CreateSecretCommand({ Name: 'shop/binary', SecretBinary: Buffer.from([1, 2]) }),
  );
}, 120_000);
afterAll(async () => {
  process.env = before;
  await aws.stop();
});

describe('a reference', () => {
  test('leads to the value, without the newline at its end', async () => {
    const ssm = { scheme: 'ssm', name: '/shop/token' } as const;
    const secret = { scheme: 'secret', name: 'shop/token' } as const;
    expect(await resolveAwsReference(ssm, place)).toBe('from-a-parameter');
    expect(await resolveAwsReference(secret, place)).toBe('from-a-secret');
    expect(await resolveAwsReference(ssm)).toBe('from-a-parameter');
  });

  test('to a secret by its ARN leads to the region that the ARN names', async () => {
    const elsewhere = new SecretsManagerClient({ ...aws.client, region: 'eu-west-1' });
    const { ARN: name = '' } = await elsewhere.send(
      new CreateSecretCommand({ Name: 'shop/elsewhere', SecretString: 'from-another-region' }),
    );
    expect(name).toContain(':eu-west-1:');
    expect(await resolveAwsReference({ scheme: 'secret', name }, place)).toBe(
      'from-another-region',
    );
  });

  test.each([
    ['ssm', '/shop/absent', 'STORE_DENIED'],
    ['secret', 'shop/absent', 'STORE_DENIED'],
    ['ssm', '/shop/blank', 'CONFIG_INVALID'],
    ['secret', 'shop/binary', 'CONFIG_INVALID'],
    ['env', 'HOME', 'CONFIG_INVALID'],
    ['file', '/etc/passwd', 'CONFIG_INVALID'],
  ] as const)('%s:%s is refused', async (scheme, name, code) => {
    expect(await codeOf(resolveAwsReference({ scheme, name }, place))).toBe(code);
  });

  test('is not followed where nothing says in which region', async () => {
    const { AWS_REGION } = process.env;
    delete process.env['AWS_REGION'];
    const reference = { scheme: 'ssm', name: '/shop/token' } as const;
    await expect(resolveAwsReference(reference)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no region is set'),
    });
    process.env['AWS_REGION'] = AWS_REGION;
  });

  test('that a bug keeps from being read is not said to be unavailable', () => {
    const bug = new TypeError('x is not a function');
    expect(awsError(bug, { thing: 'it', doing: 'cannot be read' })).toBe(bug);
  });

  test('that nobody answers is worth another attempt', async () => {
    const nowhere = { region: 'us-east-1', endpoint: 'http://127.0.0.1:9' };
    const reference = { scheme: 'ssm', name: '/shop/token' } as const;
    expect(await codeOf(resolveAwsReference(reference, nowhere))).toBe('STORE_UNAVAILABLE');
  });
});

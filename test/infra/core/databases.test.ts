// Functions that back up and test databases: made only where there is one, of an image or of layers, in a network or in none.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  functionConfig,
  settingsFrom,
  trustedKeysOf,
} from '../../../lib/config/load/function-settings.ts';
import { writeImage } from '../../../lib/infra/core/functions/bundle.ts';
import { DATABASE_FUNCTIONS } from '../../../lib/names/aws.ts';
import { SECURITY_FLOORS } from '../../../lib/names/postgres-releases.ts';
import {
  ACCOUNT,
  AUTOMATRON,
  SPARK,
  configOf,
  deployed,
  policyOf,
  sparkWith,
  stackOf,
} from '../../support/stacks.ts';
import type { Deployed, Statement } from '../../support/stacks.ts';

const PACKAGE = 'databases: { package: image, postgres: 17 }';
const NAMED = 'databases: { postgres: 18, extensions: [postgis-3, cron], locales: [de_DE.UTF-8] }';
const LAYER = `arn:aws:lambda:eu-central-1:${ACCOUNT}:layer:postgresql:3`;
const HERE = `eu-central-1:${ACCOUNT}`;
const VPC =
  'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d, subnet-1a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

let spark: Deployed;
let zipped: Deployed;
beforeAll(async () => {
  spark = await deployed(configOf(SPARK));
  zipped = await deployed(
    sparkWith([PACKAGE, `databases: { package: zip, layers: ['${LAYER}'], ${VPC} }`]),
  );
}, 180_000);

function functionOf(stack: Deployed, name: string): Record<string, unknown> {
  const found = stack
    .ofType('AWS::Lambda::Function')
    .find(
      ([, { Properties }]) => Properties['FunctionName'] === `holdfast-spark-bloom-flow-${name}`,
    );
  return found?.[1].Properties ?? {};
}

const has = (statements: readonly Statement[], action: string) =>
  statements.filter(({ Action }) => [Action].flat().includes(action));

describe('functions of databases', () => {
  test('are not made where there is no database', async () => {
    const none = await deployed(configOf(AUTOMATRON));
    const names = none
      .ofType('AWS::Lambda::Function')
      .map(([, { Properties }]) => String(Properties['FunctionName']));
    expect(names).toHaveLength(9);
    expect(names.filter((name) => name.includes('database'))).toEqual([]);
    expect(JSON.stringify(none.template.toJSON())).not.toContain('Image');
  });

  test.each(DATABASE_FUNCTIONS)('%s runs the image, on arm64', (name) => {
    const { Code, PackageType, Architectures, ImageConfig } = functionOf(spark, name);
    expect({ PackageType, Architectures, ImageConfig }).toEqual({
      PackageType: 'Image',
      Architectures: ['arm64'],
      ImageConfig: { Command: [`${name}.handler`] },
    });
    expect(Code).toEqual({ ImageUri: expect.anything() });
  });

  test('share one image, which is built when the stack is deployed and not before', async () => {
    const { app } = stackOf(await configOf(SPARK), { withAssets: true });
    const assembly = app.synth();
    const file = join(assembly.directory, 'holdfast-spark-bloom-flow.assets.json');
    const { dockerImages } = JSON.parse(readFileSync(file, 'utf8')) as {
      dockerImages: Record<string, { source: Record<string, unknown> }>;
    };
    const [image, ...more] = Object.values(dockerImages);
    expect(more).toEqual([]);
    expect(image?.source).toMatchObject({
      dockerBuildArgs: {
        PG_MAJOR: '17',
        PG_FLOOR: `17.${SECURITY_FLOORS[17]}`,
        PG_EXTENSIONS: 'pgvector',
        LOCALES: 'en_US.UTF-8',
      },
      platform: 'linux/arm64',
    });
    const folder = join(assembly.directory, String(image?.source['directory']));
    expect(existsSync(join(folder, 'Dockerfile'))).toBe(true);
  });

  test('have the extensions and locales that are named, in another image', async () => {
    const { app } = stackOf(await sparkWith([PACKAGE, NAMED]));
    const file = join(app.synth().directory, 'holdfast-spark-bloom-flow.assets.json');
    const { dockerImages } = JSON.parse(readFileSync(file, 'utf8')) as {
      dockerImages: Record<string, { source: Record<string, unknown> }>;
    };
    expect(Object.values(dockerImages)[0]?.source['dockerBuildArgs']).toEqual({
      PG_MAJOR: '18',
      PG_FLOOR: `18.${SECURITY_FLOORS[18]}`,
      PG_EXTENSIONS: 'postgis-3 cron',
      LOCALES: 'de_DE.UTF-8',
    });
  });

  test.each(DATABASE_FUNCTIONS)('%s is a zip with layers where no image can be built', (name) => {
    expect(functionOf(zipped, name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Layers: [LAYER],
    });
    expect(JSON.stringify(zipped.template.toJSON())).not.toContain('PackageType');
  });
});

describe('the image', () => {
  test('is built from a folder that holds all that it needs', async () => {
    const folder = writeImage(functionConfig(await configOf(SPARK)));
    const files = readdirSync(folder);
    expect(files).toEqual(expect.arrayContaining(['Dockerfile', 'install.sh', 'function']));
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
    const code = readdirSync(join(folder, 'function'));
    expect(code).toEqual(
      expect.arrayContaining([
        ...['database-backup.js', 'database-restore-test.js', 'runtime.js', 'task.js'],
        ...['worker.js', 'package.json', 'holdfast.json', 'certificates-of-rds.pem'],
      ]),
    );
    expect(code).not.toContain('backup.js');
    for (const file of code.filter((one) => one.endsWith('.js'))) {
      const text = readFileSync(join(folder, 'function', file), 'utf8');
      for (const [, imported = ''] of text.matchAll(/(?:from|import)\s*\(?"(\.\/[^"]+)"/g))
        expect(code).toContain(imported.slice(2));
    }
  });

  test('is the same each time, so that it is built once', async () => {
    const hashOf = async () => {
      const { app } = stackOf(await configOf(SPARK));
      const file = join(app.synth().directory, 'holdfast-spark-bloom-flow.assets.json');
      const { dockerImages } = JSON.parse(readFileSync(file, 'utf8')) as { dockerImages: object };
      return Object.keys(dockerImages);
    };
    expect(await hashOf()).toEqual(await hashOf());
  });
});

describe('a secret with the connection', () => {
  const SECRET = `arn:aws:secretsmanager:${HERE}:secret:spark-bloom-flow/database-??????`;

  test('is read by the function that dumps, and it reads no other', () => {
    const read = has(policyOf(spark, 'database-backup').Statement, 'secretsmanager:GetSecretValue');
    expect(read.map(({ Resource }) => Resource)).toEqual([SECRET]);
  });

  test.each(['backup', 'database-restore-test', 'restore-test', 'verify', 'prune', 'alert'])(
    'is not read by %s',
    (name) => {
      const whole = `spark-bloom-flow-eu-central-1-${name}`;
      const read = has(policyOf(spark, whole).Statement, 'secretsmanager:GetSecretValue');
      expect(read.flatMap(({ Resource }) => Resource)).not.toContain(SECRET);
    },
  );

  test('may be a parameter', async () => {
    const other = await deployed(
      sparkWith(['connection: secret:spark-bloom-flow/database', 'connection: ssm:/spark/db']),
    );
    const { Statement } = policyOf(other, 'database-backup');
    expect(has(Statement, 'secretsmanager:GetSecretValue')).toEqual([]);
    expect(has(Statement, 'ssm:GetParameter').map(({ Resource }) => Resource)).toEqual([
      `arn:aws:ssm:${HERE}:parameter/spark/db`,
    ]);
  });
});

test('with tokens of IAM, the function may connect as one role to one database, and reads no secret', async () => {
  const server =
    'server: { host: app.abc123.eu-central-1.rds.amazonaws.com, database: app, user: backup, resourceId: db-ABC }';
  const other = await deployed(
    sparkWith(['connection: secret:spark-bloom-flow/database', `connection: iam\n    ${server}`]),
  );
  const { Statement } = policyOf(other, 'database-backup');
  expect(has(Statement, 'rds-db:connect').map(({ Resource }) => Resource)).toEqual([
    `arn:aws:rds-db:${HERE}:dbuser:db-ABC/backup`,
  ]);
  expect(has(Statement, 'secretsmanager:GetSecretValue')).toEqual([]);
  expect(has(policyOf(other, 'database-restore-test').Statement, 'rds-db:connect')).toEqual([]);
});

describe('in a network', () => {
  test('the functions of databases are, and no others', () => {
    for (const [, { Properties }] of zipped.ofType('AWS::Lambda::Function')) {
      const inside = String(Properties['FunctionName']).includes('-database-');
      expect(Properties['VpcConfig']).toEqual(
        inside
          ? {
              SubnetIds: ['subnet-0a1b2c3d', 'subnet-1a1b2c3d'],
              SecurityGroupIds: ['sg-0a1b2c3d'],
            }
          : undefined,
      );
    }
    expect(functionOf(spark, 'database-backup')['VpcConfig']).toBeUndefined();
  });

  test.each(DATABASE_FUNCTIONS)('%s lets Lambda make interfaces there and nowhere else', (name) => {
    const { Statement } = policyOf(zipped, name);
    const made = has(Statement, 'ec2:CreateNetworkInterface').filter(
      ({ Effect }) => Effect === 'Allow',
    );
    expect(made.map(({ Resource }) => Resource)).toEqual(
      [
        [
          `arn:aws:ec2:${HERE}:network-interface/*`,
          `arn:aws:ec2:${HERE}:security-group/sg-0a1b2c3d`,
          `arn:aws:ec2:${HERE}:subnet/subnet-0a1b2c3d`,
          `arn:aws:ec2:${HERE}:subnet/subnet-1a1b2c3d`,
        ].sort(),
      ].map((arns) => expect.arrayContaining(arns)),
    );
  });

  test.each(DATABASE_FUNCTIONS)('%s itself may do none of that', (name) => {
    const denied = policyOf(zipped, name).Statement.filter(({ Effect }) => Effect === 'Deny');
    expect(denied).toEqual([
      expect.objectContaining({
        Action: expect.arrayContaining(['ec2:CreateNetworkInterface', 'ec2:DescribeSubnets']),
        Condition: {
          ArnEquals: {
            'lambda:SourceFunctionArn': `arn:aws:lambda:${HERE}:function:holdfast-spark-bloom-flow-${name}`,
          },
        },
      }),
    ]);
    expect(has(policyOf(spark, name).Statement, 'ec2:CreateNetworkInterface')).toEqual([]);
  });
});

test('a key vouches for the sources of its function, and not for those of the other that does the same', async () => {
  const { Variables } = functionOf(spark, 'verify')['Environment'] as {
    Variables: Record<string, string>;
  };
  // As a function finds them: the keys in its environment, and what they vouch for in the configuration beside its code.
  const keys = trustedKeysOf(functionConfig(await configOf(SPARK)), settingsFrom(Variables));
  const trusted = Object.fromEntries(
    keys.map(({ name, prefixes }) => [name.replace('holdfast-spark-bloom-flow-', ''), prefixes]),
  );
  const others = ['assets', 'configuration', 'application'];
  expect(trusted).toEqual({
    escalate: ['incidents/'],
    backup: [
      ...others.map((name) => `backups/${name}/`),
      ...others.map((name) => `records/backup/${name}/`),
      ...others.map((name) => `records/repair/${name}/`),
    ],
    'database-backup': ['backups/database/', 'records/backup/database/'],
    verify: ['records/verify/'],
    'restore-test': others.map((name) => `records/restore-test/${name}/`),
    'database-restore-test': ['records/restore-test/database/'],
    prune: ['records/prune/'],
    'record-recovery-point': ['cluster', 'activity'].map(
      (name) => `records/recovery-point/${name}/`,
    ),
    'validate-recovery-point': ['cluster', 'activity'].map(
      (name) => `records/restore-test/${name}/`,
    ),
  });
});

// The functions: what they run on, what they carry, and what they may do.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SourceTextModule } from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import { functionConfig } from '../../../../lib/config/load/function-settings.ts';
import { writeCode } from '../../../../lib/infra/core/functions/bundle.ts';
import { CORE_FUNCTIONS, FUNCTIONS, RECOVERY_POINT_FUNCTIONS } from '../../../../lib/names/aws.ts';
import {
  ACCOUNT,
  SPARK,
  configOf,
  deployed,
  policyOf,
  WITH_POINTS,
  sparkWith,
} from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

/** Without reserved concurrency no stranger reaches a function. */
const OWN_FUNCTIONS = FUNCTIONS.filter((name) => name !== 'acknowledge');

let spark: Deployed;
beforeAll(async () => {
  spark = await deployed(await sparkWith(WITH_POINTS));
});

describe('each function', () => {
  test('runs on arm64, is traced, and leaves what fails in the queue', () => {
    spark.template.resourceCountIs('AWS::Lambda::Function', OWN_FUNCTIONS.length);
    spark.template.allResourcesProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
      TracingConfig: { Mode: 'Active' },
      DeadLetterConfig: { TargetArn: Match.anyValue() },
      ReservedConcurrentExecutions: Match.absent(),
      Environment: { Variables: Match.objectLike({ HOLDFAST_STORE: Match.anyValue() }) },
    });
  });

  test('runs on nodejs24.x, but for those that bring programs along', () => {
    const zipped = spark
      .ofType('AWS::Lambda::Function')
      .filter(([, { Properties }]) => Properties['PackageType'] !== 'Image');
    expect(zipped.map(([, { Properties }]) => Properties)).toEqual(
      [...CORE_FUNCTIONS, ...RECOVERY_POINT_FUNCTIONS, 'escalate'].map(() =>
        expect.objectContaining({ Runtime: 'nodejs24.x', Handler: 'index.handler' }),
      ),
    );
  });

  test('keeps its log as long as configured, encrypted', () => {
    spark.template.resourceCountIs('AWS::Logs::LogGroup', OWN_FUNCTIONS.length);
    spark.template.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 90,
      KmsKeyId: Match.anyValue(),
    });
  });

  test('insists on the account of the store', () => {
    for (const [, { Properties }] of spark.ofType('AWS::Lambda::Function')) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      expect(Variables['HOLDFAST_STORE']).toBe(
        `s3://spark-bloom-flow-backups?region=eu-central-1&account=${ACCOUNT}`,
      );
    }
  });

  test('reserves concurrency when asked: a new account has none to give', async () => {
    const { template } = await deployed(
      sparkWith(['  undo: 14d', '  undo: 14d\n  reservedConcurrency: create']),
    );
    template.allResourcesProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: Match.anyValue(),
    });
  });

  test('signs with a key of its own, if it signs', () => {
    const keys = spark.ofType('AWS::Lambda::Function').flatMap(([, { Properties }]) => {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      return Variables['HOLDFAST_SIGNING_KEY'] ?? [];
    });
    expect(new Set(keys).size).toBe(9);
  });

  test('may do what it may by one policy, on resources that are named', () => {
    spark.template.resourceCountIs('AWS::IAM::Policy', 0);
    const anything: string[] = [];
    for (const name of [...OWN_FUNCTIONS, 'schedules']) {
      for (const { Action, Resource } of policyOf(spark, name).Statement) {
        expect([Action].flat().filter((action) => action.includes('*'))).toEqual([]);
        if ([Resource].flat().includes('*')) anything.push(...[Action].flat());
      }
    }
    // Of these services none knows a resource.
    expect([...new Set(anything)].sort()).toEqual([
      'backup:DescribeBackupJob',
      'backup:DescribeRestoreJob',
      'backup:PutRestoreValidationResult',
      'cloudwatch:DescribeAlarms',
      'cloudwatch:GetMetricStatistics',
      'cloudwatch:PutMetricData',
      'secretsmanager:ListSecrets',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });
});

/** What Lambda's own limit would be is far more; this is what starts fast. */
// The clients of AWS take two thirds of it; the largest, of databases, has 150 KB of code that proves and restores them.
const MOST_BYTES = 1.125 * (1 << 20);

describe('the code of', () => {
  const folderOf = async (name: (typeof FUNCTIONS)[number]) =>
    writeCode(name, functionConfig(await configOf(SPARK), name));
  const scripts = (folder: string) => readdirSync(folder).filter((file) => file.endsWith('.js'));

  test.each(FUNCTIONS.map((name) => [name]))(
    '%s is small, whole, and knows no CDK',
    async (name) => {
      const folder = await folderOf(name);
      const files = scripts(folder);
      expect(files).toEqual(expect.arrayContaining(['index.js', 'worker.js']));
      const bytes = files.map((file) => statSync(join(folder, file)).size);
      expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(MOST_BYTES);
      for (const file of files) {
        const text = readFileSync(join(folder, file), 'utf8');
        expect(text.includes('aws-cdk')).toBe(false);
        expect(() => new SourceTextModule(text)).not.toThrow();
        // What it imports is there, or comes with Node.
        for (const [, imported = ''] of text.matchAll(/(?:from|import)\s*\(?"(\.\/[^"]+)"/g))
          expect(files).toContain(imported.slice(2));
      }
      expect(readFileSync(join(folder, 'index.js'), 'utf8')).toMatch(/as handler\b|handler[,}]/);
      expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toEqual({
        type: 'module',
      });
    },
  );

  test('database-backup has the certificates of RDS beside what reads them, and no other function has', async () => {
    for (const name of FUNCTIONS) {
      const folder = await folderOf(name);
      const has = readdirSync(folder).includes('certificates-of-rds.pem');
      expect([name, has]).toEqual([name, name === 'database-backup']);
    }
    const folder = await folderOf('database-backup');
    const readers = scripts(folder).filter((file) =>
      /new URL\(["'`]\.\/certificates-of-rds\.pem["'`],import\.meta\.url\)/.test(
        readFileSync(join(folder, file), 'utf8'),
      ),
    );
    expect(readers).toHaveLength(1);
  });

  test('backup carries the configuration, without a path of the machine that deploys', async () => {
    const text = readFileSync(join(await folderOf('backup'), 'holdfast.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ system: 'spark-bloom-flow', file: 'holdfast.json' });
    expect(text).not.toContain(SPARK);
  });

  test('escalate alone knows whom to tell', async () => {
    const textOf = async (name: (typeof FUNCTIONS)[number]) =>
      readFileSync(join(await folderOf(name), 'holdfast.json'), 'utf8');
    expect(await textOf('escalate')).toContain('executives@company.com');
    expect(await textOf('freshness')).not.toContain('executives@company.com');
  });

  test('verify is the same each time it is made', async () => {
    const [one, other] = [await folderOf('verify'), await folderOf('verify')];
    expect(one).not.toBe(other);
    expect(readdirSync(one)).toEqual(readdirSync(other));
    for (const file of readdirSync(one))
      expect(readFileSync(join(one, file)).equals(readFileSync(join(other, file)))).toBe(true);
  });
});

test('one stack holds all of it: a second one of another system shares no name', async () => {
  const other = await deployed(
    sparkWith(
      ['system: spark-bloom-flow', 'system: another'],
      ['spark-bloom-flow-backups', 'another-backups'],
    ),
  );
  const names = ({ template }: Deployed) =>
    [
      ...JSON.stringify(template.toJSON()).matchAll(
        /"(?:FunctionName|RoleName|AliasName|QueueName|TopicName|AlarmName|BucketName)":"([^"]+)"/g,
      ),
    ].map(([, name]) => name);
  const ours = new Set(names(spark));
  expect(ours.size).toBeGreaterThan(40);
  expect(names(other).filter((name) => ours.has(name))).toEqual([]);
});

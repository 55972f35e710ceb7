// What holds the backups: private, encrypted, locked, and never taken away by a stack.
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import { ACCOUNT, SPARK, configOf, deployed, sparkWith, stackOf } from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

const BUCKET = 'spark-bloom-flow-backups';
let spark: Deployed;

afterEach(() => {
  jest.restoreAllMocks();
});

beforeAll(async () => {
  spark = await deployed(configOf(SPARK));
});

describe('the bucket of the store', () => {
  test('is private, versioned, encrypted by its own key, logged and listed', () => {
    spark.template.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: BUCKET,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: {
              SSEAlgorithm: 'aws:kms',
              KMSMasterKeyID: Match.anyValue(),
            },
          },
        ],
      },
      LoggingConfiguration: Match.objectLike({ LogFilePrefix: 'access/' }),
      InventoryConfigurations: [Match.objectLike({ IncludedObjectVersions: 'All', Enabled: true })],
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
  });

  test('is listed weekly, by S3 in the name of this bucket and this account alone', () => {
    const [logs] = spark
      .ofType('AWS::S3::BucketPolicy')
      .filter(([, { Properties }]) => Properties['Bucket'] === `${BUCKET}-logs`);
    const { Statement } = logs?.[1].Properties['PolicyDocument'] as {
      Statement: { Effect: string; Principal: unknown }[];
    };
    const inventory = Statement.filter(
      ({ Effect, Principal }) =>
        Effect === 'Allow' && JSON.stringify(Principal).includes('"s3.amazonaws.com"'),
    );
    expect(inventory).toEqual([
      expect.objectContaining({
        Action: 's3:PutObject',
        Resource: `arn:aws:s3:::${BUCKET}-logs/inventory/*`,
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${BUCKET}` },
          StringEquals: { 'aws:SourceAccount': ACCOUNT },
        },
      }),
    ]);
  });

  test('locks what is stored, in governance mode unless told otherwise', async () => {
    const lockOf = ({ template }: Deployed, rule: object) =>
      template.hasResourceProperties('AWS::S3::Bucket', {
        BucketName: BUCKET,
        ObjectLockEnabled: true,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: rule },
        },
      });
    lockOf(spark, { Mode: 'GOVERNANCE', Days: 14 });
    jest.spyOn(console, 'error').mockReturnValue();
    const mode: [string, string] = ['mode: governance, days: 14', 'mode: compliance, days: 10'];
    lockOf(await deployed(sparkWith(mode)), { Mode: 'COMPLIANCE', Days: 10 });
  });

  test('deletes by its lifecycle what is released, after the time to undo, and no other backup', () => {
    const [bucket] = spark
      .ofType('AWS::S3::Bucket')
      .filter(([, { Properties }]) => Properties['BucketName'] === BUCKET);
    expect(bucket?.[1].Properties['LifecycleConfiguration']).toEqual({
      Rules: [
        {
          Id: 'released',
          Status: 'Enabled',
          TagFilters: [{ Key: 'holdfast:released', Value: 'true' }],
          ExpirationInDays: 1,
          NoncurrentVersionExpiration: { NoncurrentDays: 14 },
        },
        // Of these none touches an object that was stored.
        {
          Id: 'unfinished-uploads',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        },
        { Id: 'markers-of-nothing', Status: 'Enabled', ExpiredObjectDeleteMarker: true },
      ],
    });
  });

  test('needs a name that leaves room for that of its access logs', async () => {
    const name = 'b'.repeat(60);
    const config = await sparkWith([`s3://${BUCKET}`, `s3://${name}`]);
    expect(() => stackOf(config)).toThrow(/has 60 characters; allowed: 58/);
  });
});

/** Losing one of these, or its name, loses backups. A change here is a change of what holds them. */
const STATEFUL = {
  HoldfastStorageBucketBA4127BC: 'AWS::S3::Bucket',
  HoldfastStorageBucketPolicyD5CC8B8C: 'AWS::S3::BucketPolicy',
  HoldfastStorageAccessLogs85D9E7B5: 'AWS::S3::Bucket',
  HoldfastStorageAccessLogsPolicyA6EC6FD9: 'AWS::S3::BucketPolicy',
  HoldfastStorageKey7E3C342E: 'AWS::KMS::Key',
  HoldfastStorageKeyAlias33B789D8: 'AWS::KMS::Alias',
};

describe('a stack that is deleted', () => {
  test('leaves bucket, policies and keys behind, by the ids that they always had', () => {
    const kept = Object.entries(spark.resources).filter(
      ([, { DeletionPolicy, UpdateReplacePolicy }]) =>
        DeletionPolicy === 'RetainExceptOnCreate' && UpdateReplacePolicy === 'Retain',
    );
    const types = Object.fromEntries(kept.map(([id, { Type }]) => [id, Type]));
    expect(types).toMatchObject(STATEFUL);
    const signing = Object.entries(types).filter(([id]) => /^HoldfastSigningKeys/.test(id));
    expect(signing.filter(([, type]) => type === 'AWS::KMS::Key')).toHaveLength(9);
    expect(signing.filter(([, type]) => type === 'AWS::KMS::Alias')).toHaveLength(9);
    expect(kept).toHaveLength(Object.keys(STATEFUL).length + 18);
  });

  test('is protected from being deleted by mistake when asked, and empties no bucket', async () => {
    const on = ['undo: 14d', 'undo: 14d\n  terminationProtection: on'] as const;
    expect(stackOf(await sparkWith(on)).stack.terminationProtection).toBe(true);
    expect(spark.ofType('Custom::S3AutoDeleteObjects')).toEqual([]);
  });

  test('leaves names behind by which the next one finds everything', async () => {
    const again = await deployed(sparkWith(['  undo: 14d', '  undo: 14d\n  storage: existing']));
    for (const type of ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy'])
      expect(again.ofType(type)).toEqual([]);
    // Of the keys, only the one of messages is made anew.
    expect(
      again.ofType('AWS::KMS::Alias').map(([, { Properties }]) => Properties['AliasName']),
    ).toEqual(['alias/holdfast-spark-bloom-flow-messages']);
    const functions = again.ofType('AWS::Lambda::Function');
    expect(functions).toHaveLength(11);
    for (const [, { Properties }] of functions) {
      const { Variables } = Properties['Environment'] as { Variables: Record<string, string> };
      expect(Variables['HOLDFAST_STORE']).toContain(`s3://${BUCKET}`);
      expect(Variables['HOLDFAST_TRUSTED_KEYS']).toMatch(
        /^holdfast-spark-bloom-flow-verify arn:.*:alias\/holdfast-spark-bloom-flow-verify$/m,
      );
    }
  });
});

describe('keys', () => {
  test('of functions that sign are P-256, and that of the store rotates', () => {
    const keys = spark.ofType('AWS::KMS::Key').map(([, { Properties }]) => Properties);
    const signing = keys.filter((key) => key['KeyUsage'] === 'SIGN_VERIFY');
    expect(signing.map((key) => key['KeySpec'])).toEqual(Array(9).fill('ECC_NIST_P256'));
    const others = keys.filter((key) => key['KeyUsage'] === undefined);
    expect(others.map((key) => key['EnableKeyRotation'])).toEqual([true, true]);
  });
});

test('compliance mode says at synthesis what cannot be undone', async () => {
  const config = await sparkWith(['mode: governance, days: 14', 'mode: compliance, days: 10']);
  const said = jest.spyOn(console, 'error').mockReturnValue();
  stackOf(config).app.synth();
  expect(said.mock.calls.join('\n')).toMatch(
    /nobody can delete or shorten .* spark-bloom-flow-backups.* 10 days/s,
  );
});

// Who can do what to the store: the policies of bucket, keys and roles, decided as AWS decides.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { FUNCTIONS, SIGNERS } from '../../../lib/names/aws.ts';
import { ACCOUNT, WITH_POINTS, deployed, policyOf, sparkWith } from '../../support/stacks.ts';
import type { Deployed } from '../../support/stacks.ts';

const SYSTEM = 'holdfast-spark-bloom-flow';
/** The role of a function, or of people. */
const role = (name: string) => `${SYSTEM}-eu-central-1-${name}`;
const BUCKET = 'arn:aws:s3:::spark-bloom-flow-backups';
const SITE = 'backups/assets/20261122T030000000Z-schedule';
const MANIFEST = `${BUCKET}/${SITE}/manifest.json`;
const ARCHIVE = `${BUCKET}/${SITE}/archive-0011223344556677.tar.gz`;
const DEPLOYER = `cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-eu-central-1`;
const ANYTHING = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};
/** As the store sends it. */
const NEW = { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' };

let spark: Deployed;
beforeAll(async () => {
  spark = await deployed(
    await sparkWith(WITH_POINTS, ['  undo: 14d', '  undo: 14d\n  reservedConcurrency: create']),
  );
});

interface Attempt {
  /** The name of the role. */
  readonly by: string;
  readonly action: string;
  readonly on: string;
  readonly with?: Record<string, string>;
  /** @default - the policy of the function, or an administrator's */
  readonly policy?: unknown;
  /** @default - the policy of the bucket */
  readonly resourcePolicy?: unknown;
}

async function decide(attempt: Attempt): Promise<string> {
  const name = attempt.by.replace(role(''), '');
  const isFunction = attempt.by.startsWith(role(''));
  const policy = attempt.policy ?? (isFunction ? policyOf(spark, name) : ANYTHING);
  const result = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/${attempt.by}`,
        action: attempt.action,
        resource: { resource: attempt.on, accountId: ACCOUNT },
        contextVariables: {
          'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${attempt.by}`,
          'aws:SecureTransport': 'true',
          's3:TlsVersion': '1.3',
          ...attempt.with,
        },
      },
      identityPolicies: [{ name: 'own', policy }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: attempt.resourcePolicy ?? bucketPolicy(),
    },
    {},
  );
  if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors));
  return result.overallResult;
}

function bucketPolicy(): unknown {
  const policy = spark
    .ofType('AWS::S3::BucketPolicy')
    .find(([, { Properties }]) => Properties['Bucket'] === 'spark-bloom-flow-backups');
  return policy?.[1].Properties['PolicyDocument'];
}

const INCIDENT_RECORDS = [
  'incidents/assets-age/1-alarm.json',
  'incidents/000001/0002-acknowledged-p0.s0.r0_mail.1.json',
  'incidents/000001/0002-resolved.json',
];
const everyFunction = FUNCTIONS.map((name) => [name] as const);

describe('an administrator of the account, and so anybody with less,', () => {
  const by = 'Administrator';
  test.each([
    ['delete an object', { action: 's3:DeleteObject', on: MANIFEST }],
    ['write by replicating', { action: 's3:ReplicateObject', on: MANIFEST }],
    ['delete by replicating', { action: 's3:ReplicateDelete', on: MANIFEST }],
    ['release by replicating', { action: 's3:ReplicateTags', on: MANIFEST }],
    ['delete a version', { action: 's3:DeleteObjectVersion', on: MANIFEST }],
    ['end a lock early', { action: 's3:BypassGovernanceRetention', on: MANIFEST }],
    [
      'overwrite',
      { action: 's3:PutObject', on: MANIFEST, with: { 's3:ObjectCreationOperation': 'true' } },
    ],
    ['release by a tag', { action: 's3:PutObjectVersionTagging', on: MANIFEST }],
    ['extend a lock', { action: 's3:PutObjectRetention', on: MANIFEST }],
    ['change the lifecycle', { action: 's3:PutLifecycleConfiguration', on: BUCKET }],
    ['stop versioning', { action: 's3:PutBucketVersioning', on: BUCKET }],
    ['change the lock', { action: 's3:PutBucketObjectLockConfiguration', on: BUCKET }],
    ['replicate elsewhere', { action: 's3:PutReplicationConfiguration', on: BUCKET }],
    ['change the encryption', { action: 's3:PutEncryptionConfiguration', on: BUCKET }],
    ['silence the events', { action: 's3:PutBucketNotification', on: BUCKET }],
    ['change the policy', { action: 's3:PutBucketPolicy', on: BUCKET }],
    ['remove the policy', { action: 's3:DeleteBucketPolicy', on: BUCKET }],
    ['remove the bucket', { action: 's3:DeleteBucket', on: BUCKET }],
    [
      'talk in the clear',
      { action: 's3:GetObject', on: MANIFEST, with: { 'aws:SecureTransport': 'false' } },
    ],
    [
      'name another key',
      {
        action: 's3:PutObject',
        on: ARCHIVE,
        with: {
          ...NEW,
          's3:x-amz-server-side-encryption': 'aws:kms',
          's3:x-amz-server-side-encryption-aws-kms-key-id': `arn:aws:kms:eu-central-1:${ACCOUNT}:key/theirs`,
        },
      },
    ],
    [
      'store in a class that cannot be read at once',
      {
        action: 's3:PutObject',
        on: ARCHIVE,
        with: { ...NEW, 's3:x-amz-storage-class': 'DEEP_ARCHIVE' },
      },
    ],
    [
      'leave the encryption to S3',
      {
        action: 's3:PutObject',
        on: ARCHIVE,
        with: { ...NEW, 's3:x-amz-server-side-encryption': 'AES256' },
      },
    ],
    [
      'bring a key along',
      {
        action: 's3:PutObject',
        on: ARCHIVE,
        with: { ...NEW, 's3:x-amz-server-side-encryption-customer-algorithm': 'AES256' },
      },
    ],
  ])('cannot %s', async (_what, attempt) => {
    expect(await decide({ by, ...attempt })).toBe('ExplicitlyDenied');
  });

  test('can put new objects, by the key of the bucket or in parts', async () => {
    expect(await decide({ by, action: 's3:PutObject', on: ARCHIVE, with: NEW })).toBe('Allowed');
    const part = { 's3:ObjectCreationOperation': 'false' };
    expect(await decide({ by, action: 's3:PutObject', on: ARCHIVE, with: part })).toBe('Allowed');
  });
});

describe('the role that deploys', () => {
  test.each(['s3:PutLifecycleConfiguration', 's3:PutBucketPolicy', 's3:PutBucketNotification'])(
    'may call %s',
    async (action) => {
      expect(await decide({ by: DEPLOYER, action, on: BUCKET })).toBe('Allowed');
    },
  );

  test.each([
    ['s3:DeleteObject', MANIFEST],
    ['s3:DeleteObjectVersion', MANIFEST],
    ['s3:PutObjectTagging', MANIFEST],
    ['s3:ReplicateObject', MANIFEST],
    ['s3:DeleteBucket', BUCKET],
  ])('cannot call %s', async (action, on) => {
    expect(await decide({ by: DEPLOYER, action, on })).toBe('ExplicitlyDenied');
  });
});

test('who breaks the glass, and nobody else, can delete a version and end its lock', async () => {
  const glass = `arn:aws:iam::${ACCOUNT}:role/BreakGlass`;
  const other = await deployed(
    sparkWith(['  undo: 14d', `  undo: 14d\n  breakGlassRoles: ['${glass}']`]),
  );
  const policy = other
    .ofType('AWS::S3::BucketPolicy')
    .find(([, { Properties }]) => Properties['Bucket'] === 'spark-bloom-flow-backups');
  const resourcePolicy = policy?.[1].Properties['PolicyDocument'];
  for (const action of ['s3:DeleteObjectVersion', 's3:BypassGovernanceRetention']) {
    const by = (name: string) => decide({ by: name, action, on: MANIFEST, resourcePolicy });
    expect(await by('BreakGlass')).toBe('Allowed');
    expect(await by('Administrator')).toBe('ExplicitlyDenied');
  }
});

describe('the function', () => {
  test.each(everyFunction)('%s cannot delete, unlock, or overwrite', async (name) => {
    const by = role(name);
    for (const action of [
      's3:DeleteObject',
      's3:DeleteObjectVersion',
      's3:BypassGovernanceRetention',
    ])
      expect(await decide({ by, action, on: MANIFEST })).not.toBe('Allowed');
    const overwrite = { 's3:ObjectCreationOperation': 'true' };
    for (const on of [MANIFEST, ARCHIVE, `${BUCKET}/records/${name}/assets/x.json`])
      expect(await decide({ by, action: 's3:PutObject', on, with: overwrite })).not.toBe('Allowed');
  });

  test.each(everyFunction)('%s puts under its own prefixes and nowhere else', async (name) => {
    const keys = [
      `${SITE}/manifest.json`,
      'backups/of-nobody/20261122T030000000Z-manual/manifest.json',
      ...['backup', 'verify', 'restore-test', 'prune', 'pin'].map(
        (verb) => `records/${verb}/assets/20261122T030000000Z-x.json`,
      ),
      'records/backup/of-nobody/20261122T030000000Z-x.json',
      `backups/database/20261122T020000000Z-schedule/manifest.json`,
      ...['backup', 'restore-test'].map(
        (verb) => `records/${verb}/database/20261122T030000000Z-x.json`,
      ),
      ...['recovery-point', 'restore-test', 'verify'].map(
        (verb) => `records/${verb}/tables/20261122T030000000Z-x.json`,
      ),
      ...INCIDENT_RECORDS,
      'holdfast.json',
      'README.txt',
      'anything.txt',
    ];
    const allowed: string[] = [];
    for (const key of keys) {
      const attempt = { by: role(name), action: 's3:PutObject', on: `${BUCKET}/${key}`, with: NEW };
      if ((await decide(attempt)) === 'Allowed') allowed.push(key);
    }
    const own = (verb: string) => [`records/${verb}/assets/20261122T030000000Z-x.json`];
    const ofTables = (verb: string) => `records/${verb}/tables/20261122T030000000Z-x.json`;
    const ofDatabase = (verb: string) => `records/${verb}/database/20261122T030000000Z-x.json`;
    const expected = {
      backup: [`${SITE}/manifest.json`, ...own('backup'), 'holdfast.json', 'README.txt'],
      'database-backup': [
        'backups/database/20261122T020000000Z-schedule/manifest.json',
        ofDatabase('backup'),
        'holdfast.json',
        'README.txt',
      ],
      verify: [...own('verify'), ofTables('verify')],
      'restore-test': own('restore-test'),
      'database-restore-test': [ofDatabase('restore-test')],
      freshness: ['holdfast.json'],
      prune: own('prune'),
      alert: INCIDENT_RECORDS,
      escalate: INCIDENT_RECORDS,
      acknowledge: [INCIDENT_RECORDS[1]],
      'record-recovery-point': [ofTables('recovery-point')],
      'validate-recovery-point': [ofTables('restore-test')],
    };
    expect(allowed).toEqual(expected[name]);
  });

  test.each(everyFunction)('%s releases and extends locks only as prune', async (name) => {
    const expected = name === 'prune' ? 'Allowed' : 'ExplicitlyDenied';
    const by = role(name);
    for (const action of ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'])
      expect(await decide({ by, action, on: MANIFEST })).toBe(expected);
    const lock = {
      's3:object-lock-mode': 'GOVERNANCE',
      's3:object-lock-remaining-retention-days': '14',
    };
    expect(await decide({ by, action: 's3:PutObjectRetention', on: MANIFEST, with: lock })).toBe(
      expected,
    );
  });

  test('prune cannot lock for longer than configured, or for good', async () => {
    const attempt = (mode: string, days: string) =>
      decide({
        by: role('prune'),
        action: 's3:PutObjectRetention',
        on: MANIFEST,
        with: { 's3:object-lock-mode': mode, 's3:object-lock-remaining-retention-days': days },
      });
    expect(await attempt('GOVERNANCE', '15')).toBe('Allowed');
    expect(await attempt('GOVERNANCE', '16')).toBe('ExplicitlyDenied');
    expect(await attempt('COMPLIANCE', '14')).toBe('ExplicitlyDenied');
  });

  test('backup reads nothing of sources that are not its own', async () => {
    const read = (key: string) =>
      decide({ by: role('backup'), action: 's3:GetObjectVersion', on: `${BUCKET}/${key}` });
    expect(await read(`${SITE}/archive-0011223344556677.tar.gz`)).toBe('Allowed');
    expect(await read('backups/database/20261122T030000000Z-x/dump-00.sql.gz')).toBe(
      'ImplicitlyDenied',
    );
  });

  test('backup reads its sources and cannot change them', async () => {
    const assets = 'arn:aws:s3:::spark-bloom-flow-assets/images/a.png';
    const at = (action: string) =>
      decide({ by: role('backup'), action, on: assets, resourcePolicy: undefined, with: NEW });
    expect(await at('s3:GetObject')).toBe('Allowed');
    for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectTagging'])
      expect(await at(action)).toBe('ImplicitlyDenied');
  });
});

describe('the role for people', () => {
  const by = role('recovery');

  test('is assumed from the account, with a second factor, and by nobody else', () => {
    const found = spark
      .ofType('AWS::IAM::Role')
      .find(([, { Properties }]) => Properties['RoleName'] === by);
    const document = found?.[1].Properties['AssumeRolePolicyDocument'] as { Statement: unknown };
    expect(document.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } },
      },
    ]);
  });

  test('reads everything', async () => {
    for (const on of [MANIFEST, ARCHIVE, `${BUCKET}/records/prune/assets/x.json`])
      for (const action of ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectVersionTagging'])
        expect(await decide({ by, action, on })).toBe('Allowed');
    expect(await decide({ by, action: 's3:ListBucketVersions', on: BUCKET })).toBe('Allowed');
  });

  test('creates records of what people do about incidents, overwrites none, and starts backups', async () => {
    const incident = `${BUCKET}/incidents/000001`;
    const put = (on: string, context: Record<string, string> = NEW) =>
      decide({ by, action: 's3:PutObject', on, with: context });
    for (const event of ['opened', 'acknowledged', 'noted', 'resolved'])
      expect(await put(`${incident}/0002-${event}.json`)).toBe('Allowed');
    const again = { 's3:ObjectCreationOperation': 'true' };
    expect(await put(`${incident}/0002-noted.json`, again)).toBe('ExplicitlyDenied');
    for (const event of ['0002-recovered', '0000-trying-failed_assets', '0000-claim-x.1'])
      expect(await put(`${incident}/${event}.json`)).not.toBe('Allowed');
    const starts = policyOf(spark, 'recovery').Statement.filter(({ Action }) =>
      [Action].flat().includes('lambda:InvokeFunction'),
    );
    expect(JSON.stringify(starts)).toMatch(/-backup/);
    expect(JSON.stringify(starts)).not.toMatch(/-(verify|prune|escalate)/);
  });

  test('changes nothing of what is there', async () => {
    for (const action of [
      's3:PutObject',
      's3:DeleteObject',
      's3:DeleteObjectVersion',
      's3:PutObjectVersionTagging',
      's3:PutObjectRetention',
      's3:BypassGovernanceRetention',
    ])
      expect(await decide({ by, action, on: MANIFEST, with: NEW })).not.toBe('Allowed');
    const { Statement } = policyOf(spark, 'recovery');
    const actions = [...new Set(Statement.flatMap(({ Action }) => Action))].sort();
    expect(
      actions.filter((one) => !/^(s3:(Get|List)|kms:(Decrypt|GetPublicKey)$)/.test(one)),
    ).toEqual([
      'kms:GenerateDataKey',
      'lambda:InvokeFunction',
      's3:AbortMultipartUpload',
      's3:PutObject',
    ]);
  });
});

describe('a key', () => {
  const keyOf = (name: string) => {
    const alias = spark
      .ofType('AWS::KMS::Alias')
      .find(([, { Properties }]) => Properties['AliasName'] === `alias/${SYSTEM}-${name}`);
    const arn = String(alias?.[1].Properties['TargetKeyId']);
    const key = spark.resources[arn.slice(arn.lastIndexOf('/') + 1)];
    return { arn, policy: key?.Properties['KeyPolicy'] };
  };
  const DIGEST = { 'kms:SigningAlgorithm': 'ECDSA_SHA_256', 'kms:MessageType': 'DIGEST' };
  const sign = (by: string, name: string, policy?: unknown) => {
    const { arn: on, policy: resourcePolicy } = keyOf(name);
    return decide({ by, action: 'kms:Sign', on, resourcePolicy, with: DIGEST, policy });
  };

  test.each(Object.keys(SIGNERS))(
    'of %s that signs, signs for it, and for no other function or administrator',
    async (name) => {
      expect(await sign(role(name), name)).toBe('Allowed');
      for (const other of FUNCTIONS.filter((one) => one !== name))
        expect(await sign(role(other), name, ANYTHING)).toBe('ExplicitlyDenied');
      expect(await sign('Administrator', name)).toBe('ExplicitlyDenied');
    },
  );

  test.each(['backup', 'store', 'messages'])(
    'of %s is disabled, deleted or handed over by nobody',
    async (name) => {
      const { arn: on, policy: resourcePolicy } = keyOf(name);
      for (const action of [
        'kms:ScheduleKeyDeletion',
        'kms:DisableKey',
        'kms:PutKeyPolicy',
        'kms:UpdateAlias',
      ]) {
        const attempt = (by: string) => decide({ by, action, on, resourcePolicy });
        expect(await attempt('Administrator')).toBe('ExplicitlyDenied');
        // KMS refuses a key whose maker could never change its policy again.
        expect(await attempt(DEPLOYER)).toBe('Allowed');
      }
    },
  );
});

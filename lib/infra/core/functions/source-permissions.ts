// What the function that backs up may read of each source, and which secrets functions may read.
import { ArnFormat, Aws, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type {
  BucketSourceConfig,
  GithubSourceConfig,
  ParametersSourceConfig,
  PostgresSourceConfig,
  RemoteSourceConfig,
} from '../../../config/config.ts';
import type { SecretReference } from '../../../config/places.ts';
import { regionInArn } from '../../../names/aws.ts';
import { regionOfRdsHost } from '../../../names/rds.ts';

/** Reading `source`, and nothing else; what is encrypted in a bucket needs {@link decryptBuckets} besides. */
export function readSource(scope: Construct, source: RemoteSourceConfig): PolicyStatement[] {
  switch (source.kind) {
    case 'bucket':
      return readBucket(source);
    case 'github':
      return readRepository(scope, source);
    case 'parameters':
      return readParameters(scope, source);
  }
}

function readBucket({ bucket, prefix }: BucketSourceConfig): PolicyStatement[] {
  const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
  return [
    new PolicyStatement({
      actions: ['s3:ListBucket', 's3:ListBucketVersions'],
      resources: [arn],
      ...(prefix !== '' && {
        conditions: { StringLikeIfExists: { 's3:prefix': `${prefix}*` } },
      }),
    }),
    new PolicyStatement({
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: [`${arn}/${prefix}*`],
    }),
  ];
}

/** Which key a bucket has is its owner's matter; what may be decrypted is what `buckets` hold, through S3. */
export function decryptBuckets(buckets: readonly BucketSourceConfig[]): PolicyStatement[] {
  const places = Map.groupBy(buckets, ({ region }) => region ?? Aws.REGION);
  return [...places].map(
    ([place, here]) =>
      new PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [`arn:${Aws.PARTITION}:kms:${place}:*:key/*`],
        conditions: {
          StringEquals: { 'kms:ViaService': `s3.${place}.amazonaws.com` },
          StringLike: {
            'kms:EncryptionContext:aws:s3:arn': here.flatMap(({ bucket, prefix }) => {
              const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
              return [arn, `${arn}/${prefix}*`];
            }),
          },
        },
      }),
  );
}

function readRepository(scope: Construct, { token }: GithubSourceConfig): PolicyStatement[] {
  return token === undefined ? [] : readSecret(scope, token);
}

function readParameters(scope: Construct, source: ParametersSourceConfig): PolicyStatement[] {
  const { paths, secretNames, secrets, region } = source;
  const place = region === undefined ? {} : { region };
  const parameters = paths.flatMap((path) => {
    const name = path.replace(/^\/+|\/+$/g, '');
    return [name, `${name}/*`].map((one) =>
      Stack.of(scope).formatArn({ service: 'ssm', ...place, resource: `parameter/${one}` }),
    );
  });
  const named = secretNames.map((name) =>
    Stack.of(scope).formatArn({ service: 'secretsmanager', ...place, resource: `secret:${name}*` }),
  );
  const values = secrets === 'include';
  return [
    ...(parameters.length > 0
      ? [
          new PolicyStatement({
            actions: ['ssm:GetParametersByPath', 'ssm:GetParameters', 'ssm:GetParameter'],
            resources: parameters,
          }),
        ]
      : []),
    ...(named.length > 0
      ? [
          // Secrets are listed by a filter, not by a resource.
          new PolicyStatement({ actions: ['secretsmanager:ListSecrets'], resources: ['*'] }),
          new PolicyStatement({
            actions: [
              'secretsmanager:DescribeSecret',
              ...(values ? ['secretsmanager:GetSecretValue'] : []),
            ],
            resources: named,
          }),
        ]
      : []),
    ...(values ? [decryptThrough(['ssm', 'secretsmanager'], region)] : []),
  ];
}

/** Connecting to one database: by reading what its connection is kept in, or as one role of it. */
export function connectTo(
  scope: Construct,
  { connection, server }: PostgresSourceConfig,
): PolicyStatement[] {
  if (connection !== 'iam') return readSecret(scope, connection);
  const { host = '', resourceId = '', user = '' } = server;
  const region = regionOfRdsHost(host);
  return [
    new PolicyStatement({
      actions: ['rds-db:connect'],
      resources: [
        Stack.of(scope).formatArn({
          ...(region !== undefined && { region }),
          service: 'rds-db',
          resource: 'dbuser',
          resourceName: `${resourceId}/${user}`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
  ];
}

/** Reading the one secret that `reference` names; nothing for what a function cannot reach. */
export function readSecret(scope: Construct, reference: SecretReference): PolicyStatement[] {
  const { scheme, name } = reference;
  if (scheme === 'ssm') {
    const resource = `parameter/${name.replace(/^\//, '')}`;
    return [
      new PolicyStatement({
        actions: ['ssm:GetParameter'],
        resources: [Stack.of(scope).formatArn({ service: 'ssm', resource })],
      }),
      decryptThrough(['ssm'], undefined),
    ];
  }
  if (scheme !== 'secret') return [];
  return [
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      // Six random characters follow the name of a secret in its ARN.
      resources: [
        name.startsWith('arn:')
          ? name
          : Stack.of(scope).formatArn({
              service: 'secretsmanager',
              resource: `secret:${name}-??????`,
            }),
      ],
    }),
    decryptThrough(['secretsmanager'], regionInArn(name)),
  ];
}

/** Secrets may have a key of their owner's: it is used through their service alone, and only with the rights above. */
function decryptThrough(services: readonly string[], region: string | undefined): PolicyStatement {
  const place = region ?? Aws.REGION;
  return new PolicyStatement({
    actions: ['kms:Decrypt'],
    resources: [`arn:${Aws.PARTITION}:kms:${place}:${Aws.ACCOUNT_ID}:key/*`],
    conditions: {
      StringEquals: {
        'kms:ViaService': services.map((service) => `${service}.${place}.amazonaws.com`),
      },
    },
  });
}

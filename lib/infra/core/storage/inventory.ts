// The weekly list of everything in the bucket, and the right to deliver it: to this bucket's list, from this account, and to nothing else.
import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { InventoryFormat, InventoryFrequency, InventoryObjectVersion } from 'aws-cdk-lib/aws-s3';
import type { CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';

const PREFIX = 'inventory';
const FIELDS = [
  'Size',
  'LastModifiedDate',
  'StorageClass',
  'EncryptionStatus',
  'ObjectLockMode',
  'ObjectLockRetainUntilDate',
];

/** Has S3 list `bucket` into `logs`. The construct's own method grants the delivery without asking for the account. */
export function listWeekly(bucket: IBucket, logs: IBucket): void {
  (bucket.node.defaultChild as CfnBucket).inventoryConfigurations = [
    {
      id: 'store',
      enabled: true,
      destination: { bucketArn: logs.bucketArn, prefix: PREFIX, format: InventoryFormat.CSV },
      scheduleFrequency: InventoryFrequency.WEEKLY,
      includedObjectVersions: InventoryObjectVersion.ALL,
      optionalFields: FIELDS,
    },
  ];
  logs.addToResourcePolicy(
    new PolicyStatement({
      sid: 'InventoryOfTheStore',
      principals: [new ServicePrincipal('s3.amazonaws.com')],
      actions: ['s3:PutObject'],
      resources: [logs.arnForObjects(`${PREFIX}/*`)],
      conditions: {
        ArnLike: { 'aws:SourceArn': bucket.bucketArn },
        StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      },
    }),
  );
}

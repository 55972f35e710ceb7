// What ARNs say of resources and vaults.
import { describe, expect, test } from '@jest/globals';

import { parseResource, parseVault, RESOURCE_ARN } from '../../lib/names/resources.ts';

const HERE = 'eu-central-1:123456789012';

describe('the ARN of a resource', () => {
  test.each([
    [`arn:aws:rds:${HERE}:cluster:app`, 'aurora', 'app'],
    [`arn:aws:rds:${HERE}:db:app-1`, 'rds', 'app-1'],
    [`arn:aws:dynamodb:${HERE}:table/Tasks.v2`, 'dynamodb', 'Tasks.v2'],
    [`arn:aws:elasticfilesystem:${HERE}:file-system/fs-0a1b2c3d`, 'efs', 'fs-0a1b2c3d'],
    [`arn:aws:ec2:${HERE}:volume/vol-0a1b2c3d4e5f6a7b8`, 'ebs', 'vol-0a1b2c3d4e5f6a7b8'],
  ])('%s is understood', (arn, kind, name) => {
    expect(parseResource(arn)).toEqual({
      ...{ kind, name, partition: 'aws' },
      ...{ region: 'eu-central-1', account: '123456789012' },
    });
    expect(RESOURCE_ARN.test(arn)).toBe(true);
  });

  test('of a bucket says neither region nor account', () => {
    expect(parseResource('arn:aws:s3:::uploads.example')).toEqual({
      ...{ kind: 's3', name: 'uploads.example', partition: 'aws' },
      ...{ region: undefined, account: undefined },
    });
  });

  test('may be of another partition', () => {
    const china = parseResource('arn:aws-cn:dynamodb:cn-north-1:123456789012:table/tasks');
    const government = parseResource('arn:aws-us-gov:rds:us-gov-west-1:123456789012:db:app');
    expect([china?.partition, china?.region]).toEqual(['aws-cn', 'cn-north-1']);
    expect([government?.partition, government?.region]).toEqual(['aws-us-gov', 'us-gov-west-1']);
  });

  test.each([
    `arn:aws:dynamodb:${HERE}:table/tasks/index/by-owner`,
    `arn:aws:dynamodb:${HERE}:table/*`,
    `arn:aws:rds:${HERE}:snapshot:app`,
    `arn:aws:lambda:${HERE}:function:app`,
    'arn:aws:s3:::uploads/*',
    'tasks',
    '',
  ])('%j is not one', (arn) => {
    expect(parseResource(arn)).toBeUndefined();
    expect(RESOURCE_ARN.test(arn)).toBe(false);
  });
});

describe('the ARN of a vault', () => {
  test('says where it is', () => {
    expect(parseVault('arn:aws:backup:eu-west-1:210987654321:backup-vault:copies')).toEqual({
      ...{ partition: 'aws', region: 'eu-west-1' },
      ...{ account: '210987654321', name: 'copies' },
    });
  });

  test('is not that of a recovery point', () => {
    expect(parseVault('arn:aws:backup:eu-west-1:210987654321:recovery-point:1234')).toBeUndefined();
  });
});

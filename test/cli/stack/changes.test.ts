// What `cdk diff` says about buckets, keys and vaults, and that nothing it says is passed over.
import { describe, expect, test } from '@jest/globals';
import { changesIn, losses } from '../../../lib/cli/stack/changes.ts';

const RESOURCES = [
  { id: 'StorageBucketBA41', type: 'AWS::S3::Bucket' },
  { id: 'KeyBF5F', type: 'AWS::KMS::Key' },
  { id: 'BackupFunction1', type: 'AWS::Lambda::Function' },
];

function diff(...resources: readonly string[]): string {
  return [
    'Stack holdfast-shop',
    'IAM Statement Changes',
    '┌───┬──────────┐',
    '[-] AWS::S3::Bucket NotAResource destroy',
    '└───┴──────────┘',
    '',
    'Resources',
    ...resources,
    '',
    'Outputs',
    '[+] Output Bucket Bucket: {"Value":"shop-backups"}',
    '',
    '✨  Number of stacks with differences: 1',
  ].join('\n');
}

const changes = (...lines: readonly string[]) => changesIn(diff(...lines), RESOURCES);

test('every resource that changes is named with what becomes of it', () => {
  expect(
    changes(
      '[+] AWS::KMS::Key Holdfast/Storage/Key KeyBF5F ',
      '[~] AWS::S3::Bucket Holdfast/Storage/Bucket StorageBucketBA41 replace',
      ' └─ [~] BucketName (requires replacement)',
      '     ├─ [-] old',
      '     └─ [+] new',
      '\u001b[31m[-]\u001b[39m \u001b[36mAWS::Lambda::Function\u001b[39m Holdfast/F Gone99 \u001b[31mdestroy\u001b[39m',
      '[~] AWS::Lambda::Function BackupFunction1',
    ),
  ).toEqual([
    { change: 'add', type: 'AWS::KMS::Key', id: 'KeyBF5F', impact: '' },
    { change: 'update', type: 'AWS::S3::Bucket', id: 'StorageBucketBA41', impact: 'replace' },
    { change: 'remove', type: 'AWS::Lambda::Function', id: 'Gone99', impact: 'destroy' },
    { change: 'update', type: 'AWS::Lambda::Function', id: 'BackupFunction1', impact: '' },
  ]);
});

test('a stack without differences changes nothing', () => {
  expect(changesIn('Stack holdfast-shop\nThere were no differences\n', RESOURCES)).toEqual([]);
});

test('what changes in a nested stack is seen as well', () => {
  const nested = diff('[-] AWS::KMS::Key a/b KeyOfNested orphan').replace(
    'holdfast-shop',
    'Nested',
  );
  const all = changesIn(`${diff('[+] AWS::KMS::Key a/b KeyBF5F')}\n${nested}`, RESOURCES);
  expect(losses(all)).toEqual([
    { change: 'remove', type: 'AWS::KMS::Key', id: 'KeyOfNested', impact: 'orphan' },
  ]);
});

test('an output that changes alone changes no resource', () => {
  expect(changesIn('Stack holdfast-shop\nOutputs\n[-] Output A\n', RESOURCES)).toEqual([]);
});

test('a diff without any words that are known is an error', () => {
  const other =
    'Stack holdfast-shop\nResource changes\n[~] AWS::S3::Bucket a StorageBucketBA41 replace';
  expect(() => changesIn(other, RESOURCES)).toThrow(/is not understood here: Stack holdfast-shop/);
});

describe('a loss is', () => {
  test.each([
    ['a bucket that is replaced', '[~] AWS::S3::Bucket a/b StorageBucketBA41 replace'],
    ['a key that may be replaced', '[~] AWS::KMS::Key a/b KeyBF5F may be replaced'],
    ['a vault that is deleted', '[-] AWS::Backup::BackupVault a/b VaultOld destroy'],
    ['a bucket that is left behind', '[-] AWS::S3::Bucket a/b BucketOld orphan'],
    [
      'a bucket that may have moved',
      '[-] AWS::S3::Bucket a/b Old orphan (OR move to Other.Id via refactoring)',
    ],
    ['a key whose end is told in no word', '[-] AWS::KMS::Key KeyOld'],
  ])('%s', (_, line) => {
    expect(losses(changes(line))).toHaveLength(1);
  });
});

test.each([
  ['a bucket that changes in place', '[~] AWS::S3::Bucket a/b StorageBucketBA41'],
  ['a new key', '[+] AWS::KMS::Key a/b KeyBF5F'],
  ['a bucket that is taken in', '[←] AWS::S3::Bucket a/b StorageBucketBA41 import'],
  ['a function that is replaced', '[~] AWS::Lambda::Function a/b BackupFunction1 replace'],
])('no loss is %s', (_, line) => {
  expect(losses(changes(line))).toEqual([]);
});

test.each([
  '[~] AWS::S3::Bucket a/b StorageBucketBA41 will be replaced',
  '[~] AWS::S3::Bucket a/b StorageBucketBA41 (replacement)',
  '[~] AWS::KMS::Key a/b StorageBucketBA41',
  '[!] AWS::S3::Bucket a/b StorageBucketBA41 replace',
  '~ AWS::S3::Bucket StorageBucketBA41 replace',
  'AWS::S3::Bucket StorageBucketBA41 will be replaced',
])('words of another cdk are an error, and never "no loss": %s', (line) => {
  expect(() => changes(line)).toThrow(/cdk diff says what is not understood here/);
});

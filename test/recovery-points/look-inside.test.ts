// What a restore test finds out about the kinds that Holdfast does not look into.
import { expect, test } from '@jest/globals';
import { lookInside } from '../../lib/recovery-points/validate/look-inside.ts';
import type { Lookers, Restored } from '../../lib/recovery-points/validate/look.ts';
import { parseResource } from '../../lib/names/resources.ts';

test.each([
  'arn:aws:rds:eu-central-1:123456789012:db:awsbackup-restore-test-1',
  'arn:aws:rds:eu-central-1:123456789012:cluster:awsbackup-restore-test-1',
  'arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0123456789abcdef0',
  'arn:aws:ec2:eu-central-1:123456789012:volume/vol-0123456789abcdef0',
])('%s is restored, and its content not proven', async (arn) => {
  const name = parseResource(arn);
  if (name === undefined) throw new Error('an ARN that is not known');
  const selection = { restoreTest: { postgres: undefined } };
  const restored = { arn, name, held: undefined, selection } as unknown as Restored;
  expect(await lookInside(restored, {} as Lookers)).toMatchObject({
    level: 'restored',
    damage: [],
    doubt: [{ detail: 'restored, content not proven' }],
  });
});

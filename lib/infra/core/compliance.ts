// What compliance mode means, said before anything is locked.
import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AwsConfig } from '../../config/config.ts';

/** Says at each synthesis what cannot be undone; nothing in governance mode. */
export function sayWhatCannotBeUndone(
  scope: Construct,
  bucketName: string,
  { lockMode, lockDays }: Pick<AwsConfig, 'lockMode' | 'lockDays'>,
): void {
  if (lockMode !== 'compliance') return;
  Annotations.of(scope).addWarningV2(
    'holdfast:compliance',
    [
      `lock.mode is compliance: once this is deployed, nobody can delete or shorten what is stored in ${bucketName},`,
      `not you, not an administrator, not AWS, until its lock of ${lockDays} days ends.`,
      'Every day the lock of everything that is kept is extended.',
      'The mode of what is stored cannot be changed back, the bucket cannot be removed while anything in it is locked,',
      'and storage is paid for until then.',
    ].join(' '),
  );
}

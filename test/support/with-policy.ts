// Somebody on the AWS of a test who has one policy, and no right beside it.
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import type { MiniStack } from './ministack.ts';

/** The credentials of a new user who has the managed policy, as environment variables. */
export async function withPolicy(
  aws: MiniStack,
  UserName: string,
  PolicyArn: string,
): Promise<Record<string, string>> {
  const iam = new IAMClient(aws.client);
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return {
    AWS_ACCESS_KEY_ID: AccessKey?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: AccessKey?.SecretAccessKey ?? '',
  };
}

// Who may change what protects the backups: the roles that deploy the stack, and those that break the glass.
import { Aws, DefaultStackSynthesizer, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** The roles given, or the one by which CloudFormation acts for `cdk deploy`. */
export function deployingRoles(scope: Construct, roles: readonly string[]): string[] {
  if (roles.length > 0) return [...roles];
  const qualifier =
    Stack.of(scope).synthesizer.bootstrapQualifier ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  const name = `cdk-${qualifier}-cfn-exec-role-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
  return [roleArn(name)];
}

/** The ARN of a role of this account, by its name: it holds for a role that is made again, too. */
export function roleArn(name: string): string {
  return `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/${name}`;
}

/** Denies `actions` to everybody but `roles`, which may be nobody. */
export function denyToAllBut(
  roles: readonly string[],
  denial: {
    readonly sid: string;
    readonly actions: readonly string[];
    readonly resources: readonly string[];
  },
): PolicyStatement {
  return new PolicyStatement({
    sid: denial.sid,
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: [...denial.actions],
    resources: [...denial.resources],
    // For a session of a role, this is the role itself.
    ...(roles.length > 0 && {
      conditions: { ArnNotLike: { 'aws:PrincipalArn': [...roles] } },
    }),
  });
}

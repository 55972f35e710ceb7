// Rights for principals that the stack does not make: roles of pipelines, of applications, of people.
import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { Grant, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { HoldfastError } from '../../errors.ts';
import type { Functions } from './functions/functions.ts';

/** Invoking the functions that back up. */
export function mayInvoke(functions: Functions): PolicyStatement[] {
  const resources = functions.all
    .filter(({ name }) => name === 'backup' || name === 'database-backup')
    .map((one) => one.function.functionArn);
  return [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources })];
}

/**
 * Adds `statements` to the policies of `grantee`.
 *
 * `CONFIG_INVALID` for one that is known to be of another account, for which a policy of its own does not suffice.
 */
export function grantAll(
  scope: Construct,
  grantee: IGrantable,
  statements: readonly PolicyStatement[],
): Grant {
  const { account, stackName } = Stack.of(scope);
  const { principalAccount } = grantee.grantPrincipal;
  if (
    principalAccount !== undefined &&
    Token.compareStrings(account, principalAccount) === TokenComparison.DIFFERENT
  ) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `a principal of the account ${principalAccount} cannot be granted anything; the stack "${stackName}" is in ${account}`,
      { hint: 'Grant it to a role of the same account, and let the other account assume that.' },
    );
  }
  return statements
    .map(({ actions, resources, conditions }) =>
      Grant.addToPrincipal({
        grantee,
        actions,
        resourceArns: resources,
        conditions: conditions as Record<string, Record<string, unknown>>,
      }),
    )
    .reduce((all, one) => all.combine(one));
}

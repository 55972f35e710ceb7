// Rights for principals that the stack does not make: roles of pipelines, of applications, of people.
import { Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { Grant, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { HoldfastError } from '../../errors.ts';
import { DEPLOYMENT_EVENT } from '../../names/aws.ts';
import type { FunctionName } from '../../names/aws.ts';
import type { Functions } from './functions/functions.ts';
import type { Tasks } from './functions/tasks.ts';
import { arnHere, FACTS, readStore, seeReleases, trust, type StoreAccess } from './permissions.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Invoking the functions that back up, and starting the tasks that do so in their place. */
export function startBackups(functions: Functions, tasks: Tasks | undefined): PolicyStatement[] {
  const resources = functions.all
    .filter(({ name }) => isBacker(name))
    .map((one) => one.function.functionArn);
  // Of tasks, there may be none that back up.
  const started = tasks?.names.filter(isBacker) ?? [];
  return [
    ...(resources.length === 0
      ? []
      : [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources })]),
    ...(tasks === undefined || started.length === 0 ? [] : tasks.mayTrigger(started)),
  ];
}

function isBacker(name: FunctionName): boolean {
  return name === 'backup' || name === 'database-backup';
}

/** Seeing which backups there are and what was proven of them, and nothing of what was backed up. */
export function seeStatus(store: StoreAccess, keys: SigningKeys): PolicyStatement[] {
  return [...readStore(store, FACTS, ['']), ...seeReleases(store), ...trust(keys.all)];
}

/** Putting the event by which any pipeline reports a deployment, and no other event. */
export function reportDeployments(scope: Construct): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['events:PutEvents'],
      resources: [arnHere(scope, 'events', 'event-bus/default')],
      // As in https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-example-policy-cross-account-custom-bus-source.html
      conditions: {
        'ForAllValues:StringEquals': {
          'events:source': DEPLOYMENT_EVENT.source,
          'events:detail-type': DEPLOYMENT_EVENT.detailType,
        },
        // For all values holds where there is none, too.
        Null: { 'events:source': 'false', 'events:detail-type': 'false' },
      },
    }),
  ];
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

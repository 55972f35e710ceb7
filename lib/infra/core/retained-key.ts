// A KMS key that outlives its stack: made with an alias, or found again by it. Where its creation is rolled back it goes, too, so that the
// deployment can be repeated.
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Alias, Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { denyToAllBut } from './deployers.ts';

export interface RetainedKeyProps {
  /** With `alias/` before it. */
  readonly alias: string;
  readonly description: string;
  readonly use: 'encrypt' | 'sign';
  /** Finds the key that has the alias instead of making one. */
  readonly adopt: boolean;
  /** ARNs, or patterns of them, of the roles that may change the key. */
  readonly deployers: readonly string[];
  /**
   * ARNs of the roles that may sign.
   * @default - whoever a policy allows it
   */
  readonly signers?: readonly string[];
}

/** What ends or weakens a key, or makes an alias stand for another one. */
const CHANGES = [
  'kms:ScheduleKeyDeletion',
  'kms:DisableKey',
  'kms:DisableKeyRotation',
  'kms:PutKeyPolicy',
  'kms:CreateAlias',
  'kms:UpdateAlias',
  'kms:DeleteAlias',
];

/** A key that nobody but the deploying roles can disable, delete or hand over. */
export class RetainedKey extends Construct {
  /** What the SDK names the key by: its ARN, or that of its alias where the key was adopted. */
  readonly arn: string;
  /** Undefined where the key was adopted: this stack cannot know its ARN. */
  readonly key: IKey | undefined;
  private readonly alias: string;

  constructor(scope: Construct, id: string, props: RetainedKeyProps) {
    super(scope, id);
    this.alias = props.alias;
    if (props.adopt) {
      this.arn = Stack.of(this).formatArn({ service: 'kms', resource: props.alias });
      return;
    }
    const signs = props.use === 'sign';
    const key = new Key(this, 'Key', {
      description: props.description,
      ...(signs
        ? { keySpec: KeySpec.ECC_NIST_P256, keyUsage: KeyUsage.SIGN_VERIFY }
        : { enableKeyRotation: true }),
      policy: keyPolicy(props),
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    new Alias(this, 'Alias', {
      aliasName: props.alias,
      targetKey: key,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.key = key;
    this.arn = key.keyArn;
  }

  /** Allows `actions` on this key and no other. */
  allow(actions: readonly string[], equals: Readonly<Record<string, string>> = {}) {
    if (this.key !== undefined) {
      return new PolicyStatement({
        actions: [...actions],
        resources: [this.arn],
        ...(Object.keys(equals).length > 0 && { conditions: { StringEquals: equals } }),
      });
    }
    // Policies know keys by ARN alone, but may ask for the alias.
    const anyKey = Stack.of(this).formatArn({
      service: 'kms',
      resource: 'key',
      resourceName: '*',
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    return new PolicyStatement({
      actions: [...actions],
      resources: [anyKey],
      conditions: {
        ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
        'ForAnyValue:StringEquals': { 'kms:ResourceAliases': this.alias },
      },
    });
  }
}

/** For the policy of a key: nobody but `deployers` disables it, deletes it or hands it over. */
export function onlyDeploymentsChange(deployers: readonly string[]): PolicyStatement {
  return denyToAllBut(deployers, {
    sid: 'OnlyDeploymentsChangeTheKey',
    actions: CHANGES,
    resources: ['*'],
  });
}

function keyPolicy({ deployers, signers }: RetainedKeyProps): PolicyDocument {
  const policies = new PolicyStatement({
    sid: 'PoliciesOfTheAccountDecide',
    principals: [new AccountRootPrincipal()],
    actions: ['kms:*'],
    resources: ['*'],
  });
  return new PolicyDocument({
    statements: [
      policies,
      onlyDeploymentsChange(deployers),
      ...(signers === undefined
        ? []
        : [
            denyToAllBut(signers, {
              sid: 'OnlyItsFunctionSigns',
              actions: ['kms:Sign'],
              resources: ['*'],
            }),
          ]),
    ],
  });
}

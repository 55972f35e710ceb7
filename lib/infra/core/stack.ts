// The core stack: one system, in the account and the region of its configuration.
import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../../config/config.ts';
import { isSigner, resourceName, signingAlias } from '../../names/aws.ts';
import { HoldfastSystem } from './system.ts';

export interface HoldfastStackProps {
  /** What `holdfast.yaml` says, as `loadConfig` returns it. */
  readonly config: Config;
  /** Where the year begins in which the longest intervals of schedules are looked for. */
  readonly now: Date;
}

/** `holdfast-my-site` */
export class HoldfastStack extends Stack {
  readonly holdfast: HoldfastSystem;

  constructor(scope: Construct, props: HoldfastStackProps) {
    const { config, now } = props;
    const { system, aws } = config;
    super(scope, stackName(system), {
      stackName: stackName(system),
      description: `Holdfast: backups of ${system} that are proven to restore`,
      env: {
        ...(aws?.account !== undefined && { account: aws.account }),
        ...(aws !== undefined && { region: aws.region }),
      },
      terminationProtection: aws?.terminationProtection ?? false,
      tags: { 'holdfast:system': system },
    });
    this.holdfast = new HoldfastSystem(this, 'Holdfast', { config, now });
    this.tell(system);
  }

  private tell(system: string): void {
    const { storage, messages, functions, recovery } = this.holdfast;
    const output = (name: string, value: string, description: string) =>
      new CfnOutput(this, name, { value, description });
    output('Bucket', storage.bucket.bucketName, 'Where the backups are');
    output('Topic', messages.topic.topicArn, 'Where messages go; subscribe whoever has to know');
    output('DeadLetters', messages.deadLetters.queueUrl, 'What could not be delivered');
    output('RecoveryRole', recovery.role.roleArn, 'People restore by it, with a second factor');
    for (const one of functions.all) {
      output(`${pascal(one.node.id)}Function`, one.functionName, 'For `holdfast trigger` and logs');
    }
    for (const { name } of functions.all) {
      if (isSigner(name))
        output(`${pascal(name)}SigningKey`, signingAlias(system, name), 'Signs what it writes');
    }
  }
}

function stackName(system: string): string {
  return resourceName(system, '').replace(/-$/, '');
}

function pascal(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

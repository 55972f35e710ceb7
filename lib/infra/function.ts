// One function of Holdfast: its code, role, log and limits.
import { rmSync } from 'node:fs';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  Function,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { resourceName } from '../names/aws.ts';
import type { FunctionName } from '../names/aws.ts';
import { writeCode } from './bundle.ts';
import { sendTraces } from './permissions.ts';

/** What a function is given to run in. */
export interface FunctionSize {
  /** One virtual CPU comes with each 1769 MB. */
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly scratchMiB: number;
  /** How many may run at once. */
  readonly concurrency: number;
}

export interface HoldfastFunctionProps {
  readonly name: FunctionName;
  readonly system: string;
  readonly about: string;
  /** What the code reads at its start. */
  readonly configuration: unknown;
  readonly environment: Readonly<Record<string, string>>;
  readonly size: FunctionSize;
  /** What it may do besides logging, tracing and reporting its dead letters. */
  readonly permissions: readonly PolicyStatement[];
  /** Encrypts logs and dead letters. */
  readonly messagesKey: IKey;
  readonly deadLetters: IQueue;
  readonly logDays: number;
  /** @default true */
  readonly reserveConcurrency?: boolean;
}

/** A function with a role of its own, which holds one policy and no other. */
export class HoldfastFunction extends Construct {
  readonly function: Function;
  readonly functionName: string;
  readonly size: FunctionSize;
  readonly role: Role;
  readonly policy: ManagedPolicy;

  constructor(scope: Construct, id: string, props: HoldfastFunctionProps) {
    super(scope, id);
    const { name, size, deadLetters, messagesKey } = props;
    const functionName = resourceName(props.system, name);
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      encryptionKey: messagesKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // The configuration allows the numbers that CloudWatch takes; the construct has names for them.
    (logGroup.node.defaultChild as CfnLogGroup).retentionInDays = props.logDays;
    this.policy = new ManagedPolicy(this, 'Policy', {
      managedPolicyName: functionName,
      description: `What ${functionName} may do`,
      statements: [
        ...props.permissions,
        new PolicyStatement({
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [logGroup.logGroupArn],
        }),
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }),
        new PolicyStatement({
          actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
          resources: [messagesKey.keyArn],
        }),
        sendTraces(),
      ],
    });
    this.role = new Role(this, 'Role', {
      roleName: functionName,
      description: `The function ${functionName} runs under it`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [this.policy],
    });
    this.functionName = functionName;
    this.size = size;
    this.function = this.makeFunction(props, logGroup);
    // A function that runs before its rights are there fails for no reason that anybody could see later.
    this.function.node.addDependency(this.policy);
  }

  private makeFunction(props: HoldfastFunctionProps, logGroup: LogGroup): Function {
    const { name, size, deadLetters } = props;
    const code = writeCode(name, props.configuration);
    try {
      return new Function(this, 'Function', {
        functionName: this.functionName,
        description: props.about,
        code: Code.fromAsset(code),
        handler: 'index.handler',
        runtime: Runtime.NODEJS_24_X,
        architecture: Architecture.ARM_64,
        memorySize: size.memoryMiB,
        timeout: Duration.seconds(size.timeoutSeconds),
        ephemeralStorageSize: Size.mebibytes(size.scratchMiB),
        ...(props.reserveConcurrency !== false && {
          reservedConcurrentExecutions: size.concurrency,
        }),
        environment: {
          ...props.environment,
          NODE_OPTIONS: '--enable-source-maps',
        },
        role: this.role.withoutPolicyUpdates(),
        tracing: Tracing.ACTIVE,
        loggingFormat: LoggingFormat.JSON,
        logGroup,
        deadLetterQueue: deadLetters,
        retryAttempts: 2,
        maxEventAge: Duration.hours(6),
      });
    } finally {
      rmSync(code, { recursive: true, force: true });
    }
  }
}

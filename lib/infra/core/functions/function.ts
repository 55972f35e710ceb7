// One function of Holdfast: its code, role, log and limits.
import { rmSync } from 'node:fs';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  DockerImageCode,
  DockerImageFunction,
  Function,
  LayerVersion,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { CfnFunction, FunctionOptions } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { VpcConfig } from '../../../config/config.ts';
import { MEMORY_VARIABLES } from '../../../config/load/function-settings.ts';
import { globalName, resourceName } from '../../../names/aws.ts';
import type { FunctionName, StackPlace } from '../../../names/aws.ts';
import { writeCode } from './bundle.ts';
import { joinNetwork, placeIn } from '../network.ts';
import { arnHere, sendTraces } from '../permissions.ts';
import { managedPolicies } from '../policies.ts';

/** What a function is given to run in. */
export interface FunctionSize {
  /** One virtual CPU comes with each 1769 MB. */
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly scratchMiB: number;
  /** How many may run at once. */
  readonly concurrency: number;
}

/** What a function is made of: its code alone, or an image that holds it. */
export type Packaging =
  | { readonly image: DockerImageAsset }
  | {
      readonly image: undefined;
      /** ARNs of layer versions. */
      readonly layers: readonly string[];
    };

export interface HoldfastFunctionProps extends StackPlace {
  readonly name: FunctionName;
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
  /** Whether the service logs each run, or only what goes wrong with one. @default 'runs' */
  readonly serviceLogs?: 'runs' | 'failures';
  /** @default - its code, without layers */
  readonly packaging?: Packaging;
  /** @default - no network of yours */
  readonly vpc?: VpcConfig | undefined;
}

/** A function with a role of its own, which holds its own policies and no others. */
export class HoldfastFunction extends Construct {
  readonly name: FunctionName;
  readonly function: Function;
  readonly functionName: string;
  readonly size: FunctionSize;
  readonly role: Role;
  readonly policies: readonly ManagedPolicy[];
  readonly logGroup: LogGroup;
  readonly reservesConcurrency: boolean;
  /** True in a network of the user. */
  readonly isInNetwork: boolean;

  constructor(scope: Construct, id: string, props: HoldfastFunctionProps) {
    super(scope, id);
    const { name, size, deadLetters, messagesKey, vpc } = props;
    const functionName = resourceName(props.system, name);
    const roleName = globalName(props, name);
    const functionArn = arnHere(this, 'lambda', `function:${functionName}`);
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      encryptionKey: messagesKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // The configuration allows the numbers that CloudWatch takes; the construct has names for them.
    (logGroup.node.defaultChild as CfnLogGroup).retentionInDays = props.logDays;
    this.policies = managedPolicies(this, 'Policy', {
      name: roleName,
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
        ...(vpc === undefined ? [] : joinNetwork(this, vpc, functionArn)),
      ],
    });
    this.role = new Role(this, 'Role', {
      roleName,
      description: `The function ${functionName} runs under it`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [...this.policies],
    });
    this.name = name;
    this.functionName = functionName;
    this.size = size;
    this.logGroup = logGroup;
    this.reservesConcurrency = props.reserveConcurrency !== false;
    this.isInNetwork = vpc !== undefined;
    this.function = this.makeFunction(props);
    if (vpc !== undefined)
      (this.function.node.defaultChild as CfnFunction).vpcConfig = placeIn(vpc);
    // A function that runs before its rights are there fails for no reason that anybody could see later.
    this.function.node.addDependency(...this.policies);
  }

  private makeFunction(props: HoldfastFunctionProps): Function {
    const { name, packaging = { image: undefined, layers: [] } } = props;
    const options = this.optionsOf(props);
    if (packaging.image !== undefined) {
      const { repository, imageTag } = packaging.image;
      const code = DockerImageCode.fromEcr(repository, {
        tagOrDigest: imageTag,
        cmd: [`${name}.handler`],
      });
      return new DockerImageFunction(this, 'Function', { ...options, code });
    }
    const code = writeCode(name, props.configuration);
    try {
      return new Function(this, 'Function', {
        ...options,
        code: Code.fromAsset(code),
        handler: 'index.handler',
        runtime: Runtime.NODEJS_24_X,
        layers: packaging.layers.map((arn, index) =>
          LayerVersion.fromLayerVersionArn(this, `Layer${index}`, arn),
        ),
      });
    } finally {
      rmSync(code, { recursive: true, force: true });
    }
  }

  private optionsOf(props: HoldfastFunctionProps): FunctionOptions {
    const { size, deadLetters } = props;
    return {
      functionName: this.functionName,
      description: props.about,
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
        ...MEMORY_VARIABLES,
      },
      role: this.role.withoutPolicyUpdates(),
      tracing: Tracing.ACTIVE,
      loggingFormat: LoggingFormat.JSON,
      ...(props.serviceLogs === 'failures' && { systemLogLevelV2: SystemLogLevel.WARN }),
      logGroup: this.logGroup,
      deadLetterQueue: deadLetters,
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
    };
  }
}

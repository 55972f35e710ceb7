// What AWS Backup protects for us: the kinds of resources, and what their ARNs say. Pure.

/** Our names of the kinds, and those that AWS Backup has for them. */
export const RESOURCE_TYPES = {
  aurora: 'Aurora',
  dynamodb: 'DynamoDB',
  ebs: 'EBS',
  efs: 'EFS',
  rds: 'RDS',
  s3: 'S3',
} as const;
export type ResourceKind = keyof typeof RESOURCE_TYPES;
export const RESOURCE_KINDS = Object.keys(RESOURCE_TYPES) as readonly ResourceKind[];

/** What an ARN of a resource says. */
export interface ResourceName {
  readonly kind: ResourceKind;
  readonly partition: string;
  /** Undefined for a bucket, whose ARN does not say. */
  readonly region: string | undefined;
  readonly account: string | undefined;
  /** Without what stands before it: the name of a table, of an instance, of a bucket; the id of a volume or a file system. */
  readonly name: string;
}

const PLACED = String.raw`(?<region>[a-z]{2}(?:-[a-z]+)+-\d):(?<account>\d{12})`;

const SHAPES: Readonly<Record<ResourceKind, string>> = {
  aurora: `rds:${PLACED}:cluster:(?<name>[a-z][a-z0-9-]{0,62})`,
  dynamodb: `dynamodb:${PLACED}:table/(?<name>[A-Za-z0-9_.-]{3,255})`,
  ebs: `ec2:${PLACED}:volume/(?<name>vol-[0-9a-f]{8,17})`,
  efs: `elasticfilesystem:${PLACED}:file-system/(?<name>fs-[0-9a-f]{8,40})`,
  rds: `rds:${PLACED}:db:(?<name>[a-z][a-z0-9-]{0,62})`,
  s3: `s3:::(?<name>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])`,
};

const PATTERNS = RESOURCE_KINDS.map(
  (kind) => [kind, new RegExp(`^arn:(?<partition>aws[a-z-]*):${SHAPES[kind]}$`)] as const,
);

/** What `arn` names; undefined where AWS Backup is not asked to protect such a thing. */
export function parseResource(arn: string): ResourceName | undefined {
  for (const [kind, pattern] of PATTERNS) {
    const groups = pattern.exec(arn)?.groups;
    if (groups === undefined) continue;
    const { partition = '', region, account, name = '' } = groups;
    return { kind, partition, region, account, name };
  }
  return undefined;
}

/** The ARN of a resource, of any kind that is known here: for the schema. */
export const RESOURCE_ARN = new RegExp(
  `^arn:aws[a-z-]*:(${RESOURCE_KINDS.map((kind) => SHAPES[kind].replaceAll(/\?<\w+>/g, '')).join('|')})$`,
);

/** What an ARN of a vault says. */
export interface VaultName {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly name: string;
}

/** The ARN of a vault of AWS Backup. */
export const VAULT_ARN =
  /^arn:(aws[a-z-]*):backup:([a-z]{2}(?:-[a-z]+)+-\d):(\d{12}):backup-vault:([A-Za-z0-9_-]{2,50})$/;

/** What `arn` names, or undefined when it is not that of a vault. */
export function parseVault(arn: string): VaultName | undefined {
  const [, partition, region, account, name] = VAULT_ARN.exec(arn) ?? [];
  if (partition === undefined || region === undefined) return undefined;
  if (account === undefined || name === undefined) return undefined;
  return { partition, region, account, name };
}

/** What the names of all that AWS Backup restores for a test begin with. */
export const RESTORED_FOR_TESTS = 'awsbackup-restore-test-';

// Which resources an account has, as far as they can be listed in one place, and whom its roles trust.
import { DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  paginateGetResources,
  ResourceGroupsTaggingAPIClient,
} from '@aws-sdk/client-resource-groups-tagging-api';
import { paginateListBuckets, S3Client } from '@aws-sdk/client-s3';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import type { BackupPlace } from './aws-backup.ts';
import { parseResource, type ResourceKind } from '../names/resources.ts';

export interface Inventory {
  /**
   * The ARNs of resources of these kinds, of the region; with all of `tags` where these are given. Without tags: those that have or
   * had any, and all tables and buckets. Errors as all calls of AWS fail.
   */
  resources(
    kinds: readonly ResourceKind[],
    tags?: Readonly<Record<string, string>>,
  ): Promise<readonly string[]>;
  /** The services that may take on a role; undefined where there is no such role. */
  roleTrusts(name: string): Promise<readonly string[] | undefined>;
}

/** As the service of tags calls the kinds. */
const TAGGED: Readonly<Record<ResourceKind, string>> = {
  aurora: 'rds:cluster',
  dynamodb: 'dynamodb:table',
  ebs: 'ec2:volume',
  efs: 'elasticfilesystem:file-system',
  rds: 'rds:db',
  s3: 's3',
};

const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true };

/** Whose resources these are. */
export interface Owner {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
}

/** What `owner` has in a region. */
export function openInventory({ region, endpoint, signal }: BackupPlace, owner: Owner): Inventory {
  const place = {
    requestHandler: TIMEOUTS,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  };
  const sending = signal === undefined ? {} : { abortSignal: signal };
  const told = async <T>(thing: string, tell: () => Promise<T>): Promise<T> => {
    try {
      return await tell();
    } catch (error) {
      throw awsError(error, { thing, doing: 'cannot be listed' });
    }
  };
  return {
    async resources(kinds, tags) {
      const found = new Set<string>();
      await told('what has tags', async () => {
        const client = new ResourceGroupsTaggingAPIClient(place);
        const input = {
          ResourceTypeFilters: kinds.map((kind) => TAGGED[kind]),
          TagFilters: Object.entries(tags ?? {}).map(([Key, value]) => ({ Key, Values: [value] })),
        };
        for await (const page of paginateGetResources({ client }, input, sending))
          for (const { ResourceARN: arn = '' } of page.ResourceTagMappingList ?? []) found.add(arn);
      });
      if (tags === undefined) {
        if (kinds.includes('dynamodb'))
          for (const arn of await told('tables', () =>
            tables(new DynamoDBClient(place), owner, sending),
          ))
            found.add(arn);
        if (kinds.includes('s3'))
          for (const arn of await told('buckets', () =>
            buckets(new S3Client(place), owner, sending),
          ))
            found.add(arn);
      }
      return [...found].filter((arn) => kinds.some((kind) => parseResource(arn)?.kind === kind));
    },
    async roleTrusts(name) {
      try {
        const answer = await new IAMClient(place).send(
          new GetRoleCommand({ RoleName: name }),
          sending,
        );
        return servicesIn(decodeURIComponent(answer.Role?.AssumeRolePolicyDocument ?? '{}'));
      } catch (error) {
        if (awsFailure(error)?.name === 'NoSuchEntityException') return undefined;
        throw awsError(error, { thing: `the role ${name}`, doing: 'cannot be described' });
      }
    },
  };
}

interface Sending {
  readonly abortSignal?: AbortSignal;
}

async function tables(
  client: DynamoDBClient,
  { partition, account, region }: Owner,
  sending: Sending,
): Promise<string[]> {
  const found: string[] = [];
  for await (const { TableNames = [] } of paginateListTables({ client }, {}, sending))
    for (const name of TableNames)
      found.push(`arn:${partition}:dynamodb:${region}:${account}:table/${name}`);
  return found;
}

async function buckets(
  client: S3Client,
  { partition, region }: Owner,
  sending: Sending,
): Promise<string[]> {
  const found: string[] = [];
  const input = { BucketRegion: region };
  for await (const { Buckets = [] } of paginateListBuckets({ client }, input, sending))
    for (const { Name = '' } of Buckets) found.push(`arn:${partition}:s3:::${Name}`);
  return found;
}

/** The services among the principals of a policy that lets a role be taken on. */
function servicesIn(policy: string): string[] {
  const { Statement = [] } = JSON.parse(policy) as { Statement?: unknown };
  const statements = [Statement].flat() as {
    Effect?: string;
    Principal?: { Service?: string | string[] } | string;
  }[];
  return statements.flatMap(({ Effect, Principal }) =>
    Effect === 'Allow' && typeof Principal === 'object' ? [Principal.Service ?? []].flat() : [],
  );
}

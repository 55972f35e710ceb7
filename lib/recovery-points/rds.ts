// RDS, asked by its SDK about what was restored for a test. This file alone imports it. Nothing here deletes a snapshot or a cluster.
import {
  CreateDBInstanceCommand,
  DeleteDBInstanceCommand,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  ModifyDBClusterCommand,
  ModifyDBInstanceCommand,
  paginateDescribeDBInstances,
  RDSClient,
  type DBCluster,
  type DBInstance,
  type Tag,
} from '@aws-sdk/client-rds';
import type { AwsPlace } from '../aws/aws-place.ts';
import { awsError } from '../aws/errors.ts';
import { awsFailure } from '../aws/failure.ts';
import type { DatabaseSeen, RestoredDatabases } from './rds-service.ts';

/** An account has few calls a second, which everybody in it shares. */
const ATTEMPTS = 6;
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };
const PAGE = 100;

/** The databases of a region; by default of where this runs. */
export function openDatabases({ region, endpoint }: AwsPlace = {}): RestoredDatabases {
  return restoredDatabases(
    new RDSClient({
      maxAttempts: ATTEMPTS,
      requestHandler: TIMEOUTS,
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
    }),
  );
}

/** What `client` tells and does. */
export function restoredDatabases(client: RDSClient): RestoredDatabases {
  return {
    async find(kind, name) {
      try {
        if (kind === 'rds') {
          const asked = new DescribeDBInstancesCommand({ DBInstanceIdentifier: name });
          const [found] = (await client.send(asked)).DBInstances ?? [];
          return found && instanceSeen(found);
        }
        const asked = new DescribeDBClustersCommand({ DBClusterIdentifier: name });
        const [found] = (await client.send(asked)).DBClusters ?? [];
        return found && clusterSeen(found);
      } catch (error) {
        if (awsFailure(error)?.reason === 'absent') return undefined;
        throw awsError(error, { thing: `the database ${name}`, doing: 'cannot be described' });
      }
    },
    async *instances() {
      try {
        const pages = paginateDescribeDBInstances({ client, pageSize: PAGE }, {});
        for await (const { DBInstances = [] } of pages) yield* DBInstances.map(instanceSeen);
      } catch (error) {
        throw awsError(error, { thing: 'the instances of RDS', doing: 'cannot be listed' });
      }
    },
    async setPassword(kind, { name, passwordManaged }, password) {
      const change = {
        MasterUserPassword: password,
        ApplyImmediately: true,
        ...(passwordManaged && { ManageMasterUserPassword: false }),
      };
      const ask = () =>
        kind === 'rds'
          ? client.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: name, ...change }))
          : client.send(new ModifyDBClusterCommand({ DBClusterIdentifier: name, ...change }));
      return later(ask, { thing: `the password of ${name}`, doing: 'cannot be set' });
    },
    async addInstance({ name, cluster, engine, instanceClass, tags }) {
      const command = new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        DBClusterIdentifier: cluster,
        Engine: engine,
        DBInstanceClass: instanceClass,
        PubliclyAccessible: false,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      });
      try {
        await client.send(command);
      } catch (error) {
        if (awsFailure(error)?.name.startsWith('DBInstanceAlreadyExists') === true) return;
        throw awsError(error, { thing: `the instance ${name}`, doing: 'cannot be added' });
      }
    },
    async deleteInstance(name) {
      const command = new DeleteDBInstanceCommand({
        DBInstanceIdentifier: name,
        SkipFinalSnapshot: true,
      });
      try {
        const call = { thing: `the instance ${name}`, doing: 'cannot be deleted' };
        return await later(() => client.send(command), call);
      } catch (error) {
        if (awsFailure(error)?.reason === 'absent') return true;
        throw error;
      }
    },
  };
}

/** Whether it was done; false for what the state of a database does not allow yet. */
async function later(
  ask: () => Promise<unknown>,
  call: Parameters<typeof awsError>[1],
): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (/^InvalidDB(Instance|Cluster)State/.test(awsFailure(error)?.name ?? '')) return false;
    throw awsError(error, call);
  }
}

function instanceSeen(instance: DBInstance): DatabaseSeen {
  return {
    name: instance.DBInstanceIdentifier ?? '',
    state: instance.DBInstanceStatus ?? 'unknown',
    engine: instance.Engine ?? '',
    admin: instance.MasterUsername ?? '',
    host: instance.Endpoint?.Address,
    port: instance.Endpoint?.Port,
    passwordPending: instance.PendingModifiedValues?.MasterUserPassword !== undefined,
    passwordManaged: instance.MasterUserSecret !== undefined,
    cluster: instance.DBClusterIdentifier,
    serverless: false,
    created: instance.InstanceCreateTime,
    tags: tagsOf(instance.TagList),
  };
}

function clusterSeen(cluster: DBCluster): DatabaseSeen {
  return {
    name: cluster.DBClusterIdentifier ?? '',
    state: cluster.Status ?? 'unknown',
    engine: cluster.Engine ?? '',
    admin: cluster.MasterUsername ?? '',
    host: cluster.Endpoint,
    port: cluster.Port,
    passwordPending: cluster.PendingModifiedValues?.MasterUserPassword !== undefined,
    passwordManaged: cluster.MasterUserSecret !== undefined,
    cluster: undefined,
    serverless: cluster.ServerlessV2ScalingConfiguration !== undefined,
    created: cluster.ClusterCreateTime,
    tags: tagsOf(cluster.TagList),
  };
}

function tagsOf(tags: readonly Tag[] = []): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

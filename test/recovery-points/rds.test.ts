// What RDS is asked about restored databases: the real client over HTTP, and what a service far away does besides.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RDSClient } from '@aws-sdk/client-rds';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { restoredDatabases } from '../../lib/recovery-points/rds.ts';
import type { DatabaseSeen, RestoredDatabases } from '../../lib/recovery-points/rds-service.ts';
import { codeOf } from '../support/engine.ts';

const NAME = 'awsbackup-restore-test-1';

/** An answer, or the name and the status of an error; `reset` breaks the connection. */
type Answer = string | readonly [name: string, status: number];

let server: http.Server;
let rds: RestoredDatabases;
/** By action, each taken once; the last one stays. */
let answers: Record<string, Answer[]>;
let asked: Record<string, string>[];

beforeEach(async () => {
  answers = {};
  asked = [];
  server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const input = Object.fromEntries(new URLSearchParams(body));
      asked.push(input);
      const action = input['Action'] ?? '';
      const queue = answers[action] ?? [];
      const answer = (queue.length > 1 ? queue.shift() : queue[0]) ?? '';
      if (answer === 'reset') return void request.socket.destroy();
      const failed = typeof answer !== 'string';
      response.writeHead(failed ? answer[1] : 200, { 'content-type': 'text/xml' });
      response.end(
        failed
          ? `<ErrorResponse><Error><Type>Sender</Type><Code>${answer[0]}</Code><Message>as told</Message></Error></ErrorResponse>`
          : `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${answer}</${action}Result></${action}Response>`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rds = restoredDatabases(
    new RDSClient({
      region: 'eu-central-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 3,
    }),
  );
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const instances = (...names: string[]) =>
  `<DBInstances>${names
    .map(
      (name) =>
        `<DBInstance><DBInstanceIdentifier>${name}</DBInstanceIdentifier><DBInstanceStatus>some-new-state</DBInstanceStatus><Engine>postgres</Engine><MasterUsername>app</MasterUsername><Endpoint><Address>db.example</Address><Port>5432</Port></Endpoint><PendingModifiedValues><MasterUserPassword>****</MasterUserPassword></PendingModifiedValues><MasterUserSecret><SecretStatus>active</SecretStatus></MasterUserSecret><TagList><Tag><Key>holdfast:system</Key><Value>shop</Value></Tag></TagList></DBInstance>`,
    )
    .join('')}</DBInstances>`;
const CLUSTER = `<DBClusters><DBCluster><DBClusterIdentifier>${NAME}</DBClusterIdentifier><Status>available</Status><Engine>aurora-postgresql</Engine><MasterUsername>app</MasterUsername><Endpoint>c.example</Endpoint><Port>5433</Port><ServerlessV2ScalingConfiguration><MinCapacity>0.5</MinCapacity></ServerlessV2ScalingConfiguration></DBCluster></DBClusters>`;

const SEEN = { name: NAME, passwordManaged: false } as DatabaseSeen;

test('an instance is told with its state, whatever that is, its endpoint and what is pending', async () => {
  answers = { DescribeDBInstances: [instances(NAME)] };
  expect(await rds.find('rds', NAME)).toMatchObject({
    ...{ name: NAME, state: 'some-new-state', engine: 'postgres', admin: 'app' },
    ...{ host: 'db.example', port: 5432, passwordPending: true, passwordManaged: true },
    tags: { 'holdfast:system': 'shop' },
  });
  expect(asked[0]).toMatchObject({ DBInstanceIdentifier: NAME });
});

test('a cluster is told with whether its instances may be serverless', async () => {
  answers = { DescribeDBClusters: [CLUSTER] };
  expect(await rds.find('aurora', NAME)).toMatchObject({
    ...{ name: NAME, state: 'available', engine: 'aurora-postgresql', serverless: true },
    ...{ host: 'c.example', port: 5433, passwordPending: false, passwordManaged: false },
  });
});

test.each([
  ['rds', 'DescribeDBInstances', 'DBInstanceNotFound'],
  ['aurora', 'DescribeDBClusters', 'DBClusterNotFoundFault'],
] as const)('what has vanished is not there: %s', async (kind, action, name) => {
  answers = { [action]: [[name, 404]] };
  expect(await rds.find(kind, NAME)).toBeUndefined();
});

test('what is throttled or broken off is asked again', async () => {
  answers = { DescribeDBInstances: [['Throttling', 400], 'reset', instances(NAME)] };
  expect(await rds.find('rds', NAME)).toMatchObject({ name: NAME });
  expect(asked).toHaveLength(3);
});

test('what is denied is said to be', async () => {
  answers = {
    DescribeDBInstances: [['AccessDenied', 403]],
    DeleteDBInstance: [['AccessDenied', 403]],
  };
  expect(await codeOf(rds.find('rds', NAME))).toBe('STORE_DENIED');
  expect(await codeOf(rds.deleteInstance(NAME))).toBe('STORE_DENIED');
});

test('every page of instances is asked for', async () => {
  answers = { DescribeDBInstances: [`<Marker>next</Marker>${instances('a')}`, instances('b')] };
  const found: string[] = [];
  for await (const { name } of rds.instances()) found.push(name);
  expect(found).toEqual(['a', 'b']);
  expect(asked[1]).toMatchObject({ Marker: 'next' });
});

test('a password is set at once, and taken back from the secret of RDS where there is one', async () => {
  expect(await rds.setPassword('rds', { ...SEEN, passwordManaged: true }, 'secret-1')).toBe(true);
  expect(await rds.setPassword('aurora', SEEN, 'secret-2')).toBe(true);
  expect(asked).toMatchObject([
    {
      ...{ Action: 'ModifyDBInstance', DBInstanceIdentifier: NAME, ApplyImmediately: 'true' },
      ...{ MasterUserPassword: 'secret-1', ManageMasterUserPassword: 'false' },
    },
    { Action: 'ModifyDBCluster', DBClusterIdentifier: NAME, MasterUserPassword: 'secret-2' },
  ]);
  expect(asked[1]).not.toHaveProperty('ManageMasterUserPassword');
});

test('what the state of a database does not allow may be asked for later', async () => {
  answers = {
    ModifyDBInstance: [['InvalidDBInstanceState', 400]],
    ModifyDBCluster: [['InvalidDBClusterStateFault', 400]],
    DeleteDBInstance: [['InvalidDBInstanceState', 400]],
  };
  expect(await rds.setPassword('rds', SEEN, 'x')).toBe(false);
  expect(await rds.setPassword('aurora', SEEN, 'x')).toBe(false);
  expect(await rds.deleteInstance(NAME)).toBe(false);
});

const ADDED = {
  ...{ name: `${NAME}-1`, cluster: NAME, engine: 'aurora-postgresql' },
  instanceClass: 'db.t4g.medium',
  tags: { 'awsbackup-restore-test': NAME },
};

test('an instance is added to a cluster, in private, with its tags', async () => {
  await rds.addInstance(ADDED);
  expect(asked).toMatchObject([
    {
      ...{ DBInstanceIdentifier: `${NAME}-1`, DBClusterIdentifier: NAME },
      ...{ Engine: 'aurora-postgresql', DBInstanceClass: 'db.t4g.medium' },
      PubliclyAccessible: 'false',
      'Tags.Tag.1.Key': 'awsbackup-restore-test',
      'Tags.Tag.1.Value': NAME,
    },
  ]);
});

test('one that is there already stays; one for which there is no room is not one', async () => {
  answers = { CreateDBInstance: [['DBInstanceAlreadyExists', 400]] };
  await rds.addInstance(ADDED);
  answers = { CreateDBInstance: [['InsufficientDBInstanceCapacity', 400]] };
  expect(await codeOf(rds.addInstance(ADDED))).toBe('STORE_UNAVAILABLE');
});

test('an instance is deleted without a snapshot, and one that is gone is deleted', async () => {
  expect(await rds.deleteInstance(NAME)).toBe(true);
  expect(asked).toMatchObject([{ DBInstanceIdentifier: NAME, SkipFinalSnapshot: 'true' }]);
  answers = { DeleteDBInstance: [['DBInstanceNotFound', 404]] };
  expect(await rds.deleteInstance(NAME)).toBe(true);
});

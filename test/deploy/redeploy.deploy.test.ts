// The Automatron website on AWS: backed up from outside, proven there, with what AWS Backup protects beside it, and none of it lost when
// the stacks are.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudFormationClient,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Cdk } from '../support/cdk.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { Deployed } from '../support/deployed.ts';
import { withoutSinks } from '../support/examples.ts';
import { testPlanName } from '../../lib/names/recovery-points.ts';
import { Protected, videoName, type RestoreTest } from '../support/protected.ts';
import { withPolicy } from '../support/with-policy.ts';
import { ACCOUNT, startMiniStack, type MiniStack } from '../support/ministack.ts';
import { writeNextSite } from '../support/next-site.ts';
import { storyStart } from '../support/story-start.ts';
import { until } from '../support/until.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../examples/automatron-website/holdfast.aws.yaml', import.meta.url),
);
const SYSTEM = 'automatron-website';
const TABLE = `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/automatron-website-enquiries`;
/** Its role asks for a second factor, which the local AWS does not know. */
const RESTORER = `arn:aws:iam::${ACCOUNT}:policy/holdfast-${SYSTEM}-us-east-1-start-restores`;
const BUCKET = 'arn:aws:s3:::automatron-website-media';

let aws: MiniStack;
let place: Place;
let cdk: Cdk;
let system: Deployed;
let config: string;
let things: Protected;

beforeAll(async () => {
  aws = await startMiniStack({ enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  writeNextSite(place.site, {});
  // The pipeline's own key instead of the one that stands in the example.
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  config = join(place.site, 'holdfast.yaml');
  // Who is told of incidents is a story of its own.
  const example = withoutSinks(readFileSync(EXAMPLE, 'utf8'));
  const own = example
    .replace(/publicKey: .*/, `publicKey: ${publicKey.toString('base64')}`)
    .replace(/arn:aws:dynamodb:\S*\b/, TABLE);
  for (const given of [publicKey.toString('base64'), TABLE, BUCKET]) expect(own).toContain(given);
  writeFileSync(config, own);
  system = new Deployed(SYSTEM, {
    aws: { ...aws, env: { ...aws.env, HOLDFAST_SIGNING_KEY: privateKey } },
    place,
  });
  things = new Protected(aws);
  await Promise.all([
    cdk.bootstrap(),
    things.table('automatron-website-enquiries'),
    things.bucket('automatron-website-media'),
  ]);
  await cdk.deploy(config);
}, 600_000);

afterAll(async () => {
  await aws.stop();
  await cdk.remove();
  await place.remove();
}, 60_000);

/** Backs the site up as its pipeline does, and waits for the function that proves it. */
async function backUp(): Promise<string> {
  const { exit, stdout, stderr } = await system.run(
    'backup',
    'site',
    '--trigger',
    'pre-deploy',
    '--json',
  );
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const known = /"id": "([^"]+)"/.exec(stdout)?.[1] ?? '';
  return until(`the backup ${known} is proven`, async () =>
    (await system.list('site')).some(({ id, good }) => id === known && good) ? known : undefined,
  );
}

test('what a pipeline stores is proven by the stack, and pruned by nobody else', async () => {
  await backUp();
  expect(await system.invoke('restore-test', { source: 'site', at: aws.now() })).toMatchObject({
    verdict: 'proven',
  });
  expect(await system.invoke('prune', {})).toBeDefined();
}, 180_000);

interface Point {
  readonly selection: string;
  readonly resource: string;
  readonly recoveryPoint: string;
  readonly standing: string;
  readonly test?: { readonly verdict: string };
}

/** What `holdfast list --json` says of recovery points. */
async function points(): Promise<readonly Point[]> {
  const { stdout, stderr } = await system.run('list', '--json');
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { recoveryPoints: Point[] }).recoveryPoints;
}

interface Entry {
  readonly source: string;
  readonly verb: string;
  readonly verdict: string;
}

/** The evidence about what AWS Backup protects, oldest first, as soon as there are `count` entries of the verb. */
async function evidence(verb: string, count: number): Promise<string[]> {
  return until(`there are ${count} entries of ${verb}`, async () => {
    const { stdout } = await system.run('log', 'enquiries', 'media', '--json');
    const { entries } = JSON.parse(stdout) as { entries: Entry[] };
    const found = entries.filter((entry) => entry.verb === verb);
    if (found.length < count) return undefined;
    return found.map(({ source, verdict }) => `${source} ${verdict}`).sort();
  });
}

test('jobs of AWS Backup that somebody orders make recovery points, and what they hold is written down', async () => {
  for (const selection of ['enquiries', 'media']) {
    const { exit, stdout, stderr } = await system.run('trigger', selection, '--wait', '--json');
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ jobs: [{ state: 'COMPLETED', good: true }] });
  }
  expect(await evidence('recovery-point', 2)).toEqual(['enquiries done', 'media done']);
  expect(await points()).toMatchObject([
    { selection: 'enquiries', resource: TABLE, standing: 'good' },
    { selection: 'media', resource: BUCKET, standing: 'good' },
  ]);
}, 120_000);

test('freshness and status judge them for each resource', async () => {
  await system.invoke('freshness', {});
  for (const [selection, resource] of [
    ['enquiries', TABLE],
    ['media', BUCKET],
  ] as const) {
    expect(await system.metricOf('LateRecoveryPoints', selection, resource)).toBe(0);
    expect(await system.metricOf('RecoveryPointAgeSeconds', selection, resource)).toBeLessThan(600);
  }
  const { stdout } = await system.run('status', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    recoveryPoints: [
      { selection: 'enquiries', resource: TABLE, verdict: 'fine' },
      { selection: 'media', resource: BUCKET, verdict: 'fine' },
    ],
  });
}, 120_000);

test('what is restored for a test is looked into, and AWS Backup is told what differs', async () => {
  const copies = {
    enquiries: 'awsbackup-restore-test-table',
    media: 'awsbackup-restore-test-0a1b',
  };
  await things.table(copies.enquiries);
  await things.bucket(copies.media, { [videoName(7)]: 'not what it was' });
  const of = await points();
  const jobOf = (selection: keyof typeof copies, type: RestoreTest['type']) =>
    things.restored({
      recoveryPoint: of.find((one) => one.selection === selection)?.recoveryPoint ?? '',
      created: copies[selection],
      plan: testPlanName(SYSTEM, selection),
      type,
    });
  const same = await jobOf('enquiries', 'DynamoDB');
  const altered = await jobOf('media', 'S3');
  expect(await evidence('restore-test', 2)).toEqual(['enquiries proven', 'media damaged']);
  const told = (job: string) => until(`AWS Backup is told of ${job}`, () => things.validated(job));
  expect(await told(same)).toMatchObject({ status: 'SUCCESSFUL' });
  const { status, message } = await told(altered);
  expect(status).toBe('FAILED');
  expect(message).toMatch(/^damaged: /);
  expect(message).toContain(`${videoName(7)}: it has 15 bytes instead of`);
  expect(await points()).toMatchObject([
    { selection: 'enquiries', test: { verdict: 'proven' } },
    { selection: 'media', standing: 'damaged', test: { verdict: 'damaged' } },
  ]);
  await system.invoke('freshness', {});
  expect(await system.metricOf('DamagedRecoveryPoints', 'media', BUCKET)).toBe(1);
  expect(await system.metricOf('DamagedRecoveryPoints', 'enquiries', TABLE)).toBe(0);
}, 120_000);

test('who may start restores and nothing else restores one into a new table', async () => {
  const { exit, stdout, stderr } = await place.run(
    ['restore', 'enquiries', '--to', 'automatron-website-enquiries-2'],
    { env: { ...aws.env, ...(await withPolicy(aws, 'restorer', RESTORER)) } },
  );
  expect({ exit, stderr }).toMatchObject({ exit: 0 });
  expect(stdout).toContain(`to     a new resource (DynamoDB), automatron-website-enquiries-2`);
  expect(stdout).toContain(`role/holdfast-${SYSTEM}-us-east-1-restore-jobs\n`);
  expect(stdout).toContain(`restored  ${TABLE}-2`);
  // The store is not one of the things that it may read.
  expect(stderr).toContain('no record was left');
}, 120_000);

test('the doctor finds vault, roles and what is protected', async () => {
  const { stdout } = await system.run('doctor', '--json');
  const { findings } = JSON.parse(stdout) as {
    findings: { area: string; level: string; message: string }[];
  };
  const found = findings
    .filter(({ area, level }) => area === 'points' && level === 'ok')
    .map(({ message }) => message)
    .join('\n');
  for (const role of ['backup-jobs', 'restore-tests', 'restore-jobs'])
    expect(found).toContain(`AWS Backup may take on the role holdfast-${SYSTEM}-us-east-1-${role}`);
  expect(found).toContain(`there is the role holdfast-${SYSTEM}-us-east-1-start-restores`);
  expect(found).toContain(`enquiries matches ${TABLE}`);
  expect(found).toContain(`media matches ${BUCKET}`);
}, 120_000);

test('a deployment that would leave the bucket of the backups behind is refused, and changes nothing', async () => {
  const moved = join(place.site, 'moved.yaml');
  const text = readFileSync(config, 'utf8');
  const other = text.replace(/^(store: s3:\/\/[a-z-]+)/m, '$1-new');
  expect(other).not.toBe(text);
  writeFileSync(moved, other);
  const { exit, stdout } = await cdk.holdfast('deploy', '--yes', '--json', '--config', moved);
  const { error } = JSON.parse(stdout) as {
    error: { code: string; message: string; hint: string };
  };
  expect({ exit, code: error.code }).toEqual({ exit: 1, code: 'DEPLOYMENT_REFUSED' });
  expect(error.message).toMatch(
    /HoldfastStorageBucket\w+ \(AWS::S3::Bucket\): (replace|may be replaced)$/m,
  );
  expect(error.hint).toMatch(/--give-up HoldfastStorage/);
  const same = await cdk.holdfast('deploy', '--dry-run', '--json', '--config', config);
  expect(JSON.parse(same.stdout)).toMatchObject({ dryRun: true, changes: [] });
}, 240_000);

test('destroyed and deployed again, the stacks adopt store and vault with all that is in them', async () => {
  const before = await system.list();
  const held = await points();
  const formation = new CloudFormationClient(aws.client);
  await formation.send(
    new UpdateTerminationProtectionCommand({
      StackName: `holdfast-${SYSTEM}`,
      EnableTerminationProtection: false,
    }),
  );
  await cdk.destroy(config);
  // With no stack at all, whoever has the store's keys still sees everything.
  expect(await system.list()).toEqual(before);
  expect(await points()).toEqual(held);

  const adopted = readFileSync(config, 'utf8').replace('aws:\n', 'aws:\n  storage: existing\n');
  writeFileSync(config, adopted);
  await cdk.deploy(config);
  expect(await system.list()).toEqual(before);
  const again = await system.run('trigger', 'enquiries', '--wait', '--json');
  expect(again).toMatchObject({ exit: 0, stderr: '' });
  expect(await evidence('recovery-point', 3)).toEqual([
    ...['enquiries done', 'enquiries done', 'media done'],
  ]);
  expect(await points()).toEqual(expect.arrayContaining([...held]));
  const later = await backUp();
  expect((await system.list()).map(({ id }) => id)).toEqual(
    expect.arrayContaining([...before.map(({ id }) => id), later]),
  );
  expect(await system.invoke('restore-test', { source: 'site', at: aws.now() })).toMatchObject({
    verdict: 'proven',
  });
}, 600_000);

test('no role was refused anything, and no function has logged a key', () => {
  const log = aws.log();
  expect(log).toContain(`holdfast-${SYSTEM}-verify`);
  const refused = log.match(/^refused: .*$/gm) ?? [];
  expect(refused.filter((line) => !line.includes(':user/restorer'))).toEqual([]);
  expect(log).not.toContain('PRIVATE KEY');
});

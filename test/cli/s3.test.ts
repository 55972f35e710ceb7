// The command line with its store on a real S3 server: from the first backup to the emergency, with the environment alone for
// credentials.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';

import { makePlace, type Place } from '../support/command-line.ts';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../support/versitygw.ts';

let server: Versitygw;
let place: Place;
let store: string;
let bucket: string;

beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());

beforeEach(async () => {
  bucket = await server.makeBucket();
  store = `s3://${bucket}/backups?endpoint=${server.endpoint}&checksums=part`;
  place = await makePlace();
});

const run = (...args: string[]) => place.run(args, { env: CREDENTIALS });
const json = (...args: string[]) => place.json(args, { env: CREDENTIALS });

/** A site with a key, whose store is the bucket. */
async function setUp(): Promise<void> {
  await place.write({ 'content/a.md': '# A\n', 'content/b.md': '# B\n', 'package.json': '{}' });
  expect(await run('init', '--store', store)).toMatchObject({ exit: 0 });
}

test('a prefix without a store is refused by every command, with the prefix that may be meant', async () => {
  await setUp();
  const wrong = store.replace('/backups?', '/bakcups?');
  const before = await server.client.send(new ListObjectsV2Command({ Bucket: bucket }));
  for (const command of ['list', 'status', 'verify', 'doctor', 'backup']) {
    const { exit, stdout, stderr } = await run(command, '--store', wrong);
    expect({ command, exit }).toEqual({ command, exit: command === 'doctor' ? 1 : 10 });
    expect(stdout + stderr).toContain('there is no store in');
    expect(stdout + stderr).toContain(`${store} is a store, of the system "site"`);
  }
  const after = await server.client.send(new ListObjectsV2Command({ Bucket: bucket }));
  expect(after.Contents?.map(({ Key }) => Key)).toEqual(before.Contents?.map(({ Key }) => Key));
  await place.remove();
}, 60_000);

test('backs up, lists, shows, verifies, restores, compares and prunes as with a folder', async () => {
  await setUp();
  const first = await run('backup', 'site');
  expect(first).toMatchObject({ exit: 0, stderr: '' });
  expect(first.stdout).toMatch(/site {2}\S+ {2}complete\n[^]*proven:/);
  await place.write({ 'content/c.md': '# C\n' });
  expect(await run('backup', 'site')).toMatchObject({ exit: 0 });

  const listed = await json('list');
  expect(listed).toMatchObject({ backups: [{ standing: 'good' }, { standing: 'good' }] });
  expect(JSON.stringify(listed)).toContain(`s3://${bucket}/backups`);
  const shown = await run('show', 'site/latest', 'content');
  expect(shown.stdout).toContain('content/c.md');
  const commands = (await run('show', 'site')).stdout;
  expect(commands).toMatch(
    new RegExp(
      `aws s3 cp s3://${bucket}/backups/backups/site/\\S+/archive-\\S+ \\. --endpoint-url ${server.endpoint}`,
    ),
  );
  expect(commands).toMatch(/\n {2}tar -xzf archive-\S+ -C FOLDER/);
  expect(await run('verify', '--all', 'site')).toMatchObject({ exit: 0 });
  expect((await run('diff', 'site', '--live')).stdout).toContain('equal:');
  expect(await run('restore', 'site', '--to', '../restored')).toMatchObject({ exit: 0 });
  expect(await readFile(join(place.root, 'restored/content/c.md'), 'utf8')).toBe('# C\n');
  expect(await run('restore-test', 'site')).toMatchObject({ exit: 0 });
  expect(await json('prune')).toMatchObject({ sources: [{ source: 'site' }] });
  expect(await run('status', 'site')).toMatchObject({ exit: 0 });
  // Nothing was taken for the path of a folder.
  expect((await readdir(place.site)).sort()).toEqual(['content', 'holdfast.yaml', 'package.json']);
  await place.remove();
}, 120_000);

describe('in an emergency', () => {
  test('needs the URL of the store, credentials and a public key, and nothing else', async () => {
    await setUp();
    expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
    const elsewhere = await makePlace();
    const key = join(place.home, '.config/holdfast/site.pub');
    const given = ['--store', store, '--public-key', key];
    // Nobody else is asked: other services would answer at this address, where nothing listens.
    const env = {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:9',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const act = (...args: string[]) => elsewhere.run([...args, ...given], { env });
    expect((await act('list')).stdout).toMatch(/site +\S+ .*good/);
    expect((await act('show', 'site')).stdout).toContain('content/');
    expect((await act('verify', 'site')).exit).toBe(0);
    expect((await act('restore', 'site', '--to', 'back')).exit).toBe(0);
    expect(await readFile(join(elsewhere.site, 'back/content/a.md'), 'utf8')).toBe('# A\n');
    // Without the key nothing is believed.
    const unsure = await elsewhere.run(['restore', 'site', '--store', store, '--to', 'no'], {
      env,
    });
    expect(unsure.exit).toBe(12);
    await elsewhere.remove();
    await place.remove();
  }, 60_000);

  test('restores what somebody has deleted or overwritten, and says that it is hidden', async () => {
    await setUp();
    expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
    const { backups } = (await json('list')) as {
      backups: { id: string; artifacts: { key: string }[] }[];
    };
    const [{ id, artifacts } = { id: '', artifacts: [] }] = backups;
    const under = (key: string) => ({ Bucket: bucket, Key: `backups/${key}` });
    await server.client.send(new DeleteObjectCommand(under(`backups/site/${id}/manifest.json`)));
    await server.client.send(
      new PutObjectCommand({ ...under(artifacts[0]?.key ?? ''), Body: 'not an archive' }),
    );
    expect(await json('list')).toMatchObject({
      backups: [{ id, hidden: [expect.anything(), expect.anything()] }],
    });
    const listed = await run('list');
    expect(listed.stdout).toContain('good, hidden');
    expect(listed.stderr).toContain('1 backup hidden');
    expect((await run('show', 'site')).stdout).toMatch(/hidden {5}deleted or overwritten: /);
    expect(await run('restore', 'site', '--to', '../back')).toMatchObject({ exit: 0 });
    expect(await readFile(join(place.root, 'back/content/b.md'), 'utf8')).toBe('# B\n');
    await place.remove();
  }, 60_000);
});

describe('doctor', () => {
  test('finds a bucket that is versioned and locks nothing by default', async () => {
    await setUp();
    expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
    const { stdout, exit } = await run('doctor');
    expect(stdout).toContain(`who asks: the access key ${CREDENTIALS.AWS_ACCESS_KEY_ID}`);
    expect(stdout).toContain(`${bucket} keeps versions`);
    expect(stdout).toContain('locks nothing by default');
    expect(stdout).toMatch(/backups\S* can be read: site/);
    expect(exit).toBe(0);
    await place.remove();
  }, 60_000);

  test('names a bucket that is not there, and credentials that are none', async () => {
    await setUp();
    const absent = store.replace(bucket, 'no-such-bucket');
    const gone = await run('doctor', '--store', absent);
    expect(gone.stdout).toContain('there is no bucket no-such-bucket');
    expect(gone.exit).toBe(1);
    const wrong = { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: 'wrong' };
    const denied = await place.run(['doctor'], { env: wrong });
    expect(denied.exit).toBe(1);
    expect(denied.stdout).toContain('problem');
    expect(denied.stdout + denied.stderr).not.toContain('wrong');
    await place.remove();
  }, 60_000);
});

test('a source of kind bucket is backed up and restored as a folder is, and says what it cannot', async () => {
  const assets = await server.makeBucket();
  for (const key of ['public/a.txt', 'public/b/c.txt', 'private/d.txt'])
    await server.client.send(new PutObjectCommand({ Bucket: assets, Key: key, Body: key }));
  await setUp();
  const file = join(place.site, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replace(
      /^sources:$/m,
      `sources:\n  assets: { kind: bucket, bucket: ${assets}, prefix: public/, region: us-east-1 }`,
    ),
  );
  const env = { ...CREDENTIALS, AWS_ENDPOINT_URL_S3: server.endpoint };
  const act = (...args: string[]) => place.run(args, { env });
  const made = await act('backup', 'assets');
  expect(made).toMatchObject({ exit: 0 });
  expect(made.stdout).toMatch(/complete\n {2}2 files[^]*proven:/);
  expect(await act('verify', 'assets')).toMatchObject({ exit: 0 });
  expect((await act('show', 'assets')).stdout).toContain('b/');
  expect(await act('restore', 'assets', '--to', '../back')).toMatchObject({ exit: 0 });
  expect(await readFile(join(place.root, 'back/b/c.txt'), 'utf8')).toBe('public/b/c.txt');
  expect(await act('restore-test', 'assets')).toMatchObject({ exit: 0 });
  expect(await act('diff', 'assets', 'assets', '--exit-code')).toMatchObject({ exit: 0 });

  const live = await act('diff', 'assets', '--live');
  expect(live.exit).toBe(2);
  expect(live.stderr).toContain('assets is a source of kind bucket');
  const inPlace = await act('restore', 'assets', '--in-place');
  expect(inPlace.exit).toBe(2);
  expect(inPlace.stderr).toContain('--in-place needs a folder; assets is a source of kind bucket');
  const dry = await act('backup', '--dry-run', 'assets');
  expect(dry).toMatchObject({ exit: 0, stderr: expect.stringContaining('not looked at') });
  await place.remove();
}, 120_000);

test('a store that cannot be reached ends with its code, and without a stack trace', async () => {
  await setUp();
  const dead = 's3://nowhere/x?endpoint=http://127.0.0.1:9';
  const { exit, stderr } = await run('list', '--store', dead);
  expect(exit).toBe(1);
  expect(stderr).toContain('STORE_UNAVAILABLE');
  expect(stderr).not.toContain('    at ');
  await place.remove();
}, 120_000);

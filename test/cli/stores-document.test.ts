// docs/stores.md against the program: its options are those of the URL, and what it shows of doctor and list is what they print.
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from '@jest/globals';
import {
  DeleteObjectCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { HoldfastError } from '../../lib/errors.ts';
import { parseS3Url } from '../../lib/names/s3-place.ts';
import { partBytes } from '../../lib/stores/s3/parts.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../support/versitygw.ts';

const document = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');

let server: Versitygw;
let place: Place;
beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'a.md': '# A\n' });
});
afterEach(() => place.remove());

const run = (...args: string[]) => place.run(args, { env: CREDENTIALS });

const storeUrl = (bucket: string) => `s3://${bucket}?endpoint=${server.endpoint}`;

async function storeIn(bucket: string): Promise<void> {
  expect(await run('init', '--store', storeUrl(bucket))).toMatchObject({ exit: 0 });
}

/** What the document shows as printed by a command, or by the same in another place: what differs each time is left out. */
function shown(beginning: string): string[] {
  const blocks = [...document.matchAll(/^```text\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const block = blocks.find((text) => text.startsWith(beginning));
  if (block === undefined) throw new Error(`the document shows no ${beginning}`);
  return block
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('$'))
    .map(general);
}

/** Of a line of a list, what it says of the backup; of the head of the list nothing; other lines as they are. */
function told(line: string): string {
  if (line.startsWith('source id ')) return '';
  const [, standing] = /^site TIME-manual N s (good(?:, hidden)?) /.exec(line) ?? [];
  return standing ?? line;
}

function general(line: string): string {
  return line
    .replaceAll(/\b(bucket-\d+|shop-backups|plain)\b/g, 'BUCKET')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'ENDPOINT')
    .replaceAll(/\d{8}T\d{9}Z/g, 'TIME')
    .replaceAll(/\d+(\.\d+)? (s|min|B|KiB)/g, 'N $2')
    .replaceAll(/\s+/g, ' ');
}

test('lists every option of the URL, and no other', () => {
  const said = ((): string => {
    try {
      parseS3Url('s3://bucket?nothing=1');
    } catch (error) {
      return (error as HoldfastError).hint ?? '';
    }
    return '';
  })();
  const options = /Options are (.*)\./.exec(said)?.[1]?.split(', ') ?? [];
  expect(options).toContain('region');
  const section = document.slice(document.indexOf('Every option:'), document.indexOf('### What'));
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \| /gm)].map(([, name]) => name);
  expect(rows).toEqual(options);
});

test('gives the sizes of parts as they are', () => {
  const rows = [...document.matchAll(/^\| (\d+) GiB \| (\d+) MiB +\| \d+ MiB/gm)];
  expect(rows).toHaveLength(6);
  for (const [at, [, bodyGiB, partMiB]] of rows.entries()) {
    const parts = Array.from({ length: (at + 1) * 1_000 }, (_, index) => partBytes(index + 1));
    const bytes = parts.reduce((sum, one) => sum + one, 0);
    expect(Number(bodyGiB)).toBe(Math.floor(bytes / 2 ** 30));
    expect(Number(partMiB)).toBe((parts.at(-1) ?? 0) / 2 ** 20);
  }
});

test('shows what doctor says of a bucket that locks', async () => {
  const bucket = await server.makeBucket();
  await server.client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 14 } },
      },
    }),
  );
  await storeIn(bucket);
  expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
  const { stdout, exit } = await run('doctor');
  expect(exit).toBe(0);
  expect(stdout.split('\n').map(general)).toEqual(
    expect.arrayContaining(shown('$ holdfast doctor')),
  );
}, 60_000);

test('shows what doctor says of a bucket that protects nothing', async () => {
  // Nothing is there yet, and what the bucket lacks is said all the same.
  await run('init');
  const bucket = await server.makeBucket({ keeps: 'none' });
  const { stdout, exit } = await run('doctor', '--store', storeUrl(bucket));
  expect(exit).toBe(1);
  expect(stdout.split('\n').map(general)).toEqual(expect.arrayContaining(shown('problem')));
}, 60_000);

test('shows what list says of a backup of which objects were deleted and overwritten', async () => {
  const bucket = await server.makeBucket();
  await storeIn(bucket);
  expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
  // The server tells whole seconds, and of a version that was covered the second when that was done: within one second the order is open.
  await setTimeout(1_000);
  for (let made = 1; made < 3; made += 1)
    expect(await run('backup', 'site')).toMatchObject({ exit: 0 });
  const { backups } = (await place.json(['list'], { env: CREDENTIALS })) as {
    backups: { id: string; artifacts: { key: string }[] }[];
  };
  const [{ id, artifacts } = { id: '', artifacts: [] }] = backups;
  const Key = `backups/site/${id}/manifest.json`;
  await server.client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  const archive = { Bucket: bucket, Key: artifacts[0]?.key ?? '', Body: 'not an archive' };
  await server.client.send(new PutObjectCommand(archive));
  const { stdout, stderr } = await run('list');
  const printed = `${stdout}${stderr}`.split('\n').map(general).map(told);
  expect(printed.filter((line) => line !== '')).toEqual(
    shown('$ holdfast list')
      .map(told)
      .filter((line) => line !== ''),
  );
}, 60_000);

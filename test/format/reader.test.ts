// A reader that was written from docs/format.md, in another language, reads what we write and refuses what is damaged.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readGroups } from '../../lib/archive/read/archive-reader.ts';
import type { IndexEntry } from '../../lib/format/archive-index.ts';
import { artifactOf, type Manifest } from '../../lib/format/manifest.ts';
import { encodeSigned, localSigner } from '../../lib/format/signed.ts';
import {
  backUp,
  openMade,
  placeOf,
  plant,
  prose,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';
import { forge, type ForgedGroup } from '../support/forge.ts';
import {
  backUpInParts,
  forgeParts,
  PARTS_THAT_CLASH,
  withManifest,
  type PartedBackup,
} from '../support/parted.ts';
import { plantEveryKind } from '../support/trees.ts';

const READER = fileURLToPath(new URL('../support/reader.py', import.meta.url));
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key = pair.publicKey) => key.export({ type: 'spki', format: 'pem' }).toString();
const scratch = new Scratch();
let backup: MadeBackup;
let folder: string;

function python(...args: string[]): { status: number | null; output: Buffer; complaint: string } {
  const { status, stdout, stderr } = spawnSync('python3', [READER, ...args], {
    maxBuffer: 1 << 28,
  });
  return { status, output: stdout, complaint: stderr.toString() };
}

/** Puts a backup into a store and gives the folder of it. */
async function store(
  name: string,
  made: MadeBackup,
  change: Partial<Manifest> = {},
): Promise<string> {
  const manifest = { ...made.manifest, ...change };
  const put = (key: string, bytes: Uint8Array) => plant(scratch.at(name), { [key]: bytes });
  put(made.manifest.key, await encodeSigned(manifest, localSigner(pair.privateKey)));
  put(artifactOf(made.manifest, 'archive').key, made.archive);
  return path.dirname(scratch.at(`${name}/${made.manifest.key}`));
}

/** Writes bytes as an archive that lies alone, and says what the reader makes of it. */
function alone(bytes: Uint8Array, verb = 'verify', ...rest: string[]): ReturnType<typeof python> {
  fs.writeFileSync(scratch.at('alone.tar.gz'), bytes);
  return python(verb, scratch.at('alone.tar.gz'), ...rest);
}

beforeAll(async () => {
  plantEveryKind(scratch.at('tree'));
  fs.rmSync(scratch.at('tree/large/zeros'));
  backup = await backUp(scratch.at('tree'));
  folder = await store('store', backup);
  fs.writeFileSync(scratch.at('key.pem'), pem());
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe('the reader', () => {
  test('finds a tree of every kind intact, in a store and alone', () => {
    const entries = backup.manifest.totals.entries;
    const wanted = { status: 0, output: Buffer.from(`${entries} entries are what was recorded\n`) };
    expect(python('verify', folder, '--key', scratch.at('key.pem'))).toMatchObject(wanted);
    expect(python('verify', folder)).toMatchObject(wanted);
    expect(alone(backup.archive)).toMatchObject(wanted);
  });

  test('lists what we list', async () => {
    const listed: IndexEntry[] = [];
    for await (const group of readGroups(await openMade(backup))) listed.push(...group.entries);
    const lines = python('list', folder).output.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      listed.map(
        ({ path: name, type, size, mode, uid, gid, mtimeMicroseconds, linkTarget, sha256 }) => ({
          path: name,
          type,
          size,
          mode,
          uid,
          gid,
          micros: mtimeMicroseconds ?? null,
          link: linkTarget ?? '',
          sha256: sha256 ?? null,
        }),
      ),
    );
  });

  test.each([
    'content',
    'nothing',
    'links/hard',
    'large/split',
    'odd/new\nline',
    'odd/ä',
    'zz-hard-large',
  ])('extracts %j', (name) => {
    const { status, output } = python('extract', folder, name);
    expect(status).toBe(0);
    expect(output.equals(fs.readFileSync(scratch.at(`tree/${name}`)))).toBe(true);
  });

  test('reads only what a path needs', async () => {
    const names = Array.from({ length: 9000 }, (_, i) => [
      `${i % 90}/${i}-${'n'.repeat(60)}`,
      `${i}`,
    ]);
    plant(scratch.at('many'), Object.fromEntries(names) as Record<string, string>);
    const many = await backUp(scratch.at('many'), { times: 'content' });
    const { output, complaint } = alone(many.archive, 'extract', `7/7-${'n'.repeat(60)}`);
    expect(output.toString()).toBe('7');
    const largest = Math.max(...(await openMade(many)).table.pieces.map(({ bytes }) => bytes));
    expect(parseInt(complaint, 10)).toBeLessThan(largest + 70_000);
    expect(parseInt(complaint, 10)).toBeLessThan(many.archive.length / 3);
  });

  test('reads an archive without entries, and one without times', async () => {
    fs.mkdirSync(scratch.at('empty'));
    expect(alone((await backUp(scratch.at('empty'))).archive)).toMatchObject({ status: 0 });
    const timeless = await backUp(scratch.at('tree'), { times: 'content', compression: 'none' });
    expect(alone(timeless.archive)).toMatchObject({ status: 0 });
  });
});

describe('of an archive of several parts, the reader', () => {
  let parted: PartedBackup;
  let place: string;

  beforeAll(async () => {
    parted = await backUpInParts(scratch.at('tree'), { largeBytes: 100_000 });
    place = await storeParts('parts', parted);
  });

  test('finds all parts intact', () => {
    const { entries } = parted.manifest.totals;
    const output = Buffer.from(`${entries} entries are what was recorded\n`);
    const key = scratch.at('key.pem');
    expect(python('verify', place, '--key', key)).toMatchObject({ status: 0, output });
  });

  test('lists what it lists of one archive', () => {
    expect(python('list', place).output.toString()).toBe(python('list', folder).output.toString());
  });

  test.each(['content', 'links/hard', 'large/split', 'odd/ä', 'zz-hard-large'])(
    'extracts %j',
    (name) => {
      const { status, output } = python('extract', place, name);
      expect(status).toBe(0);
      expect(output.equals(fs.readFileSync(scratch.at(`tree/${name}`)))).toBe(true);
    },
  );

  test('refuses a part that is missing, there twice, or exchanged for another', async () => {
    const { artifacts } = parted.manifest;
    const lists = [artifacts.toSpliced(1, 1), artifacts.toSpliced(1, 0, ...artifacts.slice(1, 2))];
    for (const [i, list] of lists.entries()) {
      const wrong = withManifest(parted, { artifacts: list });
      const outcome = python('verify', await storeParts(`wrong-${i}`, wrong));
      expect(outcome).toMatchObject({ status: 1 });
      expect(outcome.complaint).toMatch(/^refused: /);
    }
    const [one, other] = artifacts.map(({ key }) => key);
    const stored = new Map(parted.stored);
    stored.set(one ?? '', parted.stored.get(other ?? '') ?? Buffer.alloc(0));
    const exchanged = python('verify', await storeParts('exchanged', { ...parted, stored }));
    expect(exchanged.complaint).toMatch(/^refused: /);
  });

  test.each(PARTS_THAT_CLASH)('refuses parts that hold %s', async (what, parts) => {
    const forged = await forgeParts(parted, parts);
    const outcome = python('verify', await storeParts(what.replace(/\W/g, '-'), forged));
    expect(outcome).toMatchObject({ status: 1 });
    expect(outcome.complaint).toMatch(/^refused: /);
  });
});

/** Puts a backup of several parts into a store and gives the folder of it. */
async function storeParts(name: string, { manifest, stored }: PartedBackup): Promise<string> {
  plant(scratch.at(name), Object.fromEntries(stored));
  const signed = await encodeSigned(manifest, localSigner(pair.privateKey));
  plant(scratch.at(name), { [manifest.key]: signed });
  return path.dirname(scratch.at(`${name}/${manifest.key}`));
}

describe('the reader refuses', () => {
  const refused = (outcome: ReturnType<typeof python>, why = /./) => {
    expect(outcome.status).toBe(1);
    expect(outcome.complaint).toMatch(/^refused: /);
    expect(outcome.complaint).toMatch(why);
  };

  test('archives of zstd', async () => {
    plant(scratch.at('small'), { a: prose(100) });
    const zstd = await backUp(scratch.at('small'), { compression: 'zstd' });
    refused(alone(zstd.archive), /zstd/);
    refused(python('verify', await store('zstd', zstd)), /zstd/);
  });

  test('a damaged byte in each region, a lost end, and anything behind it', async () => {
    plant(scratch.at('small'), { a: prose(100), 'b/c': 'x' });
    const { archive, ...made } = await backUp(scratch.at('small'));
    const { table } = await openMade({ ...made, archive });
    const place = placeOf({ ...made, archive });
    const [sums] = table.sums;
    const [piece] = table.pieces;
    const regions = [
      0,
      30,
      table.dataBytes - 1,
      table.dataBytes + 20,
      sums?.offset,
      piece?.offset,
      place.offset,
    ];
    for (const at of [...regions, (piece?.offset ?? 0) - 30, place.offset + place.bytes + 20]) {
      const bytes = Buffer.from(archive);
      bytes[at ?? 0] = (bytes[at ?? 0] ?? 0) ^ 1;
      refused(alone(bytes));
    }
    for (let at = archive.length - 74; at < archive.length; at += 17) {
      const bytes = Buffer.from(archive);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      refused(alone(bytes));
    }
    for (const length of [0, 10, 73, 74, 500, archive.length - 1])
      refused(alone(archive.subarray(0, length)));
    refused(alone(Buffer.concat([archive, Buffer.from('x')])));
  });

  test('a manifest that another key signed, that was altered, or that stands elsewhere', async () => {
    fs.writeFileSync(
      scratch.at('other.pem'),
      pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
    );
    refused(python('verify', folder, '--key', scratch.at('other.pem')), /another key/);
    const altered = await store('altered', backup);
    const text = fs.readFileSync(`${altered}/manifest.json`, 'utf8');
    fs.writeFileSync(`${altered}/manifest.json`, text.replace(/"(complete|partial)"/, '"failed"'));
    refused(python('verify', altered, '--key', scratch.at('key.pem')), /signature/);
    const moved = `${path.dirname(altered)}/20300101T000000000Z-manual`;
    fs.renameSync(altered, moved);
    refused(python('verify', moved), /signed for/);
  });

  test.each<[string, Partial<Manifest>]>([
    ['of a newer format', { format: 2 as 1 }],
    ['that requires something', { requires: ['encryption'] }],
    ['of another source', { source: 'database' }],
    ['whose archive stands elsewhere', { artifacts: [] }],
  ])('a manifest %s', async (_, change) => {
    const artifacts = backup.manifest.artifacts.map((one) => ({ ...one, key: `../${one.key}` }));
    const wrong = await store(
      `wrong-${_.replace(/\W/g, '')}`,
      backup,
      'artifacts' in change ? { artifacts } : change,
    );
    refused(python('verify', wrong));
  });

  test.each<[string, ForgedGroup[]]>([
    ['a way up', [{ entries: [{ path: '../x', content: 'x' }] }]],
    [
      'a file below a link',
      [
        {
          entries: [
            { path: 'l', type: 'symlink', linkTarget: '..' },
            { path: 'l/x', content: 'x' },
          ],
        },
      ],
    ],
    [
      'a name twice',
      [{ entries: [{ path: 'a', content: 'x' }] }, { entries: [{ path: 'a', content: 'y' }] }],
    ],
    ['another content', [{ entries: [{ path: 'a', content: 'x', sha256: 'ab'.repeat(32) }] }]],
    [
      'a hard link to nothing',
      [{ entries: [{ path: 'a', type: 'hardlink', linkTarget: 'b', content: 'x' }] }],
    ],
    [
      'a bomb',
      [
        {
          entries: [{ path: 'a', content: 'x' }],
          raw: Buffer.alloc(1 << 20),
          member: { rawBytes: 1024 },
        },
      ],
    ],
    ['a gap', [{ entries: [{ path: 'a', content: 'x' }], member: { offset: 1 } }]],
  ])('an archive that agrees with itself and holds %s', async (_, groups) => {
    refused(alone((await forge(groups)).bytes));
  });

  test('a path that is not there', () => {
    refused(python('extract', folder, 'gone'), /holds no/);
  });
});

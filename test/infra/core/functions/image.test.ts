// What the Dockerfile of the database functions says, compared with what it is built from and what the tests run instead of it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { writeImage } from '../../../../lib/infra/core/functions/bundle.ts';
import { DATABASE_FUNCTIONS } from '../../../../lib/names/aws.ts';
import { DOCKERFILE } from '../../../support/dockerfile.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function image(configuration: unknown): string {
  const folder = writeImage(configuration);
  folders.push(folder);
  return folder;
}

function digestOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const hash = createHash('sha256');
  for (const file of files) {
    if (statSync(join(folder, file)).isFile())
      hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
}

test('the image is built by install.sh alone, from what stands in its folder', () => {
  const folder = image({});
  const [install, ...others] = DOCKERFILE.run;
  expect(install).toMatch(/ sh \/tmp\/install\.sh && rm \/tmp\/install\.sh$/);
  expect(others).toEqual([]);
  const copied = DOCKERFILE.copies.filter(([from]) => from?.startsWith('--from') !== true);
  expect(copied.map(([source]) => source)).toEqual(['install.sh', 'function/']);
  for (const [source = ''] of copied) expect(existsSync(join(folder, source))).toBe(true);
});

test('install.sh demands all that it is built with, and the build gives it', () => {
  const script = readFileSync(join(image({}), 'install.sh'), 'utf8');
  const demanded = [...script.matchAll(/^: "\$\{(\w+):?\?/gm)].map(([, name]) => name);
  expect(demanded).toEqual(['PG_MAJOR', 'PG_FLOOR', 'PG_EXTENSIONS', 'LOCALES']);
  for (const name of demanded) expect(DOCKERFILE.run[0]).toContain(`${name}="$${name}"`);
  expect(Object.keys(DOCKERFILE.args)).toEqual(['NODE_VERSION', ...demanded]);
});

test('without PostgreSQL it installs what Node needs, and nothing else', () => {
  const folder = image({});
  const calls = join(folder, 'calls');
  for (const program of ['apt-get', 'rm'])
    writeFileSync(join(folder, program), `#!/bin/sh\necho ${program} "$1" "$*" >>'${calls}'\n`, {
      mode: 0o755,
    });
  // Nothing but these can be run.
  const env = { PATH: folder, PG_MAJOR: 'none' };
  execFileSync('/bin/sh', [join(folder, 'install.sh')], { env });
  const called = readFileSync(calls, 'utf8').trim().split('\n');
  expect(called.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    ...['apt-get update', 'apt-get upgrade', 'apt-get install', 'apt-get clean', 'rm -rf'],
  ]);
  expect(called[2]).toMatch(/ ca-certificates libatomic1 libstdc\+\+6$/);
});

test('what the image starts is in its code, and so is the handler of each function', () => {
  const code = join(image({}), 'function');
  const [node, entry] = DOCKERFILE.entrypoint;
  expect(node).toBe('/usr/local/bin/node');
  const handlers = [...DOCKERFILE.command, ...DATABASE_FUNCTIONS.map((name) => `${name}.handler`)];
  const files = [entry?.replace('/var/task/', ''), ...handlers.map((one) => one.split('.')[0])];
  for (const file of files) {
    expect(existsSync(join(code, `${file?.replace(/\.js$/, '') ?? ''}.js`))).toBe(true);
  }
  expect(DOCKERFILE.env['LAMBDA_TASK_ROOT']).toBe(DOCKERFILE.workdir);
});

test('its Node is the one that the tests run, on the Debian that the tests make', () => {
  const file = new URL('../../../../package.json', import.meta.url);
  const { devDependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  expect(DOCKERFILE.args['NODE_VERSION']).toBe(devDependencies['node']);
  expect(DOCKERFILE.from).toEqual([
    'node:${NODE_VERSION}-trixie-slim AS node',
    'debian:trixie-slim',
  ]);
});

test('the same configuration gives the same image, and another one another', () => {
  const [one, same, other] = [{ a: 1 }, { a: 1 }, { a: 2 }].map((it) => digestOf(image(it)));
  expect(same).toBe(one);
  expect(other).not.toBe(one);
});

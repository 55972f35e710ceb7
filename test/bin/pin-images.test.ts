// The workflow of a release names the base images of the database functions by the digests that the registry has.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { DOCKERFILE } from '../support/dockerfile.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NODE = `node:${DOCKERFILE.args['NODE_VERSION'] ?? ''}-trixie-slim`;
const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync('/tmp/holdfast-pin-');
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
});

/** Runs the script on a copy of the Dockerfile, with a `docker` that says this of an image. */
function pin(
  script: string,
  name: string,
): { status: number | null; printed: string; text: string } {
  const file = path.join(folder, name);
  if (!fs.existsSync(file)) fs.copyFileSync(path.join(ROOT, 'lambda/database/Dockerfile'), file);
  fs.writeFileSync(path.join(folder, 'docker'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const { status, stdout } = spawnSync(process.execPath, ['bin/pin-images.ts', file], {
    cwd: ROOT,
    env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    encoding: 'utf8',
  });
  return { status, printed: stdout, text: fs.readFileSync(file, 'utf8') };
}

const KNOWN = (letters: readonly string[]) =>
  `[ "$1 $2 $3" = "buildx imagetools inspect" ] || exit 9
case "$4" in ${NODE}) c=${letters[0] ?? ''} ;; debian:trixie-slim) c=${letters[1] ?? ''} ;; *) exit 8 ;; esac
printf 'sha256:%s\\n' "$(printf "%64s" | tr ' ' "$c")"`;

test('each base image gets its digest, which is printed, and a later run the digest of its time', () => {
  for (const letters of [
    ['a', 'b'],
    ['c', 'd'],
  ]) {
    const { status, printed, text } = pin(KNOWN(letters), 'Dockerfile');
    expect(status).toBe(0);
    const [node, debian] = letters.map(digestOf);
    expect(text.match(/^FROM .*$/gm)).toEqual([
      `FROM ${NODE}@${node ?? ''} AS node`,
      `FROM debian:trixie-slim@${debian ?? ''}`,
    ]);
    expect(printed).toBe(`${NODE}@${node ?? ''}\ndebian:trixie-slim@${debian ?? ''}\n`);
  }
});

test.each([
  ['the registry does not answer', 'exit 1'],
  ['what comes is no digest', 'echo latest'],
])('where %s, the file stays as it is, and the release ends', (name, script) => {
  const { status, text } = pin(script, name);
  expect(status).not.toBe(0);
  expect(text).not.toContain('sha256');
});

test('a release does it before it packs, and publishes what it found', () => {
  const workflow = parse(
    fs.readFileSync(path.join(ROOT, '.github/workflows/release.yml'), 'utf8'),
  ) as {
    jobs: { release: { steps: { run?: string }[] } };
  };
  const runs = workflow.jobs.release.steps.map(({ run = '' }) => run);
  const pins = runs.findIndex((run) =>
    run.includes('node bin/pin-images.ts | tee base-images.txt'),
  );
  const packs = runs.findIndex((run) => run.includes('npm pack'));
  expect(pins).toBeGreaterThanOrEqual(0);
  expect(packs).toBeGreaterThan(pins);
  expect(runs.find((run) => run.includes('gh release create'))).toContain('base-images.txt');
});

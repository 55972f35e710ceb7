// `holdfast run-due` as a timer starts it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makePlace, type Place } from '../support/command-line.ts';
import { PROGRAM } from '../support/program.ts';
import { until } from '../support/until.ts';

let place: Place;

beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'index.html': 'hello' });
  expect((await place.run(['init', '--system', 'shop', '--store', './backups'])).exit).toBe(0);
});

afterEach(() => place.remove());

interface Document {
  readonly due: readonly { verb: string; source: string; why: string }[];
  readonly backups: readonly { source: string; outcome?: string; error?: object }[];
  readonly tested: readonly { verdict: string }[];
  readonly exit: number;
}

async function configure(change: (text: string) => string): Promise<void> {
  const file = path.join(place.site, 'holdfast.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

const runDue = async (...args: string[]) => {
  const { stdout, exit } = await place.run(['run-due', '--json', ...args]);
  return { ...(JSON.parse(stdout) as Document), ended: exit };
};

test('makes what is due once, tests it, and then has nothing to do', async () => {
  const looked = await runDue('--dry-run');
  expect(looked).toMatchObject({
    due: [{ verb: 'backup', source: 'site', why: 'it was never backed up' }],
    ended: 0,
  });
  expect(looked.backups).toBeUndefined();
  expect(await runDue()).toMatchObject({
    backups: [{ source: 'site', outcome: 'made', verify: { verdict: 'proven' } }],
    ended: 0,
  });
  expect(await runDue()).toMatchObject({ backups: [], tested: [{ verdict: 'proven' }], ended: 0 });
  expect(await place.run(['run-due', '--quiet'])).toEqual({ exit: 0, stdout: '', stderr: '' });
  expect(await runDue()).toMatchObject({ due: [], backups: [], tested: [], ended: 0 });
  expect((await place.json(['list'])) as { backups: object[] }).toMatchObject({
    backups: [expect.anything()],
  });
});

test('a source that fails does not keep the others from being backed up, and is not tried again at once', async () => {
  await configure((text) =>
    text.replace(
      'sources:',
      "sources:\n  gone: { kind: files, path: ./gone, schedule: '0 1 * * *' }",
    ),
  );
  const first = await runDue();
  expect(first.backups.map(({ source, outcome }) => [source, outcome])).toEqual([
    ['gone', undefined],
    ['site', 'made'],
  ]);
  expect([first.exit, first.ended]).toEqual([1, 1]);
  const { stdout } = await place.run(['run-due', '--dry-run']);
  expect(stdout).toMatch(/^later {2}backup of gone: in \d+ min, .*it failed once/m);
});

test('ends with 11 while another run is under way, silently for cron, and goes on when that one was killed', async () => {
  // A backup may take hours; here a message does.
  await configure(
    (text) => `${text}notify:\n  sinks:\n    slow: { kind: command, run: [sleep, '20'] }\n`,
  );
  await rm(path.join(place.site, 'index.html'));
  await configure((text) => text.replace('path: .', 'path: ./gone'));
  const child = spawn(process.execPath, [PROGRAM, 'run-due'], {
    cwd: place.site,
    env: { PATH: process.env['PATH'] ?? '', HOME: place.home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the source has failed', () =>
      Promise.resolve(said.includes('was not backed up') || undefined),
    );
    expect(await place.run(['run-due', '-q'])).toEqual({ exit: 11, stdout: '', stderr: '' });
    expect((await place.run(['run-due'])).stderr).toContain('another run is under way');
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  expect((await place.run(['run-due', '--quiet'])).exit).toBe(0);
});

test('says once an hour that the store is gone, and each time by its exit code', async () => {
  expect((await runDue()).ended).toBe(0);
  await rm(path.join(place.site, 'backups'), { recursive: true });
  const [first, second] = [await place.run(['run-due', '-q']), await place.run(['run-due', '-q'])];
  expect([first.exit, first.stderr]).toEqual([10, expect.stringContaining('error:')]);
  expect(second).toEqual({ exit: 10, stdout: '', stderr: '' });
  expect((await place.run(['run-due'])).stderr).toContain('error:');
});

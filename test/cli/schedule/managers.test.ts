// Timers put in place and taken away, with programs that stand in for systemctl, loginctl and crontab and keep what they are told.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { examineTimers } from '../../../lib/cli/doctor/timers.ts';
import type { Host } from '../../../lib/cli/schedule/host.ts';
import { allInstalled, managerOf, openManager } from '../../../lib/cli/schedule/managers.ts';
import { loadConfig } from '../../../lib/config/load/load.ts';
import type { Start } from '../../../lib/cli/schedule/timers.ts';

let root: string;
let host: Host;
let start: Start;

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'holdfast-managers-')));
  const bin = path.join(root, 'bin');
  mkdirSync(bin);
  for (const config of ['a.yaml', 'b.yaml']) writeFileSync(path.join(root, config), '');
  host = {
    ...{ isRoot: false, user: 'me', home: root, keys: path.join(root, 'keys'), uid: 1000 },
    native: 'systemd',
    folders: { systemd: path.join(root, 'units'), launchd: path.join(root, 'agents') },
    env: { PATH: `${bin}:/usr/bin:/bin`, ROOT: root },
    ...{ node: '/n/node', program: '/p/holdfast.js', searchPath: '/usr/bin' },
  };
  start = {
    ...{ system: 'shop', node: '/n/node', program: '/p/holdfast.js' },
    config: path.join(root, 'a.yaml'),
    ...{ store: undefined, envFile: undefined, searchPath: '/usr/bin' },
  };
  stand('loginctl', 'case "$1" in show-user) echo no;; *) exit 0;; esac');
  // Enabled is what has a file of that name.
  stand(
    'systemctl',
    `cd "$ROOT"; mkdir -p on; shift
case "$1" in
  enable) touch "on/$3";;
  disable) rm -f "on/$3";;
  is-enabled) [ -e "on/$3" ];;
  is-active) u="$2"; [ "$u" = --quiet ] && u="$3"; [ -e "on/$u" ] && echo active || { echo inactive; exit 3; };;
  show) echo ExecMainStatus=4;;
esac`,
  );
  stand(
    'crontab',
    'if [ "$1" = -l ]; then cat "$ROOT/tab" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; }; else cat > "$ROOT/tab"; fi',
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of this name, which writes down how it was called. */
function stand(name: string, script: string): void {
  writeFileSync(
    path.join(root, 'bin', name),
    `#!/bin/sh\necho "${name} $*" >> "$ROOT/calls"\n${script}\n`,
    {
      mode: 0o755,
    },
  );
}

const calls = () =>
  existsSync(path.join(root, 'calls'))
    ? readFileSync(path.join(root, 'calls'), 'utf8').trim().split('\n')
    : [];
const forget = () => rmSync(path.join(root, 'calls'), { force: true });
const units = () =>
  existsSync(host.folders.systemd) ? readdirSync(host.folders.systemd).sort() : [];
const now = { dryRun: false };

describe('systemd', () => {
  const systemd = () => openManager(host, 'systemd');

  test('an install writes, loads and enables two timers, and lets the user linger', async () => {
    const { changes, warnings } = await systemd().install(start, now);
    expect([changes.map(({ change }) => change), warnings]).toEqual([Array(4).fill('create'), []]);
    expect(units()).toEqual([
      ...['holdfast-shop-escalate.service', 'holdfast-shop-escalate.timer'],
      ...['holdfast-shop-run-due.service', 'holdfast-shop-run-due.timer'],
    ]);
    expect(calls()).toEqual([
      'systemctl --user daemon-reload',
      'systemctl --user enable --now holdfast-shop-run-due.timer',
      'systemctl --user enable --now holdfast-shop-escalate.timer',
      'loginctl show-user me --property=Linger --value',
      'loginctl enable-linger me',
    ]);
    expect(await systemd().installed()).toMatchObject([
      { verb: 'escalate', isActive: true, lastExit: 4, start: { config: start.config } },
      { verb: 'run-due', isActive: true, lastExit: 4, start: { node: '/n/node' } },
    ]);
  });

  test('a second install changes nothing, and another Node is said and replaces the first', async () => {
    await systemd().install(start, now);
    forget();
    const again = await systemd().install(start, now);
    expect(again.changes.map(({ change }) => change)).toEqual(Array(4).fill('keep'));
    expect(calls().filter((one) => /reload|enable --now/.test(one))).toEqual([]);
    const { changes, differences } = await systemd().install({ ...start, node: '/m/node' }, now);
    expect(changes.map(({ change }) => change)).toEqual(Array(4).fill('replace'));
    expect(differences).toEqual(['Node was /n/node, and is /m/node']);
    expect(calls()).toContain('systemctl --user daemon-reload');
  });

  test('a dry run writes nothing and calls nothing', async () => {
    const { changes } = await systemd().install(start, { dryRun: true });
    expect([changes.length, units(), calls()]).toEqual([4, [], []]);
  });

  test('when systemd cannot be reached, everything is as before, and the hint says why', async () => {
    stand('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1');
    await expect(systemd().install(start, now)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('Failed to connect to bus: No medium found'),
      hint: expect.stringContaining('XDG_RUNTIME_DIR'),
    });
    expect(units()).toEqual([]);
  });

  test('where lingering is refused, the one command is said', async () => {
    stand('loginctl', 'echo no; echo "Access denied" >&2; [ "$1" = show-user ]');
    const { warnings } = await systemd().install(start, now);
    expect(warnings).toEqual([
      'the timers run only while me is logged in (Access denied). Run once: sudo loginctl enable-linger me',
    ]);
  });

  test('a file that is not ours is neither replaced nor removed', async () => {
    mkdirSync(host.folders.systemd);
    const file = path.join(host.folders.systemd, 'holdfast-shop-run-due.timer');
    writeFileSync(file, '[Timer]\nOnCalendar=daily\n');
    await expect(systemd().install(start, now)).rejects.toThrow(
      `${file} was not written by Holdfast`,
    );
    expect(units()).toEqual(['holdfast-shop-run-due.timer']);
    const { changes, warnings } = await systemd().remove(start, now);
    expect([changes, warnings]).toEqual([[], [`${file} was not written by Holdfast, and stays`]]);
  });

  test('another holdfast.yaml with the same system is refused while it exists, and replaced when it has moved', async () => {
    await systemd().install(start, now);
    const other = { ...start, config: path.join(root, 'b.yaml') };
    await expect(systemd().install(other, now)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`is of ${start.config}`),
    });
    rmSync(start.config);
    const { differences } = await systemd().install(other, now);
    expect(differences).toEqual([`holdfast.yaml was ${start.config}, and is ${other.config}`]);
  });

  test('a removal disables and removes what is ours, and leaves another system alone', async () => {
    await systemd().install(start, now);
    await systemd().install({ ...start, system: 'blog' }, now);
    forget();
    const { changes } = await systemd().remove({ system: 'shop', store: undefined }, now);
    expect(changes).toHaveLength(4);
    expect(calls()).toEqual([
      'systemctl --user disable --now holdfast-shop-run-due.timer',
      'systemctl --user disable --now holdfast-shop-escalate.timer',
      'systemctl --user daemon-reload',
    ]);
    expect(units().every((name) => name.startsWith('holdfast-blog-'))).toBe(true);
    expect((await systemd().remove({ system: 'shop', store: undefined }, now)).changes).toEqual([]);
  });

  test('a folder that cannot be written is named, and nothing is left', async () => {
    writeFileSync(path.join(root, 'units'), 'a file');
    await expect(systemd().install(start, now)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringMatching(/units\/holdfast-shop-run-due.service cannot be written \(E/),
    });
  });

  test('a user without a home gets a clear error, and root does not need one', () => {
    expect(() => openManager({ ...host, home: '' }, 'systemd')).toThrow(/no home folder/);
    expect(() => openManager({ ...host, home: '', isRoot: true }, 'systemd')).not.toThrow();
  });
});

describe('cron', () => {
  test('gets a block beside the lines of the user, once, and gives it back', async () => {
    const cron = openManager(host, 'cron');
    expect((await cron.install(start, now)).changes).toMatchObject([{ change: 'create' }]);
    writeFileSync(
      path.join(root, 'tab'),
      `0 1 * * * mine\n${readFileSync(path.join(root, 'tab'), 'utf8')}`,
    );
    expect((await cron.install(start, now)).changes).toMatchObject([{ change: 'keep' }]);
    expect(await cron.installed()).toHaveLength(2);
    expect((await cron.remove(start, now)).changes).toMatchObject([{ change: 'remove' }]);
    expect(readFileSync(path.join(root, 'tab'), 'utf8')).toBe('0 1 * * * mine\n');
  });

  test('that this user may not use is an error, and no reason to write over a crontab', async () => {
    stand('crontab', 'echo "You (me) are not allowed to use this program" >&2; exit 1');
    await expect(openManager(host, 'cron').install(start, now)).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
      message: expect.stringContaining('not allowed to use this program'),
    });
  });
});

test('systemd is taken where it runs, then cron, and without both there is a clear error', async () => {
  expect(await managerOf(host, undefined)).toBe('systemd');
  expect(await managerOf({ ...host, native: undefined }, undefined)).toBe('cron');
  // A crontab that this user may not run is not one, and so is one in a folder of PATH that the user may not search, as after `su`.
  const closed = path.join(root, 'closed');
  mkdirSync(closed);
  writeFileSync(path.join(closed, 'crontab'), '', { mode: 0o644 });
  const barred = { ...host, native: undefined, env: { PATH: closed } };
  await expect(managerOf(barred, undefined)).rejects.toThrow(
    'neither systemd nor cron runs on this machine',
  );
  const bare = { ...host, native: undefined, env: { PATH: path.join(root, 'nothing') } };
  await expect(managerOf(bare, undefined)).rejects.toThrow(
    'neither systemd nor cron runs on this machine',
  );
  await openManager(host, 'systemd').install(start, now);
  await openManager(host, 'cron').install(start, now);
  expect((await allInstalled(host)).map(({ manager }) => manager)).toEqual([
    ...['systemd', 'systemd', 'cron', 'cron'],
  ]);
});

describe('the doctor', () => {
  const look = async (more = '') => {
    writeFileSync(
      start.config,
      `version: 1\nsystem: shop\nstore: ./store\nsources:\n  site: { kind: files, path: ., schedule: 0 2 * * * }\n${more}`,
    );
    const config = loadConfig({
      ...{ cwd: root, home: root, env: {}, now: new Date('2026-11-22T00:00:00Z') },
      configPath: start.config,
    });
    return (await examineTimers(config, host)).map(({ level, message }) => `${level} ${message}`);
  };

  test('warns where nothing starts what is due, and says what timers lack or where they lead', async () => {
    expect(await look()).toEqual([
      'warning no timer of this user starts the backups that are due here',
    ]);
    const real = { ...start, node: process.execPath, program: start.config };
    await openManager(host, 'systemd').install(real, now);
    expect(await look()).toEqual(['ok timers of systemd start what is due']);
    expect(await look('notify: { heartbeat: env:BEAT }\n')).toEqual([
      'warning the timers do not have BEAT',
    ]);
    await openManager(host, 'systemd').install(start, now);
    expect(await look()).toContain('problem the timer for run-due needs /n/node, which is gone');
  });
});

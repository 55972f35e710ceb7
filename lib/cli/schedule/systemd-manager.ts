// Timers of systemd: of the system for root, of the user for everybody else.
import { rm } from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { isAbsent } from '../../config/error-code.ts';
import { changesIn, ownFiles, planFiles, putBack, writeFiles, type PlannedFile } from './files.ts';
import { assertHome, type Host } from './host.ts';
import type { Change, Installed, TimerManager } from './managed.ts';
import { ask, askWell } from './programs.ts';
import { unitFiles, unitName } from './systemd.ts';
import { TIMERS, type Start } from './timers.ts';

type Which = Pick<Start, 'system' | 'store'>;

export function systemdManager(host: Host): TimerManager {
  assertHome(host);
  const folder = host.folders.systemd;
  const control = ['systemctl', ...(host.isRoot ? [] : ['--user'])];
  const hint = host.isRoot
    ? 'Look at `systemctl status` and the journal.'
    : 'The manager of this user may not run, as after `su` or `sudo`: log in as this user, or set XDG_RUNTIME_DIR=/run/user/$(id -u).';
  const tell = (...args: string[]) => askWell(host.env, [...control, ...args], { hint });

  return {
    async install(start, { dryRun }) {
      const planned = await planFiles(folder, unitFiles(start, host.isRoot), start);
      const differences = changesIn(planned, start);
      const changes = planned.map(changeOf);
      if (dryRun) return { changes, differences, warnings: [] };
      await writeFiles(planned);
      try {
        if (changes.some(({ change }) => change !== 'keep')) await tell('daemon-reload');
        for (const timer of timersOf(start)) await enable(timer, planned);
      } catch (error) {
        await putBack(planned);
        await ask(host.env, [...control, 'daemon-reload']);
        throw error;
      }
      return { changes, differences, warnings: host.isRoot ? [] : await linger(host) };
    },

    async installed() {
      const names = (await unitsIn(folder)).filter((name) => name.endsWith('.service'));
      const { own } = await ownFiles(folder, names);
      return Promise.all(
        own.flatMap(({ file, start }) => {
          const timer = TIMERS.find((one) => file.endsWith(`-${one.verb}.service`));
          return timer === undefined ? [] : [stateOf(control, host, { file, start, timer })];
        }),
      );
    },

    async remove(which, { dryRun }) {
      const names = timersOf(which).flatMap((one) => [one, one.replace(/timer$/, 'service')]);
      const { own, foreign } = await ownFiles(folder, names);
      const timers = own.filter(({ file }) => file.endsWith('.timer'));
      const changes = own.map(({ file }): Change => ({ change: 'remove', where: file }));
      const warnings = foreign.map((file) => `${file} was not written by Holdfast, and stays`);
      if (dryRun || own.length === 0) return { changes, differences: [], warnings };
      for (const { file } of timers) await tell('disable', '--now', nameOf(file));
      for (const { file } of own) await rm(file);
      await tell('daemon-reload');
      return { changes, differences: [], warnings };
    },
  };

  async function enable(timer: string, planned: readonly PlannedFile[]): Promise<void> {
    const isNew = planned.some(
      ({ file, before }) => nameOf(file) === timer && before === undefined,
    );
    if (!isNew && (await isOn(control, host, timer))) return;
    await tell('enable', '--now', timer);
  }
}

function changeOf({ file, text, before }: PlannedFile): Change {
  const change = before === undefined ? 'create' : before === text ? 'keep' : 'replace';
  return { change, where: file };
}

function timersOf(which: Which): string[] {
  return TIMERS.map((timer) => `${unitName(which, timer)}.timer`);
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

async function isOn(control: readonly string[], { env }: Host, timer: string): Promise<boolean> {
  const asked = await Promise.all(
    ['is-enabled', 'is-active'].map((verb) => ask(env, [...control, verb, '--quiet', timer])),
  );
  return asked.every(({ exit }) => exit === 0);
}

async function unitsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.startsWith('holdfast-')).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function stateOf(
  control: readonly string[],
  { env }: Host,
  { file, start, timer }: { file: string; start: Start; timer: (typeof TIMERS)[number] },
): Promise<Installed> {
  const service = nameOf(file);
  const active = await ask(env, [...control, 'is-active', service.replace(/service$/, 'timer')]);
  const known = ['active', 'inactive', 'failed', 'activating'].includes(active.stdout.trim());
  const last = await ask(env, [...control, 'show', '--property=ExecMainStatus', service]);
  const exit = /^ExecMainStatus=(\d+)$/m.exec(last.stdout)?.[1];
  return {
    manager: 'systemd',
    verb: timer.verb,
    where: file,
    start,
    isActive: known ? active.exit === 0 : undefined,
    lastExit: exit === undefined ? undefined : Number(exit),
  };
}

/** Timers of a user end with the last session, unless the user lingers. */
async function linger({ env, user }: Host): Promise<string[]> {
  const seen = await ask(env, ['loginctl', 'show-user', user, '--property=Linger', '--value']);
  if (seen.stdout.trim() === 'yes') return [];
  const enabled = await ask(env, ['loginctl', 'enable-linger', user]);
  if (enabled.exit === 0) return [];
  return [
    `the timers run only while ${user} is logged in (${enabled.why}). Run once: sudo loginctl enable-linger ${user}`,
  ];
}

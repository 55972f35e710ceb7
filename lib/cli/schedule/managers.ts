// Which manager of timers this machine has, and all timers of this user.
import { HoldfastError } from '../../errors.ts';
import { cronManager } from './cron-manager.ts';
import type { Host } from './host.ts';
import { launchdManager } from './launchd-manager.ts';
import type { Installed, TimerManager } from './managed.ts';
import { ask } from './programs.ts';
import { systemdManager } from './systemd-manager.ts';
import type { Manager } from './timers.ts';

const OPEN: Readonly<Record<Manager, (host: Host) => TimerManager>> = {
  systemd: systemdManager,
  cron: cronManager,
  launchd: launchdManager,
};

/** The manager that was named, or the one that this machine has. `COMMAND_FAILED` where there is none. */
export async function managerOf(host: Host, named: Manager | undefined): Promise<Manager> {
  if (named !== undefined) return named;
  if (host.native !== undefined) return host.native;
  if (await hasCron(host)) return 'cron';
  throw new HoldfastError('COMMAND_FAILED', 'neither systemd nor cron runs on this machine', {
    hint: 'Have something else start `holdfast run-due` every 15 minutes and `holdfast escalate --once` every minute; `--manager systemd --out FOLDER` writes units for another machine.',
  });
}

async function hasCron({ env }: Host): Promise<boolean> {
  return !(await ask(env, ['crontab', '-l'])).isMissing;
}

export function openManager(host: Host, manager: Manager): TimerManager {
  return OPEN[manager](host);
}

/** All timers that this user has, by whatever manager this machine has. */
export async function allInstalled(host: Host): Promise<Installed[]> {
  const managers: Manager[] = [
    ...(host.native !== undefined && (host.isRoot || host.home !== '') ? [host.native] : []),
    ...((await hasCron(host)) ? (['cron'] as const) : []),
  ];
  const found = await Promise.all(managers.map((one) => OPEN[one](host).installed()));
  return found.flat();
}

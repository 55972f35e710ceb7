// Timers of launchd on macOS: daemons for root, agents of the user for everybody else.
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isAbsent } from '../../config/error-code.ts';
import { changesIn, ownFiles, planFiles, putBack, writeFiles } from './files.ts';
import { assertHome, type Host } from './host.ts';
import { agentFiles, agentLabel } from './launchd.ts';
import type { Change, Installed, TimerManager } from './managed.ts';
import { ask, askWell } from './programs.ts';
import { TIMERS } from './timers.ts';

const HINT = 'Log in as this user on the screen, where agents of users run, or install as root.';

export function launchdManager(host: Host): TimerManager {
  assertHome(host);
  const folder = host.folders.launchd;
  const domain = host.isRoot ? 'system' : `gui/${host.uid ?? ''}`;
  return {
    async install(start, { dryRun }) {
      const planned = await planFiles(folder, agentFiles(start), start);
      const differences = changesIn(planned, start);
      const changes = planned.map(({ file, text, before }): Change => ({
        change: before === undefined ? 'create' : before === text ? 'keep' : 'replace',
        where: file,
      }));
      if (dryRun) return { changes, differences, warnings: [] };
      await writeFiles(planned);
      try {
        for (const { file, text, before } of planned) {
          const target = `${domain}/${path.basename(file, '.plist')}`;
          const loaded = await ask(host.env, ['launchctl', 'print', target]);
          if (loaded.exit === 0 && text === before) continue;
          if (loaded.exit === 0) await ask(host.env, ['launchctl', 'bootout', target]);
          await askWell(host.env, ['launchctl', 'bootstrap', domain, file], { hint: HINT });
        }
      } catch (error) {
        await putBack(planned);
        throw error;
      }
      return { changes, differences, warnings: [] };
    },

    async installed() {
      const { own } = await ownFiles(folder, await listsIn(folder));
      return Promise.all(
        own.flatMap(({ file, start }) => {
          const timer = TIMERS.find(({ verb }) => file.endsWith(`.${verb}.plist`));
          return timer === undefined
            ? []
            : [stateOf(host, domain, { file, start, verb: timer.verb })];
        }),
      );
    },

    async remove(which, { dryRun }) {
      const names = TIMERS.map((timer) => `${agentLabel(which, timer)}.plist`);
      const { own, foreign } = await ownFiles(folder, names);
      const changes = own.map(({ file }): Change => ({ change: 'remove', where: file }));
      const warnings = foreign.map((file) => `${file} was not written by Holdfast, and stays`);
      if (dryRun) return { changes, differences: [], warnings };
      for (const { file } of own) {
        await ask(host.env, ['launchctl', 'bootout', `${domain}/${path.basename(file, '.plist')}`]);
        await rm(file);
      }
      return { changes, differences: [], warnings };
    },
  };
}

async function listsIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.startsWith('dev.holdfast-')).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function stateOf(
  { env }: Host,
  domain: string,
  { file, start, verb }: { file: string; start: Installed['start']; verb: Installed['verb'] },
): Promise<Installed> {
  const target = `${domain}/${path.basename(file, '.plist')}`;
  const { exit, stdout, isMissing } = await ask(env, ['launchctl', 'print', target]);
  const last = /last exit code = (\d+)/.exec(stdout)?.[1];
  return {
    ...{ manager: 'launchd', verb, where: file, start },
    isActive: isMissing ? undefined : exit === 0,
    lastExit: last === undefined ? undefined : Number(last),
  };
}

// Timers in the crontab of this user, where there is no systemd.
import { assertSame } from './files.ts';
import type { Host } from './host.ts';
import { blocksIn, cronBlock, withBlock } from './cron.ts';
import type { Changed, TimerManager } from './managed.ts';
import { ask, askWell } from './programs.ts';
import { HoldfastError } from '../../errors.ts';
import { baseName, changesOf, TIMERS } from './timers.ts';

const HINT = 'See whether this user may use cron: /etc/cron.allow and /etc/cron.deny say so.';

export function cronManager(host: Host): TimerManager {
  const where = `the crontab of ${host.user}`;
  return {
    async install(start, { dryRun }) {
      const text = await crontabOf(host);
      const before = blocksIn(text).get(baseName(start));
      if (before !== undefined) assertSame(before.start, start, where);
      const block = cronBlock(start);
      const change = before === undefined ? 'create' : before.text === block ? 'keep' : 'replace';
      if (!dryRun && change !== 'keep')
        await writeCrontab(host, withBlock(text, baseName(start), block));
      const differences = before === undefined ? [] : changesOf(before.start, start);
      return { changes: [{ change, where }], differences, warnings: [] };
    },

    async installed() {
      const found = blocksIn(await crontabOf(host)).values();
      return [...found].flatMap(({ start }) =>
        TIMERS.map(({ verb }) => ({
          ...{ manager: 'cron', verb, where, start },
          isActive: undefined,
          lastExit: undefined,
        })),
      );
    },

    async remove(which, { dryRun }): Promise<Changed> {
      const text = await crontabOf(host);
      const isThere = blocksIn(text).has(baseName(which));
      if (isThere && !dryRun) await writeCrontab(host, withBlock(text, baseName(which), undefined));
      const changes = isThere ? [{ change: 'remove', where } as const] : [];
      return { changes, differences: [], warnings: [] };
    },
  };
}

/** Empty where the user has none. `COMMAND_FAILED` where there is no cron, or this user may not use it. */
async function crontabOf({ env }: Host): Promise<string> {
  const { exit, stdout, why, isMissing } = await ask(env, ['crontab', '-l']);
  if (exit === 0) return stdout;
  if (isMissing)
    throw new HoldfastError('COMMAND_FAILED', 'there is no crontab that this user may run', {
      hint: HINT_MISSING,
    });
  if (/no crontab|can't open/i.test(why)) return '';
  throw new HoldfastError('COMMAND_FAILED', `crontab -l failed: ${why}`, { hint: HINT });
}

const HINT_MISSING =
  'Install cron, or have something else start `holdfast run-due` every 15 minutes and `holdfast escalate --once` every minute.';

async function writeCrontab({ env }: Host, text: string): Promise<void> {
  await askWell(env, ['crontab', '-'], { input: text, hint: HINT });
}

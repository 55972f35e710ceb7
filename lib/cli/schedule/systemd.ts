// Units of systemd: a service and a timer for each of what is done by the clock. Pure.
import { HoldfastError } from '../../errors.ts';
import { baseName, commandOf, markOf, TIMERS, type Start, type Timer } from './timers.ts';

/** Where units of the system are, or those of the user whose configuration folder it is. */
export function unitFolder(isRoot: boolean, configFolder: string): string {
  return isRoot ? '/etc/systemd/system' : `${configFolder}/systemd/user`;
}

/** `holdfast-shop-run-due` */
export function unitName(
  start: Pick<Start, 'system' | 'store'>,
  timer: Pick<Timer, 'verb'>,
): string {
  return `${baseName(start)}-${timer.verb}`;
}

/** The files, by their names. `USAGE` for a Node whose path systemd does not take for one of a program. */
export function unitFiles(start: Start, isRoot: boolean): Map<string, string> {
  if (/["'\\]/.test(start.node))
    throw new HoldfastError(
      'USAGE',
      `Node is ${start.node}: systemd starts no program with a quote or a backslash in its path`,
      { hint: 'Install Node in another folder, or use `--manager cron`.' },
    );
  return new Map(
    TIMERS.flatMap((timer) => [
      [`${unitName(start, timer)}.service`, service(start, timer, isRoot)],
      [`${unitName(start, timer)}.timer`, timerUnit(start, timer)],
    ]),
  );
}

function head(start: Start): string {
  return `# Written by \`holdfast schedule install\`; \`holdfast schedule remove\` removes it.\n# ${markOf(start)}\n`;
}

function service(start: Start, timer: Timer, isRoot: boolean): string {
  const isShort = timer.verb === 'escalate';
  const [node = '', ...args] = commandOf(start, timer, { quiet: isShort });
  return `${head(start)}[Unit]
Description=Holdfast ${start.system}: ${timer.about}
${isRoot ? 'Wants=network-online.target\nAfter=network-online.target\n' : ''}
[Service]
Type=oneshot
${isRoot ? '# For HOME.\nUser=root\n' : ''}Environment=${quoted(`PATH=${start.searchPath}`)}
ExecStart=${[quoted(node), ...args.map(argument)].join(' ')}
# Another run was under way.
SuccessExitStatus=11
${isShort ? 'TimeoutStartSec=10min\n# An automatic recovery that it starts goes on.\nKillMode=process' : 'Nice=10'}
`;
}

function timerUnit(start: Start, { about, everyMinutes }: Timer): string {
  const isRare = everyMinutes === 15;
  return `${head(start)}[Unit]
Description=Holdfast ${start.system}: ${about}

[Timer]
OnCalendar=${isRare ? '*:0/15' : '*:*'}
AccuracySec=${isRare ? '30s' : '10s'}
${isRare ? '# What a machine that was off has missed is made up for.\nPersistent=true\n' : ''}
[Install]
WantedBy=timers.target
`;
}

/** `%` begins a specifier. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word; in an argument, `$` begins a variable, in the name of a program it does not. */
function quoted(text: string): string {
  return `"${specifiers(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function argument(text: string): string {
  return /^[\w/:=.,@+-]+$/.test(text) ? text : quoted(text).replaceAll('$', '$$$$');
}

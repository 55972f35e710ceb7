// A block in the crontab of a user. Pure.
import { HoldfastError } from '../../errors.ts';
import { baseName, commandOf, markOf, readMark, TIMERS, type Start, type Timer } from './timers.ts';

/** The longest command that every cron takes. */
const MOST_BYTES = 999;

const END = '# end of holdfast-timer';

/** The lines of a system, with their marks. `USAGE` when a line would be too long for cron. */
export function cronBlock(start: Start): string {
  const lines = TIMERS.map((timer) => cronLine(start, timer));
  return [
    `# ${baseName(start)}: written by \`holdfast schedule install\`; \`holdfast schedule remove\` removes it.`,
    `# ${markOf(start)}`,
    ...lines,
    `${END} ${baseName(start)}`,
    '',
  ].join('\n');
}

function cronLine(start: Start, timer: Timer): string {
  const words = commandOf(start, timer, { quiet: true }).map(shellWord);
  const path = `PATH=${shellWord(start.searchPath)}`;
  const command = `${path} exec ${words.join(' ')}`;
  const bytes = Buffer.byteLength(command);
  if (bytes > MOST_BYTES)
    throw new HoldfastError(
      'USAGE',
      `the command for cron has ${bytes} bytes; cron takes at most ${MOST_BYTES}`,
      { hint: 'Install with a shorter PATH, such as PATH=/usr/local/bin:/usr/bin:/bin.' },
    );
  return `${timer.everyMinutes === 15 ? '*/15' : '*'} * * * * ${command}`;
}

/** A word for sh in a crontab, where `%` would end the line: escaping it differs from one cron to the other, so it is not written. */
function shellWord(text: string): string {
  if (/^[\w/:=.,@+-]+$/.test(text)) return text;
  const quoted = `'${text.replaceAll("'", `'\\''`)}'`;
  return quoted.replaceAll('%', `'"$(printf '\\045')"'`);
}

/** What of a crontab is ours, by the names of the systems. */
export function blocksIn(crontab: string): Map<string, { text: string; start: Start }> {
  const found = new Map<string, { text: string; start: Start }>();
  const pattern = new RegExp(`^# (holdfast-\\S+): written by .*\\n[\\s\\S]*?^${END} \\1\\n?`, 'gm');
  for (const [text, name = ''] of crontab.matchAll(pattern)) {
    const start = readMark(text);
    if (start !== undefined) found.set(name, { text, start });
  }
  return found;
}

/** The crontab with `block` in the place of the one that was there, at its end where there was none; without one, without it. */
export function withBlock(crontab: string, name: string, block: string | undefined): string {
  const before = blocksIn(crontab).get(name);
  if (before !== undefined) return crontab.replace(before.text, () => block ?? '');
  if (block === undefined) return crontab;
  const joint = crontab === '' || crontab.endsWith('\n') ? '' : '\n';
  return `${crontab}${joint}${block}`;
}

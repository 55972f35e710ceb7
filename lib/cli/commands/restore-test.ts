// `holdfast restore-test`: restores backups to a scratch folder and compares every entry.
import { chooseBackups } from '../../engine/catalog/backups.ts';
import {
  restoreTest,
  type LiveComparison,
  type RestoreTestOptions,
  type RestoreTestResult,
} from '../../engine/restore-test.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { problemLines } from '../output/problems.ts';
import type { LiveSource } from '../../sources/source.ts';
import { telling } from '../telling.ts';
import { openSession, requireConfig, type Session } from '../session.ts';
import { checksOf, filesSourceNamed, openFolder } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';
import { bytesText, counted, durationText } from '../output/units.ts';

interface Options {
  readonly live?: boolean;
  readonly tolerance: string;
}

export const run = telling<Options>('restore-test', async (names, { options, signal }) => {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const tolerance = shareOf(options.tolerance);
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    onProgress: terminal.progress,
  });
  const results: RestoreTestResult[] = [];
  for (const backup of await chooseBackups(session.engine, names)) {
    const source = options.live === true ? await liveSource(session, backup.source) : undefined;
    const live = source && { source, tolerance };
    results.push(await testOne(session, backup, { live, terminal }));
  }
  terminal.document({ command: 'restore-test', backups: results });
  if (results.some(({ verdict }) => verdict !== 'proven')) return ERRORS.BACKUP_DAMAGED.exit;
  return results.every(({ live }) => live?.within !== false) ? 0 : ERRORS.RESTORE_DIFFERS.exit;
});

/** Restores one backup for a test, and says how that went. */
export async function testOne(
  session: Session,
  backup: { source: string; id: string },
  { live, terminal }: { live?: RestoreTestOptions['live']; terminal: Terminal },
): Promise<RestoreTestResult> {
  terminal.start(`restoring ${backup.source}/${backup.id} to a scratch place`);
  const checks = checksOf(session.config, backup.source);
  const result = await restoreTest(session.engine, backup, { live, checks });
  terminal.stop();
  say(terminal, session, result);
  return result;
}

/** `5%` as 0.05. */
function shareOf(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]);
  if (percent >= 0 && percent <= 100) return percent / 100;
  throw new HoldfastError('USAGE', `--tolerance "${text}" is no share`, {
    hint: 'Use a percentage from 0% to 100%, such as 5%.',
  });
}

function liveSource(session: Session, name: string): Promise<LiveSource> {
  const config = requireConfig(session);
  return openFolder(config, filesSourceNamed(config, name, '--live'));
}

function say(terminal: Terminal, { config }: Session, result: RestoreTestResult): void {
  const { source, id, verdict, files, bytes, restoreMs, durationMs, problems } = result;
  const mark = terminal.paint(verdict === 'proven' ? 'green' : 'red', verdict);
  const rtoMs = config?.sources.find((one) => one.name === source)?.rtoMs;
  const objective = rtoMs === undefined ? '' : `, RTO is ${durationText(rtoMs)}`;
  const server = result.facts['server'];
  const onServer = typeof server === 'string';
  const where = onServer ? `loaded into a scratch server, PostgreSQL ${server},` : 'restored';
  // Comparing takes longer than loading, and is no part of what a restore takes.
  const whole = onServer ? ` (the whole test took ${durationText(durationMs)})` : '';
  const what = counted(files, onServer ? 'table' : 'file');
  const tell = (text: string) => {
    if (verdict === 'proven') terminal.done(text);
    else terminal.line(text);
  };
  tell(
    `${mark}  ${source}/${id}  ${what}, ${bytesText(bytes)} ${where} in ${durationText(restoreMs)}${whole}${objective}`,
  );
  for (const line of problemLines(problems)) tell(`  ${line}`);
  if (result.unrecorded !== undefined) terminal.warn(`no evidence was kept: ${result.unrecorded}`);
  if (result.live !== undefined) sayLive(terminal, result.live);
}

function sayLive(terminal: Terminal, live: LiveComparison): void {
  const { entries, differing, tolerance, within, differences } = live;
  const text = `${counted(differing, 'entry', 'entries')} of ${entries} differ from the source as it is now, ${tolerance * 100} % may`;
  if (within) terminal.done(`  live: ${text}`);
  else terminal.warn(text);
  for (const { path, change } of differences) {
    if (within) terminal.done(`    ${change}: ${path}`);
    else terminal.line(`    ${change}: ${path}`);
  }
}

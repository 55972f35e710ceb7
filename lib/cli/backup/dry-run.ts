// `holdfast backup --dry-run`: what would be taken and what left out, without storing anything.
import type { Config, SourceConfig } from '../../config/config.ts';
import type { Problem } from '../../errors.ts';
import { walkFiles } from '../../sources/files/source.ts';
import { problemLines } from '../output/problems.ts';
import { surroundingsOf } from '../sources.ts';
import type { Terminal } from '../output/terminal.ts';
import { bytesText, counted } from '../output/units.ts';

/** Walks the sources as a backup would; its exit code. */
export function dryRun(
  config: Config,
  sources: readonly SourceConfig[],
  terminal: Terminal,
): number {
  const folders = sources.filter((source) => source.kind === 'files');
  for (const { name, kind } of sources.filter((source) => source.kind !== 'files'))
    terminal.note(`${name}: a source of kind ${kind} is not looked at before it is backed up`);
  const results = folders.map((source) => {
    const problems: Problem[] = [];
    const totals = { entries: 0, files: 0, contentBytes: 0 };
    const say = (problem: Problem) => problems.push(problem);
    for (const entry of walkFiles(source, surroundingsOf(config), say, say)) {
      totals.entries++;
      if (entry.type === 'file') totals.files++;
      totals.contentBytes += entry.size;
    }
    terminal.line(
      `${source.name}: ${counted(totals.files, 'file')}, ${bytesText(totals.contentBytes)} would be backed up`,
    );
    for (const line of problemLines(problems)) terminal.line(`  ${line}`);
    return { source: source.name, ...totals, problems };
  });
  terminal.document({ command: 'backup', dryRun: true, sources: results });
  return 0;
}

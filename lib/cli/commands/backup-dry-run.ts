// `holdfast backup --dry-run`: what would be taken and what left out, without storing anything.
import type { Config, FilesSourceConfig } from '../../config/config.ts';
import type { Problem } from '../../errors.ts';
import { walkFiles } from '../../sources/files.ts';
import { problemLines } from '../problems.ts';
import { surroundingsOf } from '../session.ts';
import type { Terminal } from '../terminal.ts';
import { bytesText, counted } from '../units.ts';

/** Walks the sources as a backup would; its exit code. */
export function dryRun(
  config: Config,
  sources: readonly FilesSourceConfig[],
  terminal: Terminal,
): number {
  const results = sources.map((source) => {
    const problems: Problem[] = [];
    const totals = { entries: 0, files: 0, contentBytes: 0 };
    for (const entry of walkFiles(source, surroundingsOf(config), (one) => problems.push(one))) {
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

// What a restore says of what the backup never had.
import type { Problem } from '../../errors.ts';
import { newestGood, surveySource } from '../../engine/catalog/survey.ts';
import type { Engine } from '../../engine/engine.ts';
import { displayText } from '../../format/paths.ts';
import type { Terminal } from './terminal.ts';

const SHOWN = 20;

/** Reminds of what has to be brought from elsewhere; nothing where there is nothing. */
export function sayLeftOut(
  terminal: Terminal,
  all: readonly Problem[],
  lacking: readonly Problem[],
): void {
  // What it lacks is said as a warning.
  const leftOut = all.filter((one) => !lacking.includes(one));
  if (leftOut.length === 0) return;
  terminal.done('  not in the backup, so bring it from elsewhere unless it is there:');
  for (const { path, detail } of leftOut.slice(0, SHOWN)) {
    terminal.done(`    ${displayText(path)}: ${displayText(detail)}`);
  }
  if (leftOut.length > SHOWN) {
    terminal.done(`    … and ${leftOut.length - SHOWN} more; \`holdfast show\` lists them`);
  }
}

interface Restored {
  readonly source: string;
  readonly id: string;
  readonly lacking: readonly Problem[];
}

/** Warns of what a partial backup lacks of what was wanted, and says which backup is whole; nothing for one that is whole itself. */
export async function sayLacking(
  terminal: Terminal,
  { source, id, lacking }: Restored,
  engine?: Engine,
): Promise<void> {
  if (lacking.length === 0) return;
  terminal.warn(`${displayText(source)}/${id} is partial; not in it:`);
  for (const { path, detail } of lacking.slice(0, SHOWN))
    terminal.warn(`  ${path === '' ? '' : `${displayText(path)}: `}${displayText(detail)}`);
  if (lacking.length > SHOWN) terminal.warn(`  … and ${lacking.length - SHOWN} more`);
  if (engine === undefined) return;
  const { backups } = await surveySource(engine, source);
  const good = newestGood(backups, engine.now());
  terminal.warn(
    good === undefined
      ? `no backup of ${displayText(source)} is complete and proven`
      : `the newest complete backup is ${displayText(source)}/${good.id}`,
  );
}

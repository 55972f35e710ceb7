// What a restore says of what the backup never had.
import type { Problem } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import type { Terminal } from './terminal.ts';

const SHOWN = 20;

/** Reminds of what has to be brought from elsewhere; nothing where there is nothing. */
export function sayLeftOut(terminal: Terminal, leftOut: readonly Problem[]): void {
  if (leftOut.length === 0) return;
  terminal.done('  not in the backup, so bring it from elsewhere unless it is there:');
  for (const { path, detail } of leftOut.slice(0, SHOWN)) {
    terminal.done(`    ${displayText(path)}: ${displayText(detail)}`);
  }
  if (leftOut.length > SHOWN) {
    terminal.done(`    … and ${leftOut.length - SHOWN} more; \`holdfast show\` lists them`);
  }
}

// What pg_dump warned of while it wrote a dump. Pure.
import type { Problem } from '../../../errors.ts';

const WARNING = /^pg_dump: warning: (.*)$/;
/** Lines that go with the warning above them. */
const MORE = /^pg_dump: (?:detail|hint): (.*)$/;
const MAX_WARNINGS = 50;
const MAX_LENGTH = 1000;

/** The warnings among the lines that pg_dump said, as what should be known of a backup; the dump is what pg_dump makes it. */
export function warningsOf(said: string): Problem[] {
  const warnings: string[] = [];
  for (const line of said.split('\n')) {
    const [, warning] = WARNING.exec(line) ?? [];
    const [, more] = MORE.exec(line) ?? [];
    if (warning !== undefined) warnings.push(warning);
    else if (more !== undefined && warnings.length > 0) warnings.push(`${warnings.pop()}; ${more}`);
  }
  return [...new Set(warnings)].slice(0, MAX_WARNINGS).map((text) => ({
    path: '',
    code: 'pg-dump-warns',
    detail: `pg_dump warns: ${text.slice(0, MAX_LENGTH)}`,
    tolerated: true,
  }));
}

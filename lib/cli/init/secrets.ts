// Which files of a site a backup leaves out because they hold secrets: who sets it up has to know before he needs them.
import type { Config } from '../../config/config.ts';
import { examineFiles } from '../../sources/files/examine.ts';
import { LEFT_OUT_CODE } from '../output/problems.ts';
import { surroundingsOf } from '../sources.ts';

/** Enough to see what lies at the top, few enough for a second. */
const SAMPLE_ENTRIES = 20_000;

/** Paths in the folder of the first source, as people write them; what lies beyond the first entries is not looked at. */
export function secretsLeftOut(config: Config): string[] {
  const source = config.sources.find(({ kind }) => kind === 'files');
  if (source?.kind !== 'files') return [];
  return examineFiles(source, surroundingsOf(config), SAMPLE_ENTRIES)
    .problems.filter(({ code }) => code === LEFT_OUT_CODE)
    .map(({ path }) => path);
}

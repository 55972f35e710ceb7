// The commands of the README in a store, which tests run as they stand.
import { README_TEXT } from '../../lib/engine/catalog/readme.ts';

/** Those below a heading, in its order. */
export function readmeCommands(heading: string, text = README_TEXT): string[] {
  const section = text.split(`\n\n\n${heading}\n\n`)[1]?.split('\n\n\n')[0];
  if (section === undefined) throw new Error(`there is no heading ${heading}`);
  return section.split('\n').flatMap((line) => (/^ {4}\S/.test(line) ? [line.trim()] : []));
}

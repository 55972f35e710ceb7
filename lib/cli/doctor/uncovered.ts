// Databases that the files of the sources name and that nothing in the configuration protects.
import type { Config } from '../../config/config.ts';
import { errorCode, isAbsent } from '../../config/error-code.ts';
import { detectFolder } from '../../config/init/detect.ts';
import { uncoveredDatabases, type UncoveredDatabase } from '../../config/init/uncovered.ts';
import { isWithin } from '../../config/places.ts';

/** Those that the folders of sources name; none for a folder that is not there or cannot be read. */
export async function uncoveredIn(config: Config): Promise<UncoveredDatabase[]> {
  const dumps = new Set(Object.values(config.otherDatabases));
  const folders = config.sources.flatMap((source) =>
    source.kind === 'files' && !dumps.has(source.name) ? [source.path] : [],
  );
  const found: UncoveredDatabase[] = [];
  for (const folder of outermost(folders)) found.push(...(await inFolder(folder, config)));
  return found;
}

/** The folders that do not lie in another one. */
function outermost(all: readonly string[]): string[] {
  const folders = [...new Set(all)];
  return folders.filter((one) => !folders.some((other) => other !== one && isWithin(one, other)));
}

async function inFolder(folder: string, config: Config): Promise<UncoveredDatabase[]> {
  try {
    // What a shell has set says nothing about the site.
    return uncoveredDatabases(await detectFolder(folder, {}), config);
  } catch (error) {
    // A source that cannot be read is said elsewhere.
    if (isAbsent(error) || ['EACCES', 'EPERM', 'ENOTDIR'].includes(errorCode(error) ?? ''))
      return [];
    throw error;
  }
}

// The file in which `init` puts the URL of a database whose address a site keeps in parts: it works by hand and in timers alike.
import { lstat, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { urlFromParts } from '../../config/init/database-url.ts';
import type { FoundFolder } from '../../config/init/detect.ts';
import { errorCode, isAbsent } from '../../config/error-code.ts';
import { HoldfastError } from '../../errors.ts';

/** A file that holds a URL, or shall hold one. */
export interface DatabaseFile {
  /** Absolute. */
  readonly path: string;
  /** The file of the site that has the parts; undefined where somebody has to write the URL. */
  readonly partsIn: string | undefined;
  readonly exists: boolean;
  /** A secret: it is written, and never shown. Undefined where there is nothing to write. */
  readonly url: string | undefined;
}

/** The file for what was found in `folder`, beside the key of the system; undefined where a variable is named, or no database. */
export async function planDatabaseFile(
  { system, database }: Pick<FoundFolder, 'system' | 'database'>,
  { folder, keys, onAws }: { folder: string; keys: string; onAws: boolean },
): Promise<DatabaseFile | undefined> {
  if (database === undefined || database.isNamed || onAws) return undefined;
  const file = path.join(keys, `${system}.database`);
  const { partsIn } = database;
  const exists = await isThere(file);
  const url =
    exists || partsIn === undefined
      ? undefined
      : urlFromParts(await readFile(path.join(folder, partsIn), 'utf8'));
  return { path: file, partsIn: url === undefined ? undefined : partsIn, exists, url };
}

/** Writes the URL with mode 0600, and never over what is there. `STORE_DENIED` where it cannot be written. True when it was. */
export async function writeDatabaseFile({ path: file, url }: DatabaseFile): Promise<boolean> {
  if (url === undefined) return false;
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${url}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return false;
    throw new HoldfastError(
      'STORE_DENIED',
      `${file} cannot be written (${errorCode(cause) ?? 'unknown error'})`,
      { hint: 'See who owns the folder, or set XDG_CONFIG_HOME to one of your own.', cause },
    );
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

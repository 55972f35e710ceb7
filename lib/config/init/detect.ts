// Looks at a folder to see what kind of system lives in it. Reads names and files that set it up, changes nothing.
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';

import { errorCode, isAbsent } from '../error-code.ts';
import { isWithin } from '../places.ts';
import { afterRestoreOf } from './after-restore.ts';
import {
  findDatabases,
  type FoundDatabase,
  type FoundDatabases,
  type SeenDatabase,
} from './found-databases.ts';
import { findStacks, partsOf, uploadsOutside, type FoundParts } from './found-stacks.ts';
import { lookAt } from './look.ts';
import { objectAt, type LookedAt } from './looked-at.ts';
import { bucketsIn, pathsOfUploads, type FoundBucket } from './uploads.ts';

export type { FoundDatabase, SeenDatabase };

/** A stack that the site is made with. */
export interface NamedStack {
  readonly id: string;
  /** As in "a Next.js site". */
  readonly title: string;
  /** Where its package lies; empty for the top. */
  readonly folder: string;
}

/** A folder outside of the site in which the site keeps what users send. */
export interface OutsideFolder {
  /** Absolute. */
  readonly path: string;
  /** What leads there: the path of a link in the site, or a file that names it. */
  readonly toldBy: string;
}

/** What was found in a folder. */
export interface FoundFolder extends FoundParts, FoundDatabases {
  /** The id of the most telling stack; `plain` where none is known. */
  readonly kind: string;
  readonly stacks: readonly NamedStack[];
  /** A system id made from the package's name, or else from the folder's. */
  readonly system: string;
  readonly git: boolean;
  readonly uploadsOutside: readonly OutsideFolder[];
  /** Variables that name a bucket in which the site may keep files. */
  readonly buckets: readonly FoundBucket[];
  /** Commands that make a restored site whole. */
  readonly afterRestore: readonly string[];
}

/** The id of a system of this name: `@automatron/website` becomes `automatron-website`. */
export function systemId(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return id === '' ? 'system' : id;
}

/** What lives in `folder`. Folders and files that do not exist, or may not be read, are no error; `folder` itself must be readable. */
export async function detectFolder(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<FoundFolder> {
  const looked = await lookAt(folder);
  const found = findStacks(looked);
  const { name } = objectAt(looked, '', 'package.json');
  return {
    kind: found[0]?.stack.id ?? 'plain',
    stacks: found.map(({ stack: { id, title }, folder: at }) => ({ id, title, folder: at })),
    system: systemId(typeof name === 'string' && name !== '' ? name : basename(resolve(folder))),
    git: looked.folders.includes('.git') || looked.files.includes('.git'),
    ...partsOf(looked, found),
    ...findDatabases(looked, found, env),
    uploadsOutside: [
      ...[...uploadsOutside(looked, found)].map(([toldBy, path]) => ({ path, toldBy })),
      ...(await namedOutside(folder, looked)),
    ],
    buckets: bucketsIn(looked),
    afterRestore: afterRestoreOf(looked),
  };
}

/** Folders that a setting names, as far as they are there and lie outside of the site. */
async function namedOutside(folder: string, looked: LookedAt): Promise<OutsideFolder[]> {
  const found: OutsideFolder[] = [];
  for (const { path, toldBy } of pathsOfUploads(looked)) {
    if (isWithin(path, folder) || isWithin(folder, path)) continue;
    if ((await isFolder(path)) && !found.some((one) => one.path === path))
      found.push({ path, toldBy });
  }
  return found;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isAbsent(error) || errorCode(error) === 'EACCES') return false;
    throw error;
  }
}

// What the command line knows of a store that is a folder.
import { readdir } from 'node:fs/promises';
import { MARKER_KEY } from '../../../format/layout.ts';
import { withLocalLock } from '../../../stores/folder/lock.ts';
import type { AboutStore } from './kind.ts';

/** What is known of the store in the folder `root`. */
export function aboutFolder(root: string): AboutStore {
  return {
    readingCosts: false,
    variables: [],
    examinedWithoutStore: false,
    examine: async (engine, config, sources) => {
      const { examineFolder } = await import('../../doctor/folder-store.ts');
      return examineFolder(engine, config, sources);
    },
    whilePruning: (holder, prune) => withLocalLock(root, 'prune', holder, prune),
    byHand: () => ({ placeOf: ({ key }) => `${root}/${key}`, fetch: () => [] }),
    copyCommand: (folder) => `cp -an '${folder}/.' '${root}/'`,
    whatIsThere: () => whatIsIn(root),
    remedy: (setting) => `Mount the disk if there is one, or correct ${setting}.`,
    nearby: async () => (await import('./nearby-folders.ts')).nearbyFolders(root),
  };
}

async function whatIsIn(folder: string): Promise<string> {
  try {
    const names = await readdir(folder);
    const state = names.length === 0 ? 'the folder is empty' : `the folder has no ${MARKER_KEY}`;
    return `${state}, and nothing was made in it`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      return 'the folder does not exist, and was not made';
    }
    if (code === undefined) throw error;
    return `the folder cannot be read (${code})`;
  }
}

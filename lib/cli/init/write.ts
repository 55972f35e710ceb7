// Writes what `holdfast init` has planned: all of it, or nothing that stays.
import { access, open, readFile, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../../config/error-code.ts';
import { writeKey, type KeyFiles } from '../../config/load/key-files.ts';
import { storeRecordBeside, withStore, writeKnownStores } from '../../config/load/store-record.ts';
import { HoldfastError } from '../../errors.ts';
import { parseStorePlace } from '../../names/store-place.ts';
import { replaceFile } from '../replace-file.ts';
import { createStore } from '../store/opened-store.ts';
import { writeDatabaseFile } from './database-file.ts';
import type { InitPlan, PlannedFile } from './plan.ts';

type Undo = () => Promise<void>;

/**
 * Makes the key, the files and the store of `plan`. When one of them fails, what was made before is removed again.
 *
 * `USAGE` when a file cannot be written, `STORE_DENIED` for the key or the store, and what a store throws.
 */
export async function writePlan(plan: InitPlan): Promise<void> {
  const undo: Undo[] = [];
  try {
    if (plan.formerKey !== undefined)
      undo.push(await movingFormer(plan.key, plan.formerKey.keptAs));
    undo.push(await removingKey(plan));
    await writeKey(plan.key);
    const { databaseFile } = plan;
    if (databaseFile !== undefined && (await writeDatabaseFile(databaseFile)))
      undo.push(() => rm(databaseFile.path, { force: true }));
    for (const file of plan.files) undo.push(await write(file));
    if (plan.onAws) return;
    // The store last: one that is no folder keeps what was written to it.
    const place = parseStorePlace(plan.store);
    if (place.kind === 'folder') undo.push(await removingFolders(place.path));
    const { id } = await createStore(plan.store, plan.found.system);
    if (id !== undefined) await remember(plan, id);
  } catch (error) {
    for (const act of undo.reverse()) await act();
    throw error;
  }
}

/** So that the next backup knows which store is the right one, and another site of this name is told from this one. */
async function remember({ key, found, store, files, known }: InitPlan, id: string): Promise<void> {
  const config = files[0]?.path ?? '';
  const stores = withStore(known, { id, place: store, config, aside: false }, new Date());
  await writeKnownStores(storeRecordBeside(key.path, found.system), found.system, stores);
}

/** The public half of a lost key makes room for that of the new one. */
async function movingFormer({ publicPath }: KeyFiles, keptAs: string): Promise<Undo> {
  await rename(publicPath, keptAs);
  return () => rename(keptAs, publicPath);
}

async function removingKey({ key }: InitPlan): Promise<Undo> {
  const hadPublic = await exists(key.publicPath);
  const folders = await removingFolders(path.dirname(key.path));
  return async () => {
    if (!key.exists) await rm(key.path, { force: true });
    if (!hadPublic) await rm(key.publicPath, { force: true });
    await folders();
  };
}

/** Removes those of `folder` and the folders above it that are not there yet, as far as they are empty then. */
async function removingFolders(folder: string): Promise<Undo> {
  const missing: string[] = [];
  for (let at = folder; !(await exists(at)) && at !== path.dirname(at); at = path.dirname(at))
    missing.push(at);
  return async () => {
    for (const one of missing) {
      try {
        await rmdir(one);
      } catch (error) {
        if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) return;
        throw error;
      }
    }
  };
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return false;
    // What is there, and not for us to look at, is not ours to remove.
    return true;
  }
}

/** Writes a file; what takes that back. */
export async function write(file: PlannedFile): Promise<Undo> {
  const { path: name, change, text } = file;
  try {
    if (change === 'create') {
      await create(name, text);
      return () => rm(name, { force: true });
    }
    const before = await readFile(name, 'utf8');
    await replaceFile(name, text);
    return () => replaceFile(name, before);
  } catch (cause) {
    const code = errorCode(cause) ?? '';
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) throw cause;
    throw new HoldfastError('USAGE', `${name} cannot be written (${code}); nothing was changed`, {
      hint: 'Run `holdfast init` as a user who may write there.',
      cause,
    });
  }
}

async function create(file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause;
    throw new HoldfastError('USAGE', `${file} was made by somebody else meanwhile`, {
      hint: 'Look at it, and run `holdfast init` again.',
      cause,
    });
  }
}

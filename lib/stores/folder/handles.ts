// Keeps the files that were read last open for a while, so that thousands of ranges do not open one file thousands of times.
import type { FileHandle } from 'node:fs/promises';
import type { Identity } from '../store.ts';

/** A stored file that is open for reading. */
export interface OpenFile {
  readonly key: string;
  readonly handle: FileHandle;
  readonly bytes: number;
  /** As it was when it was opened. */
  readonly identity: Identity;
}

export interface OpenFiles {
  /** Runs `work` on the file of `key`, opening it when it is not open; it stays open until `work` has ended. */
  use<T>(key: string, work: (file: OpenFile) => Promise<T>): Promise<T>;
  /** Whether the file of `key` is open. */
  has(key: string): boolean;
  /** Forgets `key`: the next use opens it again. */
  drop(key: string): void;
}

interface Entry {
  readonly opened: Promise<OpenFile>;
  users: number;
  dropped: boolean;
}

// Short, so that a file that was replaced is soon seen, and an unmounted disk is not held.
const IDLE_MS = 1_000;

/** At most `limit` files stay open (more while more are in use), none that was idle for a second or two. */
export function openFiles(limit: number, open: (key: string) => Promise<OpenFile>): OpenFiles {
  // In the order of use: the first was used longest ago.
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;

  const drop = (key: string) => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    entry.dropped = true;
    closeUnused(entry);
  };
  const dropIdle = () => {
    timer = undefined;
    for (const [key, entry] of entries) if (entry.users === 0) drop(key);
    if (entries.size > 0) watch();
  };
  const watch = () => {
    timer ??= setTimeout(dropIdle, IDLE_MS).unref();
  };
  const take = (key: string): Entry => {
    const known = entries.get(key);
    const entry = known ?? { opened: open(key), users: 0, dropped: false };
    entries.delete(key);
    entries.set(key, entry);
    entry.users += 1;
    return entry;
  };
  return {
    drop,
    has: (key) => entries.has(key),
    async use(key, work) {
      const entry = take(key);
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break;
        drop(oldest);
      }
      watch();
      try {
        return await work(await openOrForget(entry, () => drop(key)));
      } finally {
        entry.users -= 1;
        closeUnused(entry);
      }
    },
  };
}

async function openOrForget(entry: Entry, forget: () => void): Promise<OpenFile> {
  try {
    return await entry.opened;
  } catch (error) {
    // Not cached: the key may be stored a moment later.
    if (!entry.dropped) forget();
    throw error;
  }
}

function closeUnused(entry: Entry): void {
  if (!entry.dropped || entry.users > 0) return;
  // Whatever a close says, nothing was written through it; a file that never opened needs none.
  const nothing = () => undefined;
  void entry.opened.then(({ handle }) => handle.close()).then(nothing, nothing);
}

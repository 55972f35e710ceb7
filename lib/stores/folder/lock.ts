// A lock on a folder of this machine: for what two runs must not do at once there, such as a prune or a restore in place.
import { createHash } from 'node:crypto';
import { link, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { errnoOf, storeError, unless } from './errors.ts';

/** Who holds a lock, as the next one reads it. */
export interface LockHolder {
  /** The id of this process. */
  readonly pid: number;
  readonly host: string;
  /** When the run began that holds it. */
  readonly begin: Date;
}

/** A holder as it stands in the lock's file, with what tells its process from a later one of the same number. */
interface Stored {
  readonly pid: number;
  readonly host: string;
  readonly begin: string;
  readonly processStart?: string;
  readonly pidNamespace?: string;
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
// Where there is no /proc, or it hides the processes of others.
const NO_PROC = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ESRCH', 'EINVAL'];
const ATTEMPTS = 10;
let drafts = 0;

/**
 * Runs `run` while holding the lock `name` of `folder` (the file `.<name>.lock` in it), and resolves to its result.
 *
 * `LOCKED` when another holds it: nothing waits here. The lock of a process of this host that has ended is taken over, by exactly
 * one of those who try; one of another host, or one that cannot be read, is respected until somebody deletes it. `STORE_DENIED`,
 * `NO_SPACE` or `STORE_UNAVAILABLE` when the file cannot be written.
 */
export async function withLocalLock<T>(
  folder: string,
  name: string,
  holder: LockHolder,
  run: () => Promise<T>,
): Promise<T> {
  const path = join(folder, `.${name}.lock`);
  const own = await describeSelf(holder);
  await acquire(path, own);
  try {
    return await run();
  } finally {
    await release(path, own);
  }
}

/** This process as a holder, and the text by which its lock is known as its own. */
interface Self {
  readonly stored: Stored;
  readonly text: string;
}

// The same as long as this process lives, and a lock may be taken for every object.
let ownFacts: Promise<Pick<Stored, 'processStart' | 'pidNamespace'>> | undefined;

async function describeSelf({ pid, host, begin }: LockHolder): Promise<Self> {
  ownFacts ??= factsOf(pid);
  const stored: Stored = { pid, host, begin: begin.toISOString(), ...(await ownFacts) };
  return { stored, text: `${JSON.stringify(stored)}\n` };
}

async function factsOf(pid: number): Promise<Pick<Stored, 'processStart' | 'pidNamespace'>> {
  const start = await processStart(pid);
  const namespace = await unless(NO_PROC, readlink('/proc/self/ns/pid'));
  return {
    ...(start === undefined ? {} : { processStart: start }),
    ...(namespace === undefined ? {} : { pidNamespace: namespace }),
  };
}

async function acquire(path: string, own: Self): Promise<void> {
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await create(path, own)) return;
      const content = await contentOf(path);
      if (content === undefined) continue;
      if (!(await isDead(content, own.stored))) throw locked(path, content);
      await removeStale(path, content, own);
    }
  } catch (error) {
    throw storeError(error, `locking ${path}`);
  }
  throw locked(path, (await contentOf(path)) ?? '');
}

/**
 * Removes the lock whose holder is dead. Two who see the same dead holder must not both remove: the second would remove the lock of
 * the first. So each dead lock has a lock of its own, named by its content; only who holds that removes it, and looks again before.
 */
async function removeStale(path: string, content: string, own: Self): Promise<void> {
  const guard = `${path}.${digestOf(content)}`;
  await acquire(guard, own);
  try {
    if ((await contentOf(path)) === content) await rm(path, { force: true });
  } finally {
    await release(guard, own);
  }
}

/** Makes the lock's file with its content in one step, so that nobody ever reads half of it; false when it exists. */
async function create(path: string, own: Self): Promise<boolean> {
  drafts += 1;
  // A name that no other process chooses, on this host or another that shares the folder.
  const draft = `${path}.draft-${digestOf(own.text)}-${drafts}`;
  try {
    await writeFile(draft, own.text, { flag: 'wx', mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'EEXIST') return false;
    if (!NO_LINKS.includes(errno)) throw error;
    return await createWithoutLink(path, own);
  } finally {
    await rm(draft, { force: true });
  }
}

async function createWithoutLink(path: string, own: Self): Promise<boolean> {
  const written = writeFile(path, own.text, { flag: 'wx', mode: 0o600 }).then(() => true);
  return (await unless(['EEXIST'], written)) ?? false;
}

async function release(path: string, own: Self): Promise<void> {
  try {
    // Somebody may have deleted it by hand, and another may hold it now.
    if ((await contentOf(path)) === own.text) await rm(path, { force: true });
  } catch (error) {
    throw storeError(error, `unlocking ${path}`);
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  return unless(['ENOENT'], readFile(path, 'utf8'));
}

async function isDead(content: string, self: Stored): Promise<boolean> {
  const holder = parse(content);
  // Processes of another host, or of another container on this one, cannot be seen from here.
  if (holder?.host !== self.host || holder.pidNamespace !== self.pidNamespace) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return errnoOf(error) === 'ESRCH';
  }
  // The number may have gone to another process meanwhile, above all after a restart of the machine.
  const start = await processStart(holder.pid);
  return holder.processStart !== undefined && start !== undefined && start !== holder.processStart;
}

/** Which start of the machine and which tick after it began process `pid`; undefined where /proc does not tell. */
async function processStart(pid: number): Promise<string | undefined> {
  const [boot, stat] = await Promise.all([
    unless(NO_PROC, readFile('/proc/sys/kernel/random/boot_id', 'utf8')),
    unless(NO_PROC, readFile(`/proc/${pid}/stat`, 'utf8')),
  ]);
  // The second field is the command in parentheses and may hold anything; the 22nd, 20th after it, is the start.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return boot === undefined || ticks === undefined ? undefined : `${boot.trim()}:${ticks}`;
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

function parse(content: string): Stored | undefined {
  try {
    const value = JSON.parse(content) as Partial<Stored> | null;
    const whole =
      Number.isInteger(value?.pid) &&
      (value?.pid ?? 0) > 0 &&
      (value?.pid ?? 0) < 2 ** 31 &&
      typeof value?.host === 'string' &&
      typeof value.begin === 'string';
    return whole ? (value as Stored) : undefined;
  } catch (error) {
    if (isSyntaxError(error)) return undefined;
    throw error;
  }
}

function isSyntaxError(error: unknown): boolean {
  return error instanceof Error && error.name === 'SyntaxError';
}

function locked(path: string, content: string): HoldfastError {
  const holder = parse(content);
  const who =
    holder === undefined
      ? 'somebody who cannot be read'
      : `process ${holder.pid} on ${holder.host} since ${holder.begin}`;
  return new HoldfastError('LOCKED', `the lock ${path} is held by ${who}`, {
    hint: 'Wait until that run has ended. If you know that there is none, delete the file of the lock.',
  });
}

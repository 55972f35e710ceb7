// What an error of the file system means for a store. Decided by its code, never by its text.
import { HoldfastError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

const MEANING: Readonly<Record<string, { code: ErrorCode; hint: string }>> = {
  ENOSPC: { code: 'NO_SPACE', hint: 'Free some space, or move the store to a larger disk.' },
  EDQUOT: { code: 'NO_SPACE', hint: 'Raise the quota of this user, or free some space.' },
  EFBIG: {
    code: 'NO_SPACE',
    hint: 'The file system or a limit of the process (ulimit -f) allows no file of this size.',
  },
  EACCES: {
    code: 'STORE_DENIED',
    hint: 'Run as the user who owns it, or give this user the right to read and write the folder.',
  },
  EPERM: { code: 'STORE_DENIED', hint: 'Look at the owner and the attributes (lsattr) of it.' },
  EROFS: { code: 'STORE_DENIED', hint: 'The file system is mounted read-only.' },
  ELOOP: { code: 'PATH_UNSAFE', hint: 'A store holds no symbolic links; remove it.' },
  ENAMETOOLONG: {
    code: 'PATH_UNSAFE',
    hint: 'The file system takes no name of this length; choose a folder with a shorter path.',
  },
  EMFILE: { code: 'STORE_UNAVAILABLE', hint: 'Raise the limit of open files (ulimit -n).' },
  EXDEV: {
    code: 'STORE_UNAVAILABLE',
    hint: 'Another file system is mounted inside the store; a store lies on one.',
  },
};

const OTHERWISE = {
  code: 'STORE_UNAVAILABLE',
  hint: 'See whether the disk is there and in order (dmesg), then run it again.',
} as const;

/**
 * The `HoldfastError` for `error`, met while doing `what` ("writing /store/a"); the original is its cause. What is no error of the
 * file system is given back as it is, so that a bug stays a bug.
 */
export function storeError(error: unknown, what: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const { code, hint } = MEANING[errno] ?? OTHERWISE;
  return new HoldfastError(code, `${what} failed with ${errno}`, { hint, cause: error });
}

/** Waits for `work`, with its failure turned by {@link storeError}. */
export async function guarded<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw storeError(error, what);
  }
}

/** As {@link guarded}, for work that does not wait. */
export function guardedNow<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeError(error, what);
  }
}

/** As {@link unless}, for work that does not wait. */
export function unlessNow<T>(codes: readonly string[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Waits for `work`; undefined when it fails with one of `codes`. */
export async function unless<T>(
  codes: readonly string[],
  work: Promise<T>,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** `ENOENT` and its like, or undefined when `error` is not one of the operating system's. */
export function errnoOf(error: unknown): string | undefined {
  // By its shape: errors of Node itself are of another realm wherever code runs in a context of its own.
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined;
}

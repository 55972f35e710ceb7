// What errors of the file system mean for an entry.
import type { Problem } from '../errors.ts';
import { displayPath } from '../format/paths.ts';

/** The problem that an error of the file system makes of the entry at `path`. */
export function problemOf(path: string, error: unknown): Problem {
  const { code } = error as NodeJS.ErrnoException;
  const detail = reasonOf(error);
  const vanished = code === 'ENOENT' || code === 'ENOTDIR';
  const swapped = code === 'ELOOP' || code === 'ENXIO';
  return {
    path: displayPath(path),
    code: vanished ? 'vanished' : swapped ? 'changed' : 'unreadable',
    detail,
  };
}

/** What an error of the file system says, without the path in it: that is named beside it, escaped. */
export function reasonOf(error: unknown): string {
  const { message } = error as { message?: unknown };
  return typeof message === 'string' ? message.replace(/, \w+(?: '.*)?$/s, '') : String(error);
}

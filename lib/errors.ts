// Every failure that a user can meet: one class, one closed table. docs/errors.md is generated from it.

/**
 * The codes, with the exit code of a command that ends with one, and whether the same run may succeed later without anything
 * being changed (`retry`).
 */
export const ERRORS = {
  USAGE: { exit: 2, retry: false, about: 'the command line is not one that Holdfast understands' },
  CONFIG_INVALID: { exit: 2, retry: false, about: 'the configuration does not fit its schema' },
  SOURCE_UNREADABLE: {
    exit: 1,
    retry: false,
    about: 'a source is missing, empty or cannot be read',
  },
  SOURCE_UNAVAILABLE: {
    exit: 1,
    retry: true,
    about: 'a source did not answer, or the connection to it broke',
  },
  SOURCE_INCOMPLETE: { exit: 3, retry: false, about: 'some of a source could not be read' },
  BACKUP_NOT_FOUND: {
    exit: 10,
    retry: false,
    about: 'the store holds no such backup, or the backup no such path',
  },
  BACKUP_DAMAGED: { exit: 4, retry: false, about: 'stored bytes do not match what was signed' },
  RESTORE_DIFFERS: { exit: 4, retry: false, about: 'what was restored is not what was backed up' },
  RESTORE_INCOMPLETE: {
    exit: 3,
    retry: false,
    about: 'what was restored lacks owners, permission bits or times that could not be set',
  },
  UNTRUSTED: {
    exit: 12,
    retry: false,
    about: 'a signature is missing, does not match, or no trusted key may vouch for it',
  },
  FORMAT_UNSUPPORTED: {
    exit: 1,
    retry: false,
    about: 'the bytes are of a format or version that is not understood here',
  },
  PATH_UNSAFE: { exit: 1, retry: false, about: 'a path leads, or would lead, out of its place' },
  TARGET_REFUSED: {
    exit: 1,
    retry: false,
    about: 'the target of a restore holds something that would be lost',
  },
  OTHER_SITE: {
    exit: 1,
    retry: false,
    about:
      'the newest backup of this name was made of another site, or of this one in another place',
  },
  STORE_NOT_FOUND: {
    exit: 10,
    retry: false,
    about: 'there is no store in the place that is named',
  },
  STORE_UNAVAILABLE: {
    exit: 1,
    retry: true,
    about: 'the store did not answer, or could not take the bytes',
  },
  STORE_DENIED: { exit: 12, retry: false, about: 'the store, or a key, refused access' },
  STORE_CONFLICT: { exit: 1, retry: false, about: 'the key exists already, with other bytes' },
  NO_SPACE: {
    exit: 1,
    retry: true,
    about: 'there is no room left where something has to be written',
  },
  CLOCK_SKEW: {
    exit: 1,
    retry: true,
    about: 'this clock and the clock of the store differ by more than 5 minutes',
  },
  COMMAND_FAILED: {
    exit: 1,
    retry: false,
    about: 'a command or tool that was asked for is missing or failed',
  },
  DEPLOYMENT_REFUSED: {
    exit: 1,
    retry: false,
    about: 'a deployment would replace or delete a bucket, a key or a vault',
  },
  LOCKED: { exit: 11, retry: true, about: 'another run holds the lock' },
  CANCELLED: { exit: 130, retry: true, about: 'the run was interrupted' },
} as const satisfies Record<string, { exit: number; retry: boolean; about: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * A failure for which no truthful result can be given.
 *
 * The message is lower case and names the thing, the value got and what was allowed; the hint is a sentence that says what to do.
 */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** Something that went wrong on the way and left the result truthful: it is listed, and decides whether a run is partial. */
export interface Problem {
  /** The path, key or object concerned, as people write it; empty when it concerns the whole. */
  readonly path: string;
  /** A stable word: `changed`, `vanished`, `unreadable`, `skipped`, … */
  readonly code: string;
  readonly detail: string;
  /** True when the configuration tolerates it, so that it does not make the run partial. */
  readonly tolerated?: boolean | undefined;
}

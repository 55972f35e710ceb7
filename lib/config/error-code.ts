// The code of an error that the system or the runtime raised.

/** `ENOENT`, `ERR_…`, or undefined when `error` carries no code. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error
    ? String(error.code)
    : undefined;
}

/** True when a path, or a folder on the way to it, does not exist. */
export function isAbsent(error: unknown): boolean {
  return errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
}

// Which keys of a bucket can be paths. The others keep their content under a name made from the key.
import { isOwnPath, pathOfKey } from '../../format/own-paths.ts';
import { unsafePathReason } from '../../format/paths.ts';

/** The longest name of a file on Linux. */
const MAX_PART_BYTES = 255;

/** Why an object's key, less the prefix, cannot be its path; undefined when it can. A byte string. */
export function unfitReason(path: string, bytes: number): string | undefined {
  const reason = unsafePathReason(path);
  if (reason !== undefined) return reason;
  if (isOwnPath(path)) return 'this name is kept for what an archive says of itself';
  if (path.split('/').some((part) => part.length > MAX_PART_BYTES)) {
    return `it has a part longer than ${MAX_PART_BYTES} bytes`;
  }
  return path.endsWith('/') && bytes > 0 ? 'it is named like a folder and has content' : undefined;
}

/** An object whose key cannot be its path. */
export interface OddKey<T> {
  readonly object: T;
  /** Less the prefix; a byte string. */
  readonly key: string;
  /** Where its content stands in the archive. */
  readonly path: string;
}

/** Finds the odd keys among all, given in ascending order; what is kept follows their number, and that of the folders above a key. */
export class OddKeys<T> {
  private readonly found = new Map<string, OddKey<T>>();
  /** Objects whose keys begin the current one: they cannot be files when something stands below them. */
  private readonly above: { key: string; object: T }[] = [];

  add(key: string, bytes: number, object: T): void {
    if (unfitReason(key, bytes) !== undefined) {
      this.keep(key, object);
      return;
    }
    while (this.above.length > 0 && !key.startsWith(this.above.at(-1)?.key ?? '')) this.above.pop();
    for (const one of this.above) if (key.startsWith(`${one.key}/`)) this.keep(one.key, one.object);
    if (!key.endsWith('/')) this.above.push({ key, object });
  }

  private keep(key: string, object: T): void {
    this.found.set(key, { key, object, path: pathOfKey(key) });
  }

  has(key: string): boolean {
    return this.found.has(key);
  }

  /** In the order of an archive. */
  sorted(): OddKey<T>[] {
    return [...this.found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

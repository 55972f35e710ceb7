// Reads git's index, the list of what git tracks, as gitformat-index(5) describes it. Without git: a backup must not depend on
// whether git is installed, or trusts the owner of the folder. Pure; texts are byte strings.

/** What git tracks at one path. */
export interface IndexedEntry {
  /** From the root of the working tree. */
  readonly path: string;
  /** Another repository, of which git knows the commit alone. */
  readonly submodule: boolean;
  /** Left out of the working tree by a sparse checkout; a path that ends in a slash stands for all below it. */
  readonly sparse: boolean;
}

const HEADER_BYTES = 12;
/** Times, device, inode, mode, owner and size, before the digest of the content. */
const STAT_BYTES = 40;
const MODE_AT = 24;
const SUBMODULE = 0o160000;
const EXTENDED = 0x4000;
const SKIP_WORKTREE = 0x4000;

/**
 * The entries of an index in ascending order, each path once; undefined for what is not an index, or is of a kind that is not read here: a
 * split index refers to another file.
 *
 * @param digestBytes - of the names of objects: 20, or 32 in a repository with SHA-256
 */
export function parseGitIndex(bytes: Buffer, digestBytes: 20 | 32): IndexedEntry[] | undefined {
  try {
    return parse(bytes, digestBytes);
  } catch (error) {
    // Read beyond the end: it was cut off.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parse(bytes: Buffer, digestBytes: number): IndexedEntry[] | undefined {
  const version = bytes.readUInt32BE(4);
  if (bytes.toString('latin1', 0, 4) !== 'DIRC' || version < 2 || version > 4) return undefined;
  const count = bytes.readUInt32BE(8);
  const entries: IndexedEntry[] = [];
  let at = HEADER_BYTES;
  let last = '';
  for (let read = 0; read < count; read += 1) {
    const flagsAt = at + STAT_BYTES + digestBytes;
    const extended = (bytes.readUInt16BE(flagsAt) & EXTENDED) !== 0;
    const nameAt = flagsAt + (extended ? 4 : 2);
    const name = readName(bytes, nameAt, version === 4 ? last : undefined);
    if (name === undefined) return undefined;
    // Several stages of a path that is in conflict.
    if (name.path !== last) {
      entries.push({
        path: name.path,
        submodule: bytes.readUInt32BE(at + MODE_AT) === SUBMODULE,
        sparse: extended && (bytes.readUInt16BE(flagsAt + 2) & SKIP_WORKTREE) !== 0,
      });
    }
    last = name.path;
    // Before version 4, one to eight zeros fill up to a multiple of eight.
    at = version === 4 ? name.end + 1 : at + ((name.end - at + 8) & ~7);
  }
  return isSplit(bytes, at, digestBytes) ? undefined : entries;
}

/** The path that begins at `at`; in version 4 it says how much of the one before falls away, and what comes in its place. */
function readName(
  bytes: Buffer,
  at: number,
  before: string | undefined,
): { path: string; end: number } | undefined {
  let start = at;
  let kept = '';
  if (before !== undefined) {
    let byte = bytes.readUInt8(start++);
    let dropped = byte & 0x7f;
    while ((byte & 0x80) !== 0) {
      byte = bytes.readUInt8(start++);
      dropped = (dropped + 1) * 128 + (byte & 0x7f);
    }
    if (dropped > before.length) return undefined;
    kept = before.slice(0, before.length - dropped);
  }
  const end = bytes.indexOf(0, start);
  if (end < 0) return undefined;
  return { path: kept + bytes.toString('latin1', start, end), end };
}

/** Whether an extension says that entries stand in a shared index. */
function isSplit(bytes: Buffer, from: number, digestBytes: number): boolean {
  for (let at = from; at + 8 <= bytes.length - digestBytes;) {
    if (bytes.toString('latin1', at, at + 4) === 'link') return true;
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return false;
}

// Paths as people type them: as seen from where they stand, absolute, with wildcards, in either form of Unicode. What they mean is
// decided by what the backup holds.
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError, type Problem } from '../errors.ts';
import { bytesOf, displayPath, displayText, fromUtf8, toMatchText } from '../format/paths.ts';
import { compileGlobs, parseGlob, type GlobMatcher } from '../format/globs.ts';
import type { Manifest } from '../format/manifest.ts';
import type { ListedEntry, OpenBackup, SourceKind } from '../sources/source.ts';
import { NearestPath } from './nearest-path.ts';
import { LEFT_OUT_CODE } from './output/problems.ts';

export interface TypedPlace {
  /** Where the user stands; absolute. */
  readonly cwd: string;
  /** Folders that the paths of the backup begin at: its source's, and the one that is restored over. Absolute; may be absent. */
  readonly roots: readonly string[];
  /** Told when a path could have meant another one, too. */
  readonly note: (text: string) => void;
}

/** A path relative to the root of the backup, without a closing slash: text, empty for the root itself. */
type Relative = string;

interface Wanted {
  readonly typed: string;
  /** What it may mean, the likeliest first. */
  readonly candidates: readonly Candidate[];
  /** By candidate, what of the backup it means; bytes. */
  readonly found: Set<string>[];
  readonly nearest: NearestPath;
}

interface Candidate {
  readonly relative: Relative;
  readonly composed: string;
  readonly matches: GlobMatcher | undefined;
}

/**
 * What `typed` paths mean in a backup: byte strings without a closing slash, as its listing has them; none for the whole of it.
 *
 * `USAGE` for an empty one, `BACKUP_NOT_FOUND` with the nearest name when it holds no such thing. The backup is listed only when a path is not literally in it.
 */
export async function typedPaths(
  kind: Pick<SourceKind, 'list'>,
  backup: OpenBackup,
  typed: readonly string[],
  place: TypedPlace,
): Promise<string[]> {
  if (typed.includes('')) {
    throw new HoldfastError('USAGE', 'a path is empty', {
      hint: 'Name what to restore, or no path at all for everything.',
    });
  }
  const meant = new Set<string>();
  const open: Wanted[] = [];
  for (const one of typed) {
    const candidates = candidatesOf(one, place);
    const there: Relative[] = [];
    for (const { relative } of candidates) {
      if (relative === '' || (await holds(kind, backup, relative))) there.push(relative);
    }
    const [first, other] = there;
    if (first === undefined) open.push(wantedOf(one, candidates));
    else if (first === '') return [];
    else {
      if (other !== undefined && other !== '') {
        place.note(
          `${displayText(one)} is taken for ${displayText(first)}; the backup holds ${displayText(other)}, too`,
        );
      }
      meant.add(fromUtf8(first));
    }
  }
  if (open.length > 0) {
    for await (const entry of kind.list(backup, [])) for (const one of open) look(one, entry);
    for (const one of open)
      for (const entryPath of resultOf(one, backup.manifest)) meant.add(entryPath);
  }
  return outermost(meant);
}

/** Those that stand below no other of them. */
function outermost(paths: ReadonlySet<string>): string[] {
  return [...paths].filter((one) => {
    for (let at = one.indexOf('/'); at > 0; at = one.indexOf('/', at + 1)) {
      if (paths.has(one.slice(0, at))) return false;
    }
    return true;
  });
}

async function holds(
  kind: Pick<SourceKind, 'list'>,
  backup: OpenBackup,
  relative: Relative,
): Promise<boolean> {
  try {
    for await (const entry of kind.list(backup, [fromUtf8(relative)])) return entry.path !== '';
    return false;
  } catch (error) {
    const absent = error instanceof HoldfastError && error.code === 'BACKUP_NOT_FOUND';
    if (!absent) throw error;
    return false;
  }
}

function candidatesOf(typed: string, { cwd, roots }: TypedPlace): Candidate[] {
  const real = roots.flatMap((root) => [root, realOf(root)]);
  if (path.isAbsolute(typed)) {
    const places = [path.resolve(typed), realOf(typed)];
    const inside = real.flatMap((root) => places.map((one) => within(root, one)));
    const found = distinct(inside.flatMap((one) => (one === undefined ? [] : [one])));
    if (found.length > 0) return found.map((one) => candidateOf('', one));
    const where =
      roots.length === 0
        ? 'no folder is known that it could be in'
        : `it is not in ${displayText(roots.join(' or '))}`;
    throw new HoldfastError(
      'BACKUP_NOT_FOUND',
      `the backup holds no ${displayText(typed)}: ${where}`,
      {
        hint: 'Name a path as `holdfast show <backup>` lists it: relative to the folder of the source.',
      },
    );
  }
  const standing = distinct(
    real.flatMap((root) => {
      const below = within(root, realOf(cwd));
      return below === undefined ? [] : [below];
    }),
  );
  const candidates = [...standing, ''].flatMap((folder) => {
    const relative = path.posix.normalize(`${folder === '' ? '.' : folder}/${typed}`);
    return relative === '..' || relative.startsWith('../') ? [] : [candidateOf(folder, typed)];
  });
  return candidates.filter(
    (one, i) => candidates.findIndex(({ relative }) => relative === one.relative) === i,
  );
}

function candidateOf(folder: Relative, typed: string): Candidate {
  const normal = path.posix.normalize(`${folder === '' ? '.' : folder}/${typed}`);
  const relative = normal.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
  const bare = relative === '.' ? '' : relative;
  return { relative: bare, composed: bare.normalize('NFC'), matches: globOf(folder, typed) };
}

/** The decision of a pattern that is seen from `folder`; undefined for what is not a pattern. */
function globOf(folder: Relative, typed: string): GlobMatcher | undefined {
  let [from, pattern] = [folder, typed.replace(/^(?:\.\/+)+/, '')];
  for (; pattern.startsWith('../'); pattern = pattern.slice(3)) {
    if (from === '') return undefined;
    from = from.includes('/') ? from.slice(0, from.lastIndexOf('/')) : '';
  }
  const literal = from.replace(/[\\*?[\](){}!+@|,]/g, '\\$&');
  try {
    const glob = parseGlob(pattern, 'from-root');
    if (glob.literal) return undefined;
    return compileGlobs([
      literal === '' ? glob : parseGlob(`${literal}/${glob.text}`, 'from-root'),
    ]);
  } catch (error) {
    // What is no pattern is a name, and stands in the backup or not.
    if (error instanceof HoldfastError && error.code === 'CONFIG_INVALID') return undefined;
    throw error;
  }
}

/** The path of `place` below `root`; undefined when it is not there. */
function within(root: string, place: string): Relative | undefined {
  const relative = path.relative(root, place);
  const outside = relative === '..' || relative.startsWith('../') || path.isAbsolute(relative);
  return outside ? undefined : relative;
}

/** Without links, as far as it exists: what was deleted is looked for where it stood. */
function realOf(place: string): string {
  const absolute = path.resolve(place);
  try {
    return realpathSync(absolute);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    const parent = path.dirname(absolute);
    return parent === absolute ? absolute : path.join(realOf(parent), path.basename(absolute));
  }
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

function wantedOf(typed: string, candidates: readonly Candidate[]): Wanted {
  const names = candidates.map(({ relative }) => relative);
  return {
    typed,
    candidates,
    found: candidates.map(() => new Set()),
    nearest: new NearestPath(names),
  };
}

function look(
  { typed, candidates, found, nearest }: Wanted,
  { path: entryPath }: ListedEntry,
): void {
  const folder = entryPath.endsWith('/');
  const bare = folder ? entryPath.slice(0, -1) : entryPath;
  const text = toMatchText(bare);
  const name = text.slice(text.lastIndexOf('/') + 1);
  candidates.forEach(({ relative, composed, matches }, i) => {
    const same =
      (text.length <= 3 * composed.length && text.normalize('NFC') === composed) ||
      // As a terminal shows a name, or hands it on, that is not UTF-8.
      (typed.includes('\\') && displayPath(bare) === relative) ||
      (typed.includes('\ufffd') && bytesOf(bare).toString('utf8') === relative);
    if (same || matches?.(text, name, folder) === true) found[i]?.add(bare);
  });
  nearest.look(text);
}

function resultOf(
  { typed, candidates, found, nearest }: Wanted,
  manifest: Pick<Manifest, 'kind' | 'problems'>,
): ReadonlySet<string> {
  const first = found.find(({ size }) => size > 0);
  if (first !== undefined) return first;
  const secret = manifest.problems.find(
    ({ code, path: at }) =>
      code === LEFT_OUT_CODE && candidates.some(({ relative }) => relative === at),
  );
  if (secret !== undefined) throw leftOut(typed, secret, manifest.kind);
  const lost = manifest.problems.find(
    ({ tolerated, path: at }) =>
      tolerated !== true && candidates.some(({ relative }) => relative === at),
  );
  if (lost !== undefined) throw notInIt(typed, lost);
  const near = nearest.found;
  const meant = near === undefined ? '' : `Did you mean ${displayText(near)}? `;
  throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no ${displayText(typed)}`, {
    hint: `${meant}\`holdfast show <backup> --all\` lists what it holds.`,
  });
}

function notInIt(typed: string, { detail }: Problem): HoldfastError {
  return new HoldfastError(
    'BACKUP_NOT_FOUND',
    `the backup is partial, and does not hold ${displayText(typed)}: ${displayText(detail)}`,
    { hint: '`holdfast list` shows other backups; one that is good has it if it was there then.' },
  );
}

function leftOut(typed: string, { path: at, detail }: Problem, kind: string): HoldfastError {
  const next =
    kind === 'files'
      ? ` \`include: ['**', '${displayText(at)}']\` takes it into the next backup, which then is as secret as this file.`
      : '';
  return new HoldfastError(
    'BACKUP_NOT_FOUND',
    `the backup holds no ${displayText(typed)}: it was left out, as ${displayText(detail)}`,
    { hint: `Bring it from where you keep it.${next}` },
  );
}

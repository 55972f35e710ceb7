// What every piece of work with backups of files begins with: the archive, the tree to hold against it, the paths that count.
import { openArchive, type Archive } from '../../archive/read/archive-reader.ts';
import type { PartReader, Parts } from '../../archive/read/parts-reader.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { Artifact } from '../../format/manifest.ts';
import { partsOf, type NamedPart } from '../../format/parts.ts';
import { fromUtf8 } from '../../format/paths.ts';
import { createSelector } from './select.ts';
import type { OpenBackup } from '../source.ts';
import { walk } from './walk.ts';

/** A restore and what reads it back look at the same pieces of the index. */
const opened = new WeakMap<OpenBackup, Parts>();

/** The parts of the archive of a backup, opened by the tables that its manifest names. `BACKUP_DAMAGED` when they are no parts. */
export function archiveOf(backup: OpenBackup): Parts {
  const known = opened.get(backup);
  if (known !== undefined) return known;
  const parts = partsOf(backup.manifest).map((part) => partReader(backup, part));
  opened.set(backup, parts);
  return parts;
}

function partReader(
  backup: OpenBackup,
  { artifact, class: own, firstPath }: NamedPart,
): PartReader {
  let archive: Promise<Archive> | undefined;
  const open = () => {
    const from = own === undefined ? undefined : firstPath;
    archive ??= openArchive(backup.open(artifact), tableOf(artifact), artifact.codec, from);
    return archive;
  };
  return { class: own, firstPath, open };
}

/** Where the index table of an archive stands; `BACKUP_DAMAGED` when its manifest does not say. */
export function tableOf(artifact: Artifact): NonNullable<Artifact['table']> {
  if (artifact.table !== undefined) return artifact.table;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `the manifest does not say where the index of ${artifact.key} stands`,
  );
}

/** Everything that stands in an absolute folder, whatever any configuration selects. */
export function wholeTree(
  folder: string,
  onProblem: (problem: Problem) => void,
): Generator<SourceEntry> {
  return walk({
    root: `${fromUtf8(folder)}/`,
    selector: createSelector({}),
    secrets: 'include',
    times: 'recorded',
    oneFileSystem: false,
    objectKeys: true,
    leaveOut: new Set(),
    onProblem,
  });
}

/** Which entries some paths mean: themselves and what is below them; all for none. Byte strings without a closing slash. */
export function wantedPaths(paths: readonly string[]): (entryPath: string) => boolean {
  if (paths.length === 0) return () => true;
  return (path) =>
    paths.some((one) => path === one || path === `${one}/` || path.startsWith(`${one}/`));
}

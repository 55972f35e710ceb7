// Says that a restored folder holds what the original holds, or ends the demonstration with the first difference.
import { OWN_DIRECTORY } from '../lib/format/own-paths.ts';
import { bytesText, counted } from '../lib/cli/output/units.ts';
import type { Backups } from './back-up.ts';
import type { Manifest } from '../lib/format/manifest.ts';
import { compareFolders, type FolderComparison } from './compare.ts';
import { LEFT_OUT, type Stage } from './stage.ts';

/** Paths that the backup does not hold as they are; what it merely notes, it holds. */
export function notTaken({ problems }: Manifest): string[] {
  return problems.flatMap(({ path, code }) => (code === 'secret-taken' ? [] : [path]));
}

export function expectSame(
  { root, story }: Stage,
  { first, begin }: Backups,
  { folder, modes }: { folder: string; modes: boolean },
): FolderComparison {
  const compared = compareFolders(root, folder, {
    without: new Set([...LEFT_OUT, OWN_DIRECTORY.slice(0, -1)]),
    leftOut: new Set(notTaken(first.manifest)),
    since: begin,
    modes,
  });
  const { files, bytes, differences, changed } = compared;
  for (const one of changed.slice(0, 3)) story.tell(`changed since the backup: ${one}`);
  const apart = changed.length === 0 ? '' : ', but for what somebody changed there since';
  story.expect(
    differences.length === 0,
    `byte by byte the same as the original${apart} (${counted(files, 'file')}, ${bytesText(bytes)} compared)`,
    `${counted(differences.length, 'difference')}, first: ${differences[0] ?? ''}`,
  );
  return compared;
}

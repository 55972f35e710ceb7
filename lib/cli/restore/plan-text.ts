// What a restore in place would do, or has done, in words: first what is lost by it.
import type { InPlacePlan } from '../../sources/source.ts';
import { counted } from '../output/units.ts';
import { someEntries } from './restoring.ts';

type Planned = Pick<InPlacePlan, 'replace' | 'create' | 'remove'>;

/** `overwrite 1 file, add 18 files and 1 folder`. Links count as files. */
export function planText(plan: Planned): string {
  const { overwritten, folders, added, removed } = sorted(plan);
  const parts = [
    amount('overwrite', overwritten),
    amount('remove', removed),
    amount('change', folders),
    amount('add', added),
  ];
  return parts.filter((text) => text !== '').join(', ');
}

/** The paths, marked as `diff` marks them: `~` what stood there, `-` what goes, `+` what is new. */
export function sayPaths(say: (text: string) => void, plan: Planned): void {
  const { overwritten, folders, added, removed } = sorted(plan);
  const groups = [
    ['~', overwritten],
    ['-', removed],
    ['~', folders],
    ['+', added],
  ] as const;
  for (const [mark, paths] of groups)
    for (const one of someEntries(paths)) say(`    ${mark} ${one}`);
}

function sorted({ replace, create, remove }: Planned) {
  const isNew = new Set(create);
  const standing = replace.filter((one) => !isNew.has(one));
  return {
    overwritten: standing.filter((one) => !isFolder(one)),
    folders: standing.filter(isFolder),
    added: [...create],
    removed: [...remove],
  };
}

function amount(verb: string, paths: readonly string[]): string {
  const folders = paths.filter(isFolder).length;
  const files = paths.length - folders;
  const parts = [
    ...(files > 0 ? [counted(files, 'file')] : []),
    ...(folders > 0 ? [counted(folders, 'folder')] : []),
  ];
  return parts.length === 0 ? '' : `${verb} ${parts.join(' and ')}`;
}

function isFolder(path: string): boolean {
  return path.endsWith('/');
}

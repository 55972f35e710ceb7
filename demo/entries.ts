// What the archives of the demonstration hold, by their indexes.
import { readGroups } from '../lib/archive/read/archive-reader.ts';
import { openBackup } from '../lib/engine/catalog/backups.ts';
import type { Engine } from '../lib/engine/engine.ts';
import type { IndexGroup } from '../lib/format/archive-index.ts';
import { displayPath } from '../lib/format/paths.ts';
import { archiveOf } from '../lib/sources/tree/opened-archive.ts';

/** A backup by its name. */
export interface BackupName {
  readonly source: string;
  readonly id: string;
}

/** The groups of a backup's archive: what each of its members holds. */
export async function groupsOf(engine: Engine, { source, id }: BackupName): Promise<IndexGroup[]> {
  const groups: IndexGroup[] = [];
  for (const part of archiveOf(await openBackup(engine, source, id))) {
    for await (const group of readGroups(await part.open())) groups.push(group);
  }
  return groups;
}

/** The paths, as people read them, at which two backups differ. */
export async function changedPaths(
  engine: Engine,
  before: BackupName,
  after: BackupName,
): Promise<string[]> {
  const [old, now] = [await describe(engine, before), await describe(engine, after)];
  const paths = new Set([...old.keys(), ...now.keys()]);
  return [...paths].filter((path) => old.get(path) !== now.get(path)).map(displayPath);
}

async function describe(engine: Engine, backup: BackupName): Promise<Map<string, string>> {
  const groups = await groupsOf(engine, backup);
  return new Map(
    groups.flatMap(({ entries }) => entries.map((entry) => [entry.path, JSON.stringify(entry)])),
  );
}

/** A file in the middle of a backup whose path no tool takes for a pattern; undefined when there is none. */
export function typicalFile(groups: readonly IndexGroup[]): string | undefined {
  const files = groups.flatMap(({ entries }) =>
    entries.filter(
      ({ path, type, size }) => type === 'file' && size > 0 && /^[\w./-]+$/.test(path),
    ),
  );
  return files[files.length >> 1]?.path;
}

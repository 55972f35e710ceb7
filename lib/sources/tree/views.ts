// What a backup of files holds, for listings, and how it is restored without Holdfast. Reads the index alone, never contents.
import { readGroups, type Archive } from '../../archive/read/archive-reader.ts';
import { HoldfastError } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { artifactOf, type Artifact, type Manifest } from '../../format/manifest.ts';
import { SUMS_PATH } from '../../format/own-paths.ts';
import { displayPath } from '../../format/paths.ts';
import { openBackupArchive } from './opened-archive.ts';
import type { ByHand, ListedEntry, OpenBackup } from '../source.ts';

/** `SourceKind.list` of files. */
export async function* listFiles(
  backup: OpenBackup,
  paths: readonly string[],
): AsyncGenerator<ListedEntry> {
  const archive = await openBackupArchive(backup);
  if (paths.length === 0) {
    for await (const { entries } of readGroups(archive)) yield* entries.map(listed);
    return;
  }
  for (const path of paths) {
    let found = false;
    // Two stretches of the index: `a-b` stands between `a` and what is below `a/`.
    for (const from of [path, `${path}/`]) {
      for await (const entry of stretch(archive, from)) {
        found = true;
        yield listed(entry);
      }
    }
    if (found) continue;
    throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no ${displayPath(path)}`, {
      hint: '`holdfast show <backup> --all` lists what it holds.',
    });
  }
}

/** The entry of that path, or all that begin with it where it ends in `/`. */
async function* stretch(archive: Archive, path: string): AsyncGenerator<IndexEntry> {
  const belongs = (one: string) => (path.endsWith('/') ? one.startsWith(path) : one === path);
  for await (const { entries } of readGroups(archive, path)) {
    for (const entry of entries) {
      if (entry.path < path) continue;
      if (!belongs(entry.path)) return;
      yield entry;
    }
  }
}

function listed(entry: IndexEntry): ListedEntry {
  const { path, type, size, mode, uid, gid, mtimeMicroseconds, linkTarget, sha256, objectKey } =
    entry;
  return {
    path,
    type,
    size,
    mode,
    owner: `${uid}:${gid}`,
    mtimeMicroseconds,
    linkTarget,
    sha256,
    objectKey,
  };
}

/** `SourceKind.byHand` of files: `tar` and `sha256sum`, and `zstd` where that is the codec. */
export function filesByHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand {
  const archive = artifactOf(manifest, 'archive');
  const place = quoted(placeOf(archive));
  const unpack =
    archive.codec === 'gzip'
      ? `tar -xzf ${place} -C FOLDER`
      : `zstd -dc ${place} | tar -xf - -C FOLDER`;
  return {
    check: [`echo ${quoted(`${archive.sha256}  ${placeOf(archive)}`)} | sha256sum -c`],
    restore: ['mkdir FOLDER', unpack],
    recheck: [`cd FOLDER && sha256sum --quiet -c ${SUMS_PATH}`],
  };
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

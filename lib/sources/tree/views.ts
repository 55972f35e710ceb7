// What a backup of files holds, for listings, and how it is restored without Holdfast. Reads the index alone, never contents.
import { entriesAt, entriesOf } from '../../archive/read/parts-reader.ts';
import { HoldfastError } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import type { Artifact, Manifest } from '../../format/manifest.ts';
import { SUMS_PATH } from '../../format/own-paths.ts';
import { partsOf } from '../../format/parts.ts';
import { displayPath } from '../../format/paths.ts';
import { archiveOf } from './opened-archive.ts';
import type { ByHand, ListedEntry, OpenBackup } from '../source.ts';

/** `SourceKind.list` of files. */
export async function* listFiles(
  backup: OpenBackup,
  paths: readonly string[],
): AsyncGenerator<ListedEntry> {
  const archive = archiveOf(backup);
  if (paths.length === 0) {
    for await (const entries of entriesOf(archive)) yield* entries.map(listed);
    return;
  }
  for (const path of paths) {
    let found = false;
    for await (const entries of entriesAt(archive, [path])) {
      found ||= entries.length > 0;
      yield* entries.map(listed);
    }
    if (found) continue;
    throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no ${displayPath(path)}`, {
      hint: '`holdfast show <backup> --all` lists what it holds.',
    });
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
  const [first, ...others] = partsOf(manifest).map(({ artifact }) => ({
    ...artifact,
    place: placeOf(artifact),
  }));
  if (first === undefined) return { check: [], restore: [], recheck: [] };
  const all = [first, ...others];
  return {
    check: all.map(({ sha256, place }) => `echo ${quoted(`${sha256}  ${place}`)} | sha256sum -c`),
    restore: ['mkdir FOLDER', others.length === 0 ? unpackOne(first) : unpackAll(first)],
    recheck: [`cd FOLDER && sha256sum --quiet -c ${SUMS_PATH}${others.length === 0 ? '' : '*'}`],
  };
}

interface PlacedArtifact extends Artifact {
  readonly place: string;
}

function unpackOne({ codec, place }: PlacedArtifact): string {
  return codec === 'gzip'
    ? `tar -xzf ${quoted(place)} -C FOLDER`
    : `zstd -dc ${quoted(place)} | tar -xf - -C FOLDER`;
}

/** In the order of their names. The folders of files that come before them are private until they get their own modes, at the end. */
function unpackAll({ codec, place }: PlacedArtifact): string {
  const [, beginning = '', extension = ''] = /^(.*-)\d{3}(\..*)$/.exec(place) ?? [];
  const unpack =
    codec === 'gzip' ? 'tar -xpzf "$p" -C FOLDER' : 'zstd -dc "$p" | tar -xpf - -C FOLDER';
  return `(umask 077; for p in ${quoted(beginning)}*${extension}; do ${unpack} || exit; done)`;
}

/** A word that a shell takes as it is. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

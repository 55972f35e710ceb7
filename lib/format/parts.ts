// The archive of a backup in one or several parts: which artifacts they are, in order, and what each of them may hold.
import { HoldfastError } from '../errors.ts';
import { PART_CLASSES, type Artifact, type Manifest, type PartClass } from './manifest.ts';
import { fromUtf8, toUtf8 } from './paths.ts';

/** The feature that a manifest with several parts requires. */
export const PARTS_FEATURE = 'parts';

/** One part as the manifest names it. */
export interface NamedPart {
  readonly artifact: Artifact;
  /** Undefined for an archive that is the only one. */
  readonly class: PartClass | undefined;
  /** A byte string; empty for an archive that is the only one. */
  readonly firstPath: string;
}

/**
 * The parts of the archive, in order: of each class by their first paths.
 *
 * `BACKUP_DAMAGED` when the manifest names none, or parts that cannot be those of one archive: one that is missing or stands twice by
 * its number, in another order, of another codec, or without what is known of a part.
 */
export function partsOf(manifest: Manifest): readonly [NamedPart, ...NamedPart[]] {
  const [only, ...others] = manifest.artifacts.filter(({ role }) => role === 'archive');
  if (only === undefined) throw noArchive(manifest, 'names no archive');
  const several = manifest.requires.includes(PARTS_FEATURE);
  if (several !== others.length > 0) {
    const requires = several ? 'requires' : 'does not require';
    throw noArchive(manifest, `names ${others.length + 1} archives, and ${requires} parts`);
  }
  if (!several && only.part !== undefined) {
    throw noArchive(manifest, `calls ${only.key} a part, and names no other`);
  }
  if (!several) return [{ artifact: only, class: undefined, firstPath: '' }];
  const first = partOf(manifest, only);
  const parts: [NamedPart, ...NamedPart[]] = [first];
  for (const artifact of others) {
    const part = partOf(manifest, artifact);
    const wrong = misplaced(part, parts.at(-1) ?? first, parts.length);
    if (wrong !== undefined) throw noArchive(manifest, wrong);
    parts.push(part);
  }
  if (numberedName(only.key)?.number === 1) return parts;
  throw noArchive(manifest, `names ${only.key} as part 1`);
}

/** Why `part` cannot follow `before`, which is part `number`. */
function misplaced(part: NamedPart, before: NamedPart, number: number): string | undefined {
  const { key, codec } = part.artifact;
  const [name, nameBefore] = [key, before.artifact.key].map(numberedName);
  const numbered = name?.number === number + 1 && name.beginning === nameBefore?.beginning;
  if (!numbered) return `names ${key} as part ${number + 1}`;
  if (codec !== before.artifact.codec)
    return `names parts of ${before.artifact.codec} and ${codec}`;
  if (follows(part, before)) return undefined;
  return `names ${key} after ${before.artifact.key}, which is not the order of parts`;
}

function follows(part: NamedPart, before: NamedPart): boolean {
  const rank = (one: NamedPart) => PART_CLASSES.findIndex((name) => name === one.class);
  if (rank(part) !== rank(before)) return rank(part) > rank(before);
  // Directories stand together, since their times are set right only when nothing follows.
  return part.class !== 'directories' && part.firstPath > before.firstPath;
}

/** What stands for the random of an archive in the name of its part `number`. */
export function partName(random: string, number: number): string {
  return `${random}-${String(number).padStart(3, '0')}`;
}

/** All parts of a run share what stands before their numbers. */
function numberedName(key: string): { beginning: string; number: number } | undefined {
  const [, beginning, number] = /^(.*\/archive-[A-Za-z0-9]+)-(\d{3})\.[a-z.]+$/.exec(key) ?? [];
  return beginning === undefined ? undefined : { beginning, number: Number(number) };
}

function partOf(manifest: Manifest, artifact: Artifact): NamedPart {
  const { class: own, firstPath, firstPathBase64 = '' } = artifact.part ?? {};
  const path =
    firstPath === undefined
      ? Buffer.from(firstPathBase64, 'base64').toString('latin1')
      : fromUtf8(firstPath);
  if (own !== undefined && path !== '') return { artifact, class: own, firstPath: path };
  throw noArchive(manifest, `does not say which part ${artifact.key} is`);
}

/** How a manifest names a part that begins with a path, a byte string. */
export function namedPart(own: PartClass, firstPath: string): NonNullable<Artifact['part']> {
  const text = toUtf8(firstPath);
  if (text !== undefined) return { class: own, firstPath: text };
  return { class: own, firstPathBase64: Buffer.from(firstPath, 'latin1').toString('base64') };
}

function noArchive({ key }: Manifest, why: string): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', `${key} ${why}`);
}

/**
 * Whether an entry of a type may stand in a part. Small ones may hold directories too, such as nothing stands below: a directory that is
 * made in another changes the time of that one, so they have to be made before the last part sets it.
 */
export function mayHold(partClass: PartClass | undefined, type: string): boolean {
  if (partClass === 'directories') return type === 'directory';
  return partClass !== 'large' || type === 'file';
}

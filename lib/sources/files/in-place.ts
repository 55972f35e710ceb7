// Restoring files over a folder in use: only what differs, each entry verified beside its place and renamed into it.
import { unwritten } from '../../archive/read/extract.ts';
import { UnkeptList, type Ownership } from '../../archive/read/ownership.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { entriesOf, type Parts } from '../../archive/read/parts-reader.ts';
import { restoreArchive } from '../../archive/read/restore-archive.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { displayPath, fromUtf8 } from '../../format/paths.ts';
import { archiveTree } from '../tree/archive-tree.ts';
import { compareTree, type Comparison } from '../tree/compare.ts';
import { archiveOf, wantedPaths } from '../tree/opened-archive.ts';
import { Change } from './in-place-change.ts';
import { OwnersSeen, ownershipOf, withNames } from '../tree/owner-names.ts';
import type {
  Compared,
  InPlace,
  InPlaceDone,
  InPlaceInput,
  InPlacePlan,
  OpenBackup,
  ReadInput,
  ReadResult,
  RestoreResult,
} from '../source.ts';
import { Staging, type StagingPlace } from './staging.ts';
import { inOrder, Standing } from '../tree/standing-entry.ts';
import { TouchedFolders } from './touched-folders.ts';

export const filesInPlace: InPlace = { plan, save, apply, leftOver };

async function plan(backup: OpenBackup, input: InPlaceInput): Promise<InPlacePlan> {
  const problems: Problem[] = [];
  const standing = new Standing(rootOf(input.folder), (one) => problems.push(one));
  const compared = await compareWanted(backup, input, standing);
  const { differences, entries, unkept } = compared;
  assertReadable([...problems, ...compared.problems]);
  const replace = new Set<string>();
  const create = new Set<string>();
  for (const { entryPath, change } of differences) {
    replace.add(entryPath);
    if (change !== 'missing' || standing.stats(bare(entryPath)) !== undefined) continue;
    create.add(entryPath);
    // Folders above it that are gone come back as they were, too.
    for (const folder of foldersAbove(entryPath)) {
      if (standing.stats(bare(folder)) === undefined) create.add(folder);
    }
  }
  for (const one of create) replace.add(one);
  const remove = input.remove.filter((one) => standing.stats(bare(one)) !== undefined);
  return {
    replace: [...replace].sort(bytewise),
    create: [...create].sort(bytewise),
    remove: remove.sort(bytewise),
    lost: [...lostBy(new Set([...replace, ...remove]), standing)].sort(bytewise),
    equal: entries - differing(differences),
    unkept,
  };
}

/** A directory that stays one loses nothing: what is in it is named, or not touched. */
function* lostBy(paths: ReadonlySet<string>, standing: Standing): Generator<string> {
  for (const one of paths) {
    const entry = standing.at(one);
    if (entry !== undefined && (entry.type !== 'directory' || !paths.has(entry.path)))
      yield bare(one);
  }
}

function differing(differences: Comparison['differences']): number {
  return new Set(differences.map(({ entryPath }) => entryPath)).size;
}

function rootOf(folder: string): string {
  return `${fromUtf8(folder)}/`.replace(/^\/\/$/, '/');
}

function bare(entryPath: string): string {
  return entryPath.replace(/\/$/, '');
}

function* foldersAbove(entryPath: string): Generator<string> {
  for (let at = entryPath.indexOf('/'); at > 0 && at < entryPath.length - 1;) {
    yield entryPath.slice(0, at + 1);
    at = entryPath.indexOf('/', at + 1);
  }
}

function bytewise(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** Looks at what the backup holds and at nothing else, however much stands in the folder. */
async function compareWanted(
  backup: OpenBackup,
  input: InPlaceInput,
  standing: Standing,
): Promise<Comparison> {
  const { paths, owners, pool, signal } = input;
  const compared = await compareTree({
    archive: archiveOf(backup),
    found: (entryPath) => standing.at(entryPath),
    wants: wantedPaths(paths),
    paths: paths.length === 0 ? undefined : paths,
    ownership: await ownershipOf(owners, backup.manifest.owners),
    times: true,
    pool,
    signal,
    onProgress: undefined,
  });
  return { ...compared, unkept: withNames(compared.unkept, backup.manifest.owners) };
}

/** What cannot be read cannot be saved before it is overwritten. */
function assertReadable(problems: readonly Problem[]): void {
  const lost = problems.filter(({ tolerated }) => tolerated !== true);
  const [first] = lost;
  if (first === undefined) return;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `${lost.length} entries of the target cannot be read and so not be saved, first ${first.path}: ${first.detail}`,
    {
      hint: 'Run as a user that may read all of the target, or restore to a new folder with --to.',
    },
  );
}

async function save(plan: InPlacePlan, input: InPlaceInput, into: ReadInput): Promise<ReadResult> {
  const problems: Problem[] = [];
  const standing = new Standing(rootOf(input.folder), (one) => problems.push(one));
  const owners = new OwnersSeen();
  const stored = await archiveTree(into, {
    entries: owners.watch(inOrder(toSave(plan, standing))),
    encoding: { codec: 'gzip', level: 1 },
    times: 'recorded',
  });
  assertReadable([...problems, ...stored.problems]);
  return { ...stored, owners: await owners.names(), git: undefined, package: undefined };
}

/** Everything that stands where something is replaced or removed, with all below it where a directory gives way. */
function toSave(plan: InPlacePlan, standing: Standing): Iterable<SourceEntry> {
  const found = new Map<string, SourceEntry>();
  const stays = new Set([...plan.replace, ...plan.remove]);
  for (const one of stays) {
    const entry = standing.at(one);
    if (entry === undefined) continue;
    found.set(entry.path, entry);
    // A directory that stays a directory gives way to nothing: what is below it is named, or not touched.
    if (entry.type !== 'directory' || stays.has(entry.path)) continue;
    for (const below of standing.below(entry.path)) found.set(below.path, below);
  }
  return found.values();
}

async function apply(
  backup: OpenBackup,
  plan: InPlacePlan,
  input: InPlaceInput & { random: string; done: InPlaceDone },
): Promise<RestoreResult> {
  const archive = archiveOf(backup);
  const ownership = await ownershipOf(input.owners, backup.manifest.owners);
  const root = rootOf(input.folder);
  const touched = new TouchedFolders(root);
  const staging = new Staging(input.folder, input.random, (folder) => touched.touch(folder));
  const change = new Change({ root, staging, touched, ownership, done: input.done });
  let staged: Staged;
  try {
    // All of it is written and verified, and the index read, before anything of the folder changes.
    const entries = await plannedEntries(archive, plan);
    staged = await stage(archive, entries, { input, staging, ownership });
    const damaged = new Set(staged.problems.map((one) => one.path));
    assertAny(entries, staged.problems, damaged);
    change.remove(plan.remove);
    change.replace(entries.filter((one) => !damaged.has(displayPath(one.path))));
  } finally {
    try {
      staging.remove();
    } finally {
      change.finish();
    }
  }
  staged.unkept.add(change.unkept);
  return {
    ...staged,
    problems: [...staged.problems, ...change.problems],
    unkept: withNames(staged.unkept, backup.manifest.owners),
  };
}

/** Where nothing of it can be written there is nothing to be done, and what would have been removed stays. */
function assertAny(
  entries: readonly IndexEntry[],
  [first]: readonly Problem[],
  lost: ReadonlySet<string>,
): void {
  if (first === undefined || !entries.every(({ path }) => lost.has(displayPath(path)))) return;
  throw new HoldfastError(
    first.code === 'damaged' ? 'BACKUP_DAMAGED' : 'TARGET_REFUSED',
    `nothing could be restored, first ${first.path}: ${first.detail}`,
  );
}

async function plannedEntries(archive: Parts, plan: InPlacePlan): Promise<IndexEntry[]> {
  const wanted = new Set(plan.replace);
  const found: IndexEntry[] = [];
  for await (const entries of entriesOf(archive)) {
    for (const entry of entries) if (wanted.has(entry.path)) found.push(entry);
  }
  return found;
}

interface Staged {
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  readonly unkept: UnkeptList;
}

interface StageInput {
  readonly input: InPlaceInput;
  readonly staging: Staging;
  readonly ownership: Ownership;
}

/** Writes files and links to the staging place from which each is renamed; directories are made where they belong. */
async function stage(
  archive: Parts,
  entries: readonly IndexEntry[],
  { input, staging, ownership }: StageInput,
): Promise<Staged> {
  const problems: Problem[] = [];
  const wanted = new Map<StagingPlace, Set<string>>();
  for (const { type, path } of entries) {
    if (type === 'directory') continue;
    try {
      const place = staging.placeFor(path);
      wanted.set(place, (wanted.get(place) ?? new Set()).add(path));
    } catch (error) {
      problems.push(unwritten(path, error));
    }
  }
  const unkept = new UnkeptList();
  const sum = { files: 0, entries: entries.length, bytes: 0 };
  const { pool, signal, onProgress } = input;
  for (const [place, only] of wanted) {
    const before = { ...sum };
    const part = await restoreArchive(archive, {
      root: place.fresh,
      paths: [],
      only,
      write: { ownership },
      pool,
      signal,
      onProgress: (now) =>
        onProgress?.({
          entries: before.files + now.entries,
          bytes: before.bytes + now.bytes,
          totalBytes: undefined,
        }),
    });
    sum.files += part.files;
    sum.bytes += part.bytes;
    problems.push(...part.problems);
    unkept.add(part.unkept);
  }
  return { ...sum, problems, unkept };
}

/** What of a plan is not as it should be. */
async function leftOver(
  backup: OpenBackup,
  plan: InPlacePlan,
  input: InPlaceInput,
): Promise<Compared> {
  const problems: Problem[] = [];
  const standing = new Standing(rootOf(input.folder), (one) => problems.push(one));
  const compared = await compareWanted(backup, input, standing);
  const stay = plan.remove.filter((one) => standing.stats(bare(one)) !== undefined);
  const differences = [
    ...compared.differences,
    ...stay.map((one) => ({
      path: displayPath(one),
      change: 'unexpected' as const,
      expected: 'nothing',
      found: 'what was to be removed',
    })),
  ];
  return { ...compared, differences, problems: [...problems, ...compared.problems] };
}

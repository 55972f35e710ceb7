// All that is known of one backup: what it is, what it is worth and why, what it holds, and what changed since the one before.
import { HoldfastError, type Problem } from '../errors.ts';
import type { Artifact } from '../format/manifest.ts';
import { isSafety } from '../format/ids.ts';
import { manifestKey } from '../format/layout.ts';
import type { Verb } from '../format/record.ts';
import type { ByHand, ListedEntry } from '../sources/source.ts';
import { openBackup, readManifest } from './catalog/backups.ts';
import type { BackupName } from './diff.ts';
import { kindOf, throwIfCancelled, type Engine } from './engine.ts';
import { readRecords, type ReadRecord } from './catalog/records.ts';
import { sharedWith, type SharedBytes } from './catalog/shared-bytes.ts';
import { surveySource, type SurveyedBackup } from './catalog/survey.ts';

/** An act of which this backup was the subject. */
export interface ActOnBackup {
  readonly verb: Verb;
  readonly verdict: string;
  /** The level of a proof: `digest`, `content` or `restore`. */
  readonly level: string | undefined;
  readonly begin: string;
  readonly durationMs: number;
  readonly who: string;
  readonly note: string | undefined;
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** The key of its record. */
  readonly record: string;
  /** Why it takes no part, or undefined when a trusted key vouches for it. */
  readonly distrust: string | undefined;
}

export interface ShownBackup {
  readonly backup: SurveyedBackup;
  /** What has been done with it, oldest first; pins that were taken back included. */
  readonly acts: readonly ActOnBackup[];
  /** The backup of the source before this one that can be trusted; what a restore has replaced is compared with its like alone. */
  readonly previous: string | undefined;
  /** What of it stands once in the store for others as well. */
  readonly shared: SharedBytes;
  readonly byHand: ByHand;
  /** What of the source's files in the store could not be read. */
  readonly problems: readonly Problem[];
}

const ACTS: readonly Verb[] = ['verify', 'restore-test', 'restore', 'repair', 'pin', 'unpin'];

/**
 * What is known of a backup; one that cannot be trusted is shown with what it claims of itself. `placeOf` says where the commands
 * that restore it by hand find an artifact.
 *
 * `BACKUP_NOT_FOUND` when the store holds no such backup, `BACKUP_DAMAGED` when its manifest cannot be read.
 */
export async function showBackup(
  engine: Engine,
  { source, id }: BackupName,
  placeOf = ({ key }: Artifact) => `${engine.store.url}/${key}`,
): Promise<ShownBackup> {
  const { backups, problems } = await surveySource(engine, source);
  const backup = backups.find((one) => one.id === id);
  if (backup === undefined) throw await whyAbsent(engine, source, id);
  const trusted = (one: SurveyedBackup) => one.distrust === undefined || engine.trustAnyone;
  const { manifest } = backup;
  const comparable = (one: SurveyedBackup) =>
    trusted(one) && one.manifest.kind === manifest.kind && (isSafety(id) || !isSafety(one.id));
  const previous = backups.slice(0, backups.indexOf(backup)).findLast(comparable);
  return {
    backup,
    acts: await actsOn(engine, source, id),
    previous: previous?.id,
    shared: sharedWith(backup, backups),
    byHand: (await kindOf(engine, manifest.kind)).byHand(manifest, placeOf),
    problems: problems.filter(({ path }) => path.includes(id)),
  };
}

/** The survey passes over a manifest that cannot be read; a user who asks for that one hears why. */
async function whyAbsent(engine: Engine, source: string, id: string): Promise<HoldfastError> {
  const object = await engine.store.head(manifestKey(source, id));
  if (object !== undefined) await readManifest(engine, object);
  return new HoldfastError('BACKUP_NOT_FOUND', `the store holds no backup ${source}/${id}`, {
    hint: '`holdfast list` shows what it holds.',
  });
}

async function actsOn(engine: Engine, source: string, id: string): Promise<ActOnBackup[]> {
  const options = { subjects: new Set([id]), onProblem: () => undefined };
  const read: ReadRecord[] = [];
  for (const verb of ACTS) read.push(...(await readRecords(engine, verb, source, options)));
  return read.map(actOf).sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : 0));
}

function actOf({ record, distrust }: ReadRecord): ActOnBackup {
  const { verb, verdict, facts, begin, end, who, problems, problemCount, key } = record;
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
  return {
    verb,
    verdict,
    level: verb === 'restore-test' ? 'restore' : text(facts['level']),
    begin,
    durationMs: Date.parse(end) - Date.parse(begin),
    who,
    note: text(facts['note']),
    problems,
    problemCount,
    record: key,
    distrust,
  };
}

/** A line of a listing: an entry, or a directory with all that is below it. */
export interface ContentLine {
  /** A byte string; directories end in `/`. */
  readonly path: string;
  /** Undefined for a directory that the backup names only by what is below it. */
  readonly entry: ListedEntry | undefined;
  /** Counted over the entry and all below it. */
  readonly files: number;
  readonly bytes: number;
  /** What of it is no file, directory or link, such as an object of a database. */
  readonly objects: number;
  /** Undefined where nothing has rows. */
  readonly rows: number | undefined;
}

export interface ContentOptions {
  /** Byte strings, relative to the source; empty for the whole of it. */
  readonly paths: readonly string[];
  /** Every entry, instead of what stands directly in the source or in the directories that are named. */
  readonly all: boolean;
}

/** What a backup holds, line by line. `BACKUP_NOT_FOUND` for a path that is not in it. */
export async function* contentsOf(
  engine: Engine,
  { source, id }: BackupName,
  { paths, all }: ContentOptions,
): AsyncGenerator<ContentLine> {
  const backup = await openBackup(engine, source, id);
  const kind = await kindOf(engine, backup.manifest.kind);
  const wanted = listedPaths(paths);
  for (const path of wanted.length === 0 ? [undefined] : wanted) {
    const entries = kind.list(backup, path === undefined ? [] : [path]);
    const folder = path === undefined ? '' : `${path}/`;
    const lines = all ? eachEntry(entries) : childrenOf(entries, folder);
    for await (const line of lines) {
      throwIfCancelled(engine);
      yield line;
    }
  }
}

/** Paths as a listing takes them, sorted; what stands below another of them is in it already. */
function listedPaths(paths: readonly string[]): string[] {
  const bare = paths.map((path) => path.replace(/^(\.\/+)+/, '').replace(/\/+$/, ''));
  if (bare.some((path) => path === '' || path === '.')) return [];
  const unique = [...new Set(bare)].sort((a, b) => (a < b ? -1 : 1));
  return unique.filter((path) => !unique.some((one) => path.startsWith(`${one}/`)));
}

async function* eachEntry(entries: AsyncIterable<ListedEntry>): AsyncGenerator<ContentLine> {
  for await (const entry of entries) yield lineOf(entry);
}

/** What stands directly in `folder`: all that is below a directory is contiguous, and counted as it passes. */
async function* childrenOf(
  entries: AsyncIterable<ListedEntry>,
  folder: string,
): AsyncGenerator<ContentLine> {
  let own: ContentLine | undefined;
  let line: ContentLine | undefined;
  for await (const entry of entries) {
    if (entry.path === folder) {
      own = lineOf(entry);
      continue;
    }
    own = undefined;
    const slash = entry.path.indexOf('/', folder.length);
    const path = slash < 0 ? entry.path : entry.path.slice(0, slash + 1);
    if (line?.path === path) {
      line = sumOf(line, lineOf(entry));
      continue;
    }
    if (line !== undefined) yield line;
    line = { ...lineOf(entry), path, entry: entry.path === path ? entry : undefined };
  }
  if (line !== undefined) yield line;
  // An empty directory has nothing to show but itself.
  if (own !== undefined) yield own;
}

function lineOf(entry: ListedEntry): ContentLine {
  const { path, type, size, rows } = entry;
  const files = type === 'file' || type === 'hardlink' ? 1 : 0;
  return { path, entry, files, bytes: size, objects: type === 'object' ? 1 : 0, rows };
}

/** The first line, with what is below it counted in. */
function sumOf(line: ContentLine, below: ContentLine): ContentLine {
  const { rows = below.rows === undefined ? undefined : 0 } = line;
  return {
    ...line,
    files: line.files + below.files,
    bytes: line.bytes + below.bytes,
    objects: line.objects + below.objects,
    rows: rows === undefined ? undefined : rows + (below.rows ?? 0),
  };
}

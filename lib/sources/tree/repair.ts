// Repairing a backup of files: whole entries and donated contents are gathered in a folder, and archived as the index describes them.
import fs from 'node:fs';
import path from 'node:path';
import { entriesOf, type Parts } from '../../archive/read/parts-reader.ts';
import { ASIDE } from '../../archive/read/ownership.ts';
import { restoreArchive } from '../../archive/read/restore-archive.ts';
import { PARTING } from '../../archive/write/part-plan.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { statLine } from '../../archive/write/stats.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import type { Encoding } from '../../format/codec.ts';
import { PARTS_FEATURE } from '../../format/parts.ts';
import { displayPath, fromUtf8, fsPath } from '../../format/paths.ts';
import { archiveTree, keptPartBytes } from './archive-tree.ts';
import { archiveOf } from './opened-archive.ts';
import type { Mended, OpenBackup, ReadInput, ReadResult, Repair, Work } from '../source.ts';

/** Contents that are looked for, by digest, and the entries that need them. */
type Wanted = Map<string, IndexEntry[]>;

export const repairFiles: Repair = async (backup, donors, { scratch, ...work }) => {
  const archive = archiveOf(backup);
  const kept = path.join(scratch, 'kept');
  const given = path.join(scratch, 'given');
  fs.mkdirSync(kept, { mode: 0o700 });
  fs.mkdirSync(given, { mode: 0o700 });
  await restoreArchive(archive, {
    root: `${fromUtf8(kept)}/`,
    paths: [],
    write: { ownership: ASIDE },
    onProgress: undefined,
    pool: work.pool,
    signal: work.signal,
  });
  const wanted = await missingContents(archive, kept);
  const healed = await takeFromDonors(wanted, donors, { given, work });
  const lost = [...wanted.values()].flat().map((entry) => displayPath(entry.path));
  return {
    healed: [...healed.values()].flatMap(({ entries, from }) =>
      entries.map((entry) => ({ path: displayPath(entry.path), from })),
    ),
    lost,
    read: (input) => archiveAgain(input, { archive, backup, kept, healed }),
  } satisfies Mended;
};

/** A damaged entry was not restored, so whatever is not there is what was damaged. */
async function missingContents(archive: Parts, kept: string): Promise<Wanted> {
  const wanted: Wanted = new Map();
  for await (const entries of entriesOf(archive)) {
    for (const entry of entries) {
      if (entry.type !== 'file' || entry.sha256 === undefined) continue;
      const at = fsPath(`${fromUtf8(kept)}/${entry.path}`);
      if (fs.existsSync(at)) continue;
      wanted.set(entry.sha256, [...(wanted.get(entry.sha256) ?? []), entry]);
    }
  }
  return wanted;
}

interface Donated {
  readonly entries: readonly IndexEntry[];
  readonly from: string;
  /** Where the content lies now; absolute, a byte string. */
  readonly at: string;
}

async function takeFromDonors(
  wanted: Wanted,
  donors: AsyncIterable<OpenBackup>,
  { given, work }: { given: string; work: Work },
): Promise<Map<string, Donated>> {
  const healed = new Map<string, Donated>();
  let count = 0;
  for await (const donor of donors) {
    if (wanted.size === 0) break;
    try {
      const folder = path.join(given, String(count++));
      for (const [sha256, at] of await takeFrom(donor, wanted, { folder, work })) {
        const entries = wanted.get(sha256) ?? [];
        wanted.delete(sha256);
        const from = `${donor.manifest.source}/${donor.manifest.id}`;
        healed.set(sha256, { entries, from, at });
      }
    } catch (error) {
      // A donor that is damaged itself gives what it can; the next may have the rest. One that could not be asked may have it too.
      const useless = error instanceof HoldfastError && USELESS.includes(error.code);
      if (!useless) throw error;
    }
  }
  return healed;
}

const USELESS: readonly string[] = ['BACKUP_DAMAGED', 'BACKUP_NOT_FOUND', 'FORMAT_UNSUPPORTED'];

/** What one donor has of the wanted contents, by digest. */
async function takeFrom(
  donor: OpenBackup,
  wanted: Wanted,
  { folder, work }: { folder: string; work: Work },
): Promise<Map<string, string>> {
  const archive = archiveOf(donor);
  const paths = new Map<string, string>();
  for await (const entries of entriesOf(archive)) {
    for (const { type, path: entryPath, sha256 } of entries) {
      if (type === 'file' && sha256 !== undefined && wanted.has(sha256) && !paths.has(sha256)) {
        paths.set(sha256, entryPath);
      }
    }
  }
  if (paths.size === 0) return new Map();
  fs.mkdirSync(folder, { mode: 0o700 });
  await restoreArchive(archive, {
    root: `${fromUtf8(folder)}/`,
    paths: [],
    only: new Set(paths.values()),
    write: { ownership: ASIDE },
    onProgress: undefined,
    pool: work.pool,
    signal: work.signal,
  });
  const taken = new Map<string, string>();
  for (const [sha256, entryPath] of paths) {
    const at = `${fromUtf8(folder)}/${entryPath}`;
    if (fs.existsSync(fsPath(at))) taken.set(sha256, at);
  }
  return taken;
}

interface Again {
  readonly archive: Parts;
  readonly backup: OpenBackup;
  readonly kept: string;
  readonly healed: ReadonlyMap<string, Donated>;
}

async function archiveAgain(
  input: ReadInput,
  { archive, backup, kept, healed }: Again,
): Promise<ReadResult> {
  const entries: SourceEntry[] = [];
  const problems: Problem[] = [];
  for await (const recorded of entriesOf(archive)) {
    for (const entry of recorded) {
      const found = asFound(entry, `${fromUtf8(kept)}/${entry.path}`, healed);
      if (found !== undefined) entries.push(found);
      else {
        const detail = 'was damaged, and no other backup holds its content';
        problems.push({ path: displayPath(entry.path), code: 'lost', detail });
      }
    }
  }
  const { codec, level, times } = backup.manifest.options;
  const encoding = { codec, level } as Encoding;
  const stored = await archiveTree(input, {
    entries,
    encoding,
    times: times === 'content' ? 'content' : 'recorded',
    ...(backup.manifest.requires.includes(PARTS_FEATURE) && {
      parting: { ...PARTING, fromBytes: 0 },
      kept: keptPartBytes(backup.manifest),
    }),
  });
  // That damaged parts cannot be built on is why there is a repair.
  const others = stored.problems.filter(({ code }) => code !== 'predecessor-unusable');
  const before = backup.manifest.problems;
  return {
    ...stored,
    problems: [...before, ...problems, ...others],
    owners: backup.manifest.owners,
    git: undefined,
    package: undefined,
  };
}

/** The entry as the index describes it, to be read from where its content lies now. */
function asFound(
  entry: IndexEntry,
  keptAt: string,
  healed: ReadonlyMap<string, Donated>,
): SourceEntry | undefined {
  const { sha256, ...described } = entry;
  if (entry.type !== 'file') return { ...described, readPath: undefined, stat: '', shared: false };
  const readPath = fs.existsSync(fsPath(keptAt)) ? keptAt : healed.get(sha256 ?? '')?.at;
  if (readPath === undefined) return undefined;
  const stats = fs.lstatSync(fsPath(readPath), { bigint: true });
  return { ...described, readPath, stat: statLine(stats), shared: true };
}

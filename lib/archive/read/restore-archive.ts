// Restores an archive, or some paths of it, into a directory of its own. Only the members that hold what is wanted are read.
import fs from 'node:fs';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry, IndexGroup } from '../../format/archive-index.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { encodeHeader } from '../../format/tar.ts';
import {
  createSplitFile,
  finishFile,
  unwritten,
  type PieceToExtract,
  type WriteOptions,
} from './extract.ts';
import { keepDirectory, keepFile, keepLink, type Keeping } from './metadata.ts';
import { UnkeptList, type Unkept } from './ownership.ts';
import type { Pool } from '../threads/pool.ts';
import { extentOfPiece, groupsBetween, readGroups, type Archive } from './archive-reader.ts';
import { partsBetween, type Parts } from './parts-reader.ts';
import { assertTogether, assertTogetherAt, isLost, lostPart } from './together.ts';
import { stretches, type Stretch } from './stretches.ts';
import { windowFor, type Window } from './window.ts';

/** What file systems answer that have no hard links, or no more of them for one file. */
const NO_LINKS = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'];

export interface ArchiveRestore {
  /** An absolute byte string that ends in `/`: a directory that this run has made, and that nobody else can enter. */
  readonly root: string;
  /** Byte strings without a closing slash; empty for everything. */
  readonly paths: readonly string[];
  /** Of those, only these entries, when given: byte strings, directories ending in `/`. */
  readonly only?: ReadonlySet<string>;
  /** How many entries the archive holds, where somebody knows. */
  readonly recorded?: number;
  readonly write: WriteOptions;
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: { entries: number; bytes: number }) => void) | undefined;
}

export interface RestoreSummary {
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** What was written, but for its owner, its bits or its time. */
  readonly unkept: Unkept;
}

/**
 * Restores what is wanted. `BACKUP_NOT_FOUND` when a path is not in the archive; damage is a problem per entry, and parts that do not
 * fit together are `BACKUP_DAMAGED` before anything is written.
 */
export async function restoreArchive(
  parts: Parts,
  options: ArchiveRestore,
): Promise<RestoreSummary> {
  // One part tells by itself that its entries do not fit together; several have to be looked at side by side.
  if (parts.length > 1) {
    if (options.paths.length > 0) await assertTogetherAt(parts, options.paths);
    else await assertTogether(parts, options.recorded);
  }
  const restore = new Restore(parts, options);
  return restore.run();
}

/** Where an entry goes below the root; undefined for one that is not wanted. */
type Destination = (path: string) => string | undefined;

class Restore {
  private readonly parts: Parts;
  private readonly options: ArchiveRestore;
  private readonly window: Window;
  private readonly made = new Set<string>(['']);
  private readonly directories: IndexEntry[] = [];
  private readonly symlinks: IndexEntry[] = [];
  private readonly hardlinks: IndexEntry[] = [];
  private readonly found = new Set<string>();
  private readonly problems: Problem[] = [];
  private readonly unkept = new UnkeptList();
  private readonly keeping: Keeping;
  private entries = 0;
  private files = 0;
  private bytes = 0;

  constructor(parts: Parts, options: ArchiveRestore) {
    this.parts = parts;
    this.options = options;
    this.window = windowFor(options.pool);
    this.keeping = { ownership: options.write.ownership, unkept: this.unkept };
  }

  async run(): Promise<RestoreSummary> {
    const { paths, only } = this.options;
    const all = (path: string) => (only === undefined || only.has(path) ? path : undefined);
    if (paths.length === 0) await this.extractAll(all);
    for (const path of withoutNested(paths)) await this.extractPath(path);
    await this.window.drain();
    const lost = paths.find((path) => !this.found.has(path));
    if (lost !== undefined) {
      throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no ${displayPath(lost)}`, {
        hint: '`holdfast show <backup>` lists what it holds.',
      });
    }
    await this.makeHardlinks();
    for (const link of this.symlinks) this.attempt(link.path, () => this.makeSymlink(link));
    // Deepest first: a directory's time changes when something is made in it.
    for (const directory of this.directories.reverse()) {
      this.attempt(directory.path, () => this.finishDirectory(directory));
    }
    const { entries, files, bytes, problems, unkept } = this;
    return { entries, files, bytes, problems, unkept: unkept.value() };
  }

  private async extractAll(destination: Destination): Promise<void> {
    let lost = 0;
    for (const part of this.parts) {
      let archive: Archive;
      try {
        archive = await part.open();
      } catch (error) {
        if (!isLost(error)) throw error;
        if (++lost === this.parts.length) throw error;
        this.problems.push(lostPart(part, error, 'restored'));
        continue;
      }
      await this.extract(archive, this.allGroups(archive), destination);
    }
  }

  /** All groups, but for those that a damaged piece of the index would name: these are lost, the others are not. */
  private allGroups(archive: Archive): AsyncGenerator<IndexGroup> {
    return readGroups(archive, '', (i, error) => {
      if (!(error instanceof HoldfastError) || error.code !== 'BACKUP_DAMAGED') throw error;
      const detail = `${error.message}; ${extentOfPiece(archive.table, i)} is not restored`;
      this.problems.push({ path: archive.names.index, code: 'damaged', detail });
    });
  }

  /** An entry and, when it is a directory, all below it: two stretches of the index, since other names may sort between them. */
  private async extractPath(path: string): Promise<void> {
    const below = `${path}/`;
    const asked = this.options.paths.filter((one) => one === path || one.startsWith(below));
    const take = (entryPath: string) => {
      if (entryPath !== path && !entryPath.startsWith(below)) return undefined;
      for (const one of asked) {
        if (entryPath === one || entryPath.startsWith(`${one}/`)) this.found.add(one);
      }
      return entryPath;
    };
    for (const first of [path, below]) {
      const last = first === path ? path : `${path}0`;
      const wanted: Destination = (one) =>
        one >= first && (first === path ? one === path : one < last) ? take(one) : undefined;
      for (const part of partsBetween(this.parts, first, last)) {
        const archive = await part.open();
        await this.extract(archive, groupsBetween(archive, first, last), wanted);
      }
    }
  }

  private async extract(
    archive: Archive,
    groups: AsyncIterable<IndexGroup>,
    destination: Destination,
  ): Promise<void> {
    const wanted = this.wantedGroups(groups, destination);
    for await (const stretch of stretches(wanted)) {
      if (this.options.signal?.aborted === true) {
        throw new HoldfastError('CANCELLED', 'the restore was interrupted');
      }
      if (stretch.split) await this.extractSplit(archive, stretch, destination);
      else {
        const work = () => this.extractStretch(archive, stretch, destination);
        await this.window.add(stretch.rawBytes, work);
      }
    }
  }

  /** Only groups with a wanted file are read; directories are made and links noted on the way. */
  private async *wantedGroups(
    groups: AsyncIterable<IndexGroup>,
    destination: Destination,
  ): AsyncGenerator<IndexGroup> {
    for await (const group of groups) {
      let files = false;
      for (const entry of group.entries) {
        const to = destination(entry.path);
        if (to === undefined) continue;
        this.entries++;
        if (entry.type === 'file') {
          files = true;
          this.makeParents(to);
        } else this.note(entry);
      }
      if (files) yield group;
    }
  }

  private note(entry: IndexEntry): void {
    if (entry.type === 'directory') {
      this.makeDirectory(entry.path.slice(0, -1));
      this.directories.push(entry);
    } else if (entry.type === 'symlink') this.symlinks.push(entry);
    else this.hardlinks.push(entry);
  }

  private makeParents(path: string): void {
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.makeDirectory(path.slice(0, slash));
  }

  private makeDirectory(path: string): void {
    if (this.made.has(path)) return;
    this.makeParents(path);
    this.made.add(path);
    // Nobody else can enter the root; what the index says of the directory is set when all is in it.
    this.attempt(`${path}/`, () => fs.mkdirSync(fsPath(this.options.root + path), 0o755));
  }

  private async extractStretch(
    archive: Archive,
    stretch: Stretch,
    destination: Destination,
  ): Promise<void> {
    const { groups, offset, bytes } = stretch;
    const range = { offset, bytes: await archive.reader.read(offset, bytes) };
    const { root, write, pool } = this.options;
    const destinations = groups.map(({ entries }) => entries.map(({ path }) => destination(path)));
    const job = { range, groups, destinations, root, codec: archive.codec, options: write };
    const { problems, unkept } = await pool.run('extractGroups', job, stretch.rawBytes, [
      range.bytes.buffer,
    ]);
    this.problems.push(...problems);
    this.unkept.add(unkept);
    const lost = new Set(problems.map((problem) => problem.path));
    groups.forEach(({ entries }, g) => {
      entries.forEach(({ type, size, path }, i) => {
        const wanted = type === 'file' && destinations[g]?.[i] !== undefined;
        if (wanted && !lost.has(displayPath(path))) this.count(1, size);
      });
    });
  }

  private count(files: number, bytes: number): void {
    this.files += files;
    this.bytes += bytes;
    this.options.onProgress?.({ entries: this.entries, bytes: this.bytes });
  }

  private async extractSplit(
    archive: Archive,
    stretch: Stretch,
    destination: Destination,
  ): Promise<void> {
    const [group] = stretch.groups;
    const [entry] = group?.entries ?? [];
    const to = entry && destination(entry.path);
    if (group === undefined || entry === undefined || to === undefined) return;
    const fd = this.attempt(entry.path, () => createSplitFile(this.options.root + to));
    if (fd === undefined) return;
    // Each piece under way holds the file open, and so does this function until it has started the last.
    let holds = 1;
    const release = () => {
      if (--holds > 0) return;
      this.attempt(entry.path, () => finishFile(fd, entry, this.keeping));
      fs.closeSync(fd);
    };
    try {
      let position = -encodeHeader(entry).length;
      for (const [i, { rawBytes }] of group.members.entries()) {
        const at = Math.max(0, position);
        const end = Math.min(position + rawBytes, entry.size);
        await this.window.add(rawBytes, async () => {
          holds++;
          try {
            await this.extractPiece(archive, { group, piece: i, fd, position: at });
            this.count(0, end - at);
          } finally {
            release();
          }
        });
        position += rawBytes;
      }
    } finally {
      release();
    }
    this.files++;
  }

  private async extractPiece(
    archive: Archive,
    to: Pick<PieceToExtract, 'group' | 'piece' | 'fd' | 'position'>,
  ): Promise<void> {
    const member = to.group.members[to.piece];
    if (member === undefined) return;
    const { offset, bytes, rawBytes } = member;
    const range = { offset, bytes: await archive.reader.read(offset, bytes) };
    const job = { range, ...to, codec: archive.codec };
    const { problems } = await this.options.pool.run('extractPiece', job, rawBytes, [
      range.bytes.buffer,
    ]);
    this.problems.push(...problems);
  }

  /** A link whose first name was not asked for gets the content itself; further ones link to that. */
  private async makeHardlinks(): Promise<void> {
    const instead = new Map<string, string>();
    const lost = new Map(this.problems.map(({ path, code }) => [path, code]));
    for (const { path, linkTarget = '' } of this.hardlinks) {
      const known =
        instead.has(linkTarget) || lost.has(displayPath(linkTarget)) || this.stands(linkTarget);
      const archive = known ? undefined : await this.archiveWithFile(linkTarget);
      if (archive === undefined) continue;
      instead.set(linkTarget, path);
      this.makeParents(path);
      // The link was counted already, and is the one entry that comes of this.
      this.entries--;
      const groups = groupsBetween(archive, linkTarget, linkTarget);
      await this.extract(archive, groups, (one) => (one === linkTarget ? path : undefined));
    }
    await this.window.drain();
    for (const link of this.hardlinks) {
      const { path, linkTarget = '' } = link;
      const target = instead.get(linkTarget) ?? linkTarget;
      if (!this.stands(target)) {
        const detail = `it shares its content with ${displayPath(linkTarget)}, which is lost`;
        // It was not written, or is damaged, as that one.
        const code = lost.get(displayPath(linkTarget)) ?? 'damaged';
        this.problems.push({ path: displayPath(path), code, detail });
      } else if (target !== path) this.attempt(path, () => this.makeHardlink(link, target));
    }
  }

  private stands(path: string): boolean {
    return fs.existsSync(fsPath(this.options.root + path));
  }

  private async archiveWithFile(path: string): Promise<Archive | undefined> {
    for (const part of partsBetween(this.parts, path, path)) {
      try {
        const archive = await part.open();
        for await (const { entries } of groupsBetween(archive, path, path)) {
          if (entries.some((entry) => entry.path === path && entry.type === 'file')) return archive;
        }
      } catch (error) {
        // Other parts are restored without this one, and the link is reported as lost.
        if (!isLost(error) || this.parts.length === 1) throw error;
      }
    }
    return undefined;
  }

  private makeHardlink(link: IndexEntry, target: string): void {
    const { root } = this.options;
    const { path } = link;
    this.makeParents(path);
    try {
      fs.linkSync(fsPath(root + target), fsPath(root + path));
    } catch (error) {
      if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.copyInstead(link, target);
    }
    this.files++;
  }

  /** Where a file system has no hard links, or no more of them for a file, another name becomes a separate file, and that is reported. */
  private copyInstead(link: IndexEntry, target: string): void {
    const { root } = this.options;
    const to = fsPath(root + link.path);
    fs.copyFileSync(fsPath(root + target), to, fs.constants.COPYFILE_EXCL);
    const fd = fs.openSync(to, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    try {
      keepFile(fd, link, this.keeping);
    } finally {
      fs.closeSync(fd);
    }
    this.unkept.copied(link, { of: target, ownership: this.keeping.ownership });
  }

  private makeSymlink(link: IndexEntry): void {
    const path = fsPath(this.options.root + link.path);
    this.makeParents(link.path);
    fs.symlinkSync(Buffer.from(link.linkTarget ?? '', 'latin1'), path);
    keepLink(this.options.root + link.path, link, this.keeping);
  }

  private finishDirectory(directory: IndexEntry): void {
    keepDirectory(this.options.root + directory.path, directory, this.keeping);
  }

  /** What `make` gives; undefined, with a problem, when the file system refuses. */
  private attempt<T>(path: string, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.problems.push(unwritten(path, error));
      return undefined;
    }
  }
}

/** What is asked for with a folder above it need not be asked for again. */
function withoutNested(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => path.startsWith(`${other}/`)));
}

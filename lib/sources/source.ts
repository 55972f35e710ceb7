// The contract of a kind of source: what it reads into artifacts, proves, writes back and compares. The engine knows no kind.
import type { Unkept } from '../archive/read/ownership.ts';
import type { ByteReader } from '../archive/read/archive-reader.ts';
import type { Pool } from '../archive/threads/pool.ts';
import type { Problem } from '../errors.ts';
import type { Place } from '../format/place.ts';
import type { Facts } from '../format/record.ts';
import type { Artifact, GitState, Manifest, ManifestTotals } from '../format/manifest.ts';

/** What every piece of work gets from outside. */
export interface Work {
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** How far a piece of work is; `totalBytes` where it is known. */
export interface Progress {
  readonly entries: number;
  readonly bytes: number;
  readonly totalBytes: number | undefined;
}

/** A backup whose manifest was found trustworthy, with access to its artifacts. */
export interface OpenBackup {
  readonly manifest: Manifest;
  open(artifact: Artifact): ByteReader;
}

/** Where a source's artifacts go while it is read; keys are chosen by the engine. */
export interface ArtifactSink {
  put(
    role: Artifact['role'],
    extension: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Artifact['key']>;
  /** Stores an artifact that is byte for byte one of the predecessor's. */
  clone(role: Artifact['role'], extension: string, from: Artifact): Promise<Artifact['key']>;
  /** Where the parts of one archive go. What was begun before is another archive. */
  parts(): PartSink;
}

/** Stores the parts of one archive under keys that differ in their numbers alone, from 1. */
export interface PartSink {
  put(number: number, extension: string, body: AsyncIterable<Uint8Array>): Promise<Artifact['key']>;
  /** Stores a part that is byte for byte one of the predecessor's. */
  clone(number: number, extension: string, from: Artifact): Promise<Artifact['key']>;
}

/** What a restore test has recorded of a backup. */
export interface Tested {
  readonly id: string;
  readonly facts: Facts;
}

export interface ReadInput extends Work {
  readonly sink: ArtifactSink;
  /** The newest trusted backup of the source that is not known to be damaged. */
  readonly predecessor: OpenBackup | undefined;
  /** Read everything, whatever the predecessor says. */
  readonly full: boolean;
  readonly begin: Date;
  /** For what memory cannot hold; an absolute folder. */
  readonly scratch: string;
  /** The newest restore test of the source, of a kind that tries out its backups itself. */
  readonly tested?: Tested | undefined;
}

export interface ReadResult {
  readonly artifacts: readonly Artifact[];
  readonly totals: ManifestTotals;
  readonly options: Manifest['options'];
  readonly problems: readonly Problem[];
  /** True when every byte of the source was read. */
  readonly full: boolean;
  /** For files: the names that their owners have where they were read; undefined if none has one. */
  readonly owners?: Manifest['owners'];
  readonly git: GitState | undefined;
  readonly package: Manifest['package'];
  /** For a database: what it held when it was read. */
  readonly database?: Manifest['database'];
}

export type ProofLevel = 'digest' | 'content';

/** What a proof found. Problems are damage; nothing else is reported here. */
export interface Findings {
  readonly problems: readonly Problem[];
  readonly bytes: number;
  readonly entries: number;
  /** For a kind whose unchanged artifacts are taken over as they are: which were read, by their keys. */
  readonly artifacts?: {
    readonly whole: readonly Artifact['key'][];
    readonly damaged: readonly {
      readonly key: Artifact['key'];
      readonly problems: readonly Problem[];
    }[];
  };
}

/** What a proof gets from outside. */
export interface ProofWork extends Work {
  /** The keys of artifacts that need not be read: their bytes were compared with just what the manifest says of them. */
  readonly known?: ReadonlySet<Artifact['key']>;
  /** Whether it is known that the parts of the archive fit together. @default false */
  readonly fits?: boolean;
}

/**
 * What becomes of recorded owners and set-id bits: `able` gives what the user who restores may give and tells the rest, `all` tries to
 * give everything, `aside` gives nothing of it.
 */
export type Owners = 'able' | 'all' | 'aside';

export interface RestoreInput extends Work {
  /** Byte strings without a closing slash, relative to the source; empty for everything. */
  readonly paths: readonly string[];
  /** An absolute folder that does not exist yet: the engine makes it visible when all is well. */
  readonly into: string;
  readonly owners: Owners;
}

export interface RestoreResult {
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  /** What could not be restored. */
  readonly problems: readonly Problem[];
  /** What was restored, but for its owner, its bits or its time. */
  readonly unkept: Unkept;
}

/** What an in-place restore would do to a folder. Paths are byte strings, directories end in `/`, in ascending order. */
export interface InPlacePlan {
  /** Entries of the backup that the folder lacks or has otherwise. */
  readonly replace: readonly string[];
  /** Of `replace`, those where nothing stands now: what undo has to remove. */
  readonly create: readonly string[];
  /** What stands in the folder and is to go. */
  readonly remove: readonly string[];
  /** What stands and gives way, without closing slashes: files, links, and directories with all that is in them. */
  readonly lost: readonly string[];
  /** Entries that are equal already, as far as this user can make them so. */
  readonly equal: number;
  /** What he cannot. */
  readonly unkept: Unkept;
}

export interface InPlaceInput extends Work {
  readonly folder: string;
  /** Byte strings without a closing slash; empty for everything. */
  readonly paths: readonly string[];
  readonly owners: Owners;
  /** What is to go, as byte strings: what an earlier restore made, or what the source holds and the backup does not. */
  readonly remove: readonly string[];
}

/** What of a plan has been done; it grows while it is. */
export interface InPlaceDone {
  readonly replaced: string[];
  readonly removed: string[];
}

/** One way in which a tree differs from a backup. `expected` is the backup's. */
export interface Difference {
  readonly path: string;
  readonly change:
    'missing' | 'unexpected' | 'type' | 'content' | 'mode' | 'owner' | 'time' | 'link';
  readonly expected: string;
  readonly found: string;
}

export interface CompareFolder extends Work {
  /** An absolute folder. */
  readonly folder: string;
  /** Restrict the comparison to these paths: byte strings without a closing slash; empty for everything. */
  readonly paths: readonly string[];
  readonly owners: Owners;
  readonly times: boolean;
}

export interface Compared {
  readonly differences: readonly Difference[];
  /** What of the folder could not be read. */
  readonly problems: readonly Problem[];
  /** What differs because this user can restore it no better. */
  readonly unkept: Unkept;
  readonly entries: number;
}

export interface CompareLive extends Work {
  /** An absolute folder to compare with instead of the configured place, under the same selection. */
  readonly place: string | undefined;
}

export interface ComparedLive extends Compared {
  /** What the backup holds and the source too, but its configuration leaves out now, or that could not be looked at. */
  readonly leftOut: readonly string[];
}

/** One thing that a backup holds, as its index tells it. What a kind of source does not record is undefined. */
export interface ListedEntry {
  /** A byte string; what stands below a directory begins with its path, which ends in `/`. */
  readonly path: string;
  readonly type: string;
  /** Bytes of content. */
  readonly size: number;
  readonly mode: number | undefined;
  /** `uid:gid` */
  readonly owner: string | undefined;
  /** Since 1970 in UTC. */
  readonly mtimeMicroseconds: number | undefined;
  /** A byte string. */
  readonly linkTarget: string | undefined;
  /** The digest of the content, in hex. */
  readonly sha256: string | undefined;
  /** The key of an object that could not be a path, as a byte string. */
  readonly objectKey?: string | undefined;
  /** For the data of a table. */
  readonly rows?: number | undefined;
}

/** How a backup is restored without Holdfast: commands of a POSIX shell. `FOLDER` stands for the folder to restore to. */
export interface ByHand {
  /** Checks the stored bytes; prints nothing wrong and exits 0 when they are whole. */
  readonly check: readonly string[];
  readonly restore: readonly string[];
  /** Run after `restore`: checks what it wrote. */
  readonly recheck: readonly string[];
}

export interface TryOutInput extends Work {
  /** A folder in which a scratch place may be made; absolute. */
  readonly scratch: string;
  now(): Date;
  /** What is configured to be asked of what was restored; in words of the kind, such as SQL. */
  readonly checks: readonly string[];
}

/** What trying out a backup found. */
export interface TriedOut {
  /** What is wrong with the backup. */
  readonly damage: readonly Problem[];
  /** What could not be proven here, for or against it. */
  readonly unclear: readonly Problem[];
  /** What should be known and decides nothing. */
  readonly notes: readonly Problem[];
  readonly files: number;
  readonly bytes: number;
  readonly restoreMs: number;
  /** For the record. */
  readonly facts: Facts;
}

/**
 * Restores a backup into a scratch place of the kind's own, compares it with what was recorded, and removes it whatever happens.
 * Throws as a restore does.
 */
export type TryOut = (backup: OpenBackup, input: TryOutInput) => Promise<TriedOut>;

/** How a backup is restored to a running service, such as a database. */
export interface RestoreToService {
  /** A target without what is secret in it. `CONFIG_INVALID` when it is invalid. */
  label(target: string, targetFrom: string): string;
  /**
   * Restores a backup, or some of its parts, whole or not at all unless `apart` is given, and compares it afterwards.
   *
   * `TARGET_REFUSED` when something would be lost or is known not to work, `BACKUP_DAMAGED` before anything is written,
   * `COMMAND_FAILED` when the target does not take it: nothing has changed there then, unless the message says so.
   */
  restore(backup: OpenBackup, input: RestoreToServiceInput): Promise<RestoredToService>;
}

export interface RestoreToServiceInput extends Work {
  /** A secret. */
  readonly target: string;
  /** Where the target was named, as it is never shown itself. */
  readonly targetFrom: string;
  /** In words of the kind, such as tables; empty for everything. */
  readonly parts: readonly string[];
  /** Go on although something is there: it is saved first, and replaced. */
  readonly replace: boolean;
  /** Make what the target's surroundings lack, such as roles. */
  readonly prepare: boolean;
  /** In several transactions: what was done before a failure stays. @default false */
  readonly apart?: boolean;
  /** Only find out what would be done, as far as that is known without doing it; nothing is saved or changed. @default false */
  readonly dryRun?: boolean;
  /** What restore tests have recorded of this backup; newer ones count. */
  readonly tested?: Facts;
  /** Whether restored objects get their recorded owners; otherwise the restoring user owns them. @default true */
  readonly owners?: boolean;
  /** Whether roles get the privileges that they had on what is restored. @default true */
  readonly privileges?: boolean;
  /** Whether the target itself gets what it had, such as settings of a database. @default true */
  readonly properties?: boolean;
  /** What is configured to be asked of what was restored. */
  readonly checks: readonly string[];
  /** Backs up what is there, before it is replaced; gives the name of that backup. */
  readonly save: (source: Source) => Promise<string>;
}

export interface RestoredToService {
  readonly entries: number;
  readonly bytes: number;
  /** What is not as it was recorded, although everything was taken. */
  readonly differences: readonly Problem[];
  /** What should be known. */
  readonly notes: readonly Problem[];
  /** The safety backup of what was replaced. */
  readonly saved: string | undefined;
  readonly facts: Facts;
}

/** What one kind of source can do with its backups; none of it needs the source's configuration. */
export interface SourceKind {
  readonly kind: string;
  /**
   * What a backup holds: everything in ascending order of the paths, or what stands at and below each of `paths` in turn (byte
   * strings without a closing slash, none below another).
   *
   * `BACKUP_NOT_FOUND` when one of them is not in it, `BACKUP_DAMAGED` when the index is. Memory does not grow with the backup.
   */
  list(backup: OpenBackup, paths: readonly string[]): AsyncIterable<ListedEntry>;
  /** How many bytes of scratch space a restore test of a backup takes at most. */
  roomFor(manifest: Manifest): number;
  /** `placeOf` gives where people find an artifact: a path, or a URL. */
  byHand(manifest: Manifest, placeOf: (artifact: Artifact) => string): ByHand;
  /** Re-reads stored bytes and says what is damaged, entry by entry. */
  prove(backup: OpenBackup, level: ProofLevel, work: ProofWork): Promise<Findings>;
  restore(backup: OpenBackup, input: RestoreInput): Promise<RestoreResult>;
  /** Compares what a backup holds with a folder, every byte of it. */
  compare(backup: OpenBackup, input: CompareFolder): Promise<Compared>;
  /** Restoring over a folder that is in use; undefined for kinds that cannot. */
  readonly inPlace: InPlace | undefined;
  /** Gathers what is whole of a damaged backup, and the rest from donors; undefined for kinds that cannot. */
  readonly repair: Repair | undefined;
  /** How the kind tries out a backup, where restoring it to a folder and comparing that proves too little. */
  readonly tryOut?: TryOut;
  /** For kinds that restore to a running service. */
  readonly service?: RestoreToService;
}

/** Puts everything into `scratch`, an empty private folder; `read` of the result reads it from there into a new backup. */
export type Repair = (
  backup: OpenBackup,
  donors: AsyncIterable<OpenBackup>,
  options: Work & { scratch: string },
) => Promise<Mended>;

export interface Mended {
  /** Entries whose content came from a donor, named as `source/id`. */
  readonly healed: readonly { readonly path: string; readonly from: string }[];
  /** Entries that nobody holds. Nothing was damaged when both lists are empty. */
  readonly lost: readonly string[];
  readonly read: (input: ReadInput) => Promise<ReadResult>;
}

/** The steps of a restore in place; the engine calls them in this order. */
export interface InPlace {
  plan(backup: OpenBackup, input: InPlaceInput): Promise<InPlacePlan>;
  /** Reads everything that `apply` would overwrite or remove, as a backup of its own. */
  save(plan: InPlacePlan, input: InPlaceInput, into: ReadInput): Promise<ReadResult>;
  /**
   * Replaces entry by entry, each verified beside its place and renamed into it. Only what is named in `done` has changed, also when
   * this throws: `BACKUP_DAMAGED` or `TARGET_REFUSED` when nothing can be restored, `NO_SPACE`, `CANCELLED`.
   */
  apply(
    backup: OpenBackup,
    plan: InPlacePlan,
    input: InPlaceInput & { random: string; done: InPlaceDone },
  ): Promise<RestoreResult>;
  /** What is not as the plan wants it. */
  leftOver(backup: OpenBackup, plan: InPlacePlan, input: InPlaceInput): Promise<Compared>;
}

/** What is read into a backup: a source as configured, or what another verb makes one of. */
export interface SourcePlace {
  readonly at: Place;
  /** True for what is reached over a network, as a database is: from another machine it is the same. */
  readonly anywhere: boolean;
}

export interface Source {
  readonly name: string;
  readonly kind: SourceKind;
  /** Where it stands; undefined for what is the same wherever it is read from. */
  readonly place?: SourcePlace | undefined;
  /**
   * Reads the source into the sink's artifacts.
   *
   * `SOURCE_UNREADABLE` when it is missing, or empty without leave; what else cannot be read is a problem in the result.
   */
  read(input: ReadInput): Promise<ReadResult>;
}

/** A source that stands somewhere now, so that a backup can be compared with it. */
export interface LiveSource extends Source {
  /** Compares a backup with the source as it is now: with what a run would take now. `SOURCE_UNREADABLE` when it is missing. */
  compareLive(backup: OpenBackup, input: CompareLive): Promise<ComparedLive>;
}

/** The kinds of sources by name. What a kind needs is loaded when one of its backups is at hand. */
export type Kinds = ReadonlyMap<string, () => SourceKind | Promise<SourceKind>>;

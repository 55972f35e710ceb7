// The contract of a kind of source: what it reads into artifacts, proves, writes back and compares. The engine knows no kind.
import type { ByteReader } from '../archive/read.ts';
import type { Pool } from '../archive/pool.ts';
import type { Problem } from '../errors.ts';
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
}

export interface ReadInput extends Work {
  readonly sink: ArtifactSink;
  /** The newest trusted backup of the source that is not known to be damaged. */
  readonly predecessor: OpenBackup | undefined;
  /** Read everything, whatever the predecessor says. */
  readonly full: boolean;
  readonly begin: Date;
}

export interface ReadResult {
  readonly artifacts: readonly Artifact[];
  readonly totals: ManifestTotals;
  readonly options: Manifest['options'];
  readonly problems: readonly Problem[];
  /** True when every byte of the source was read. */
  readonly full: boolean;
  readonly git: GitState | undefined;
  readonly package: Manifest['package'];
}

export type ProofLevel = 'digest' | 'content';

/** What a proof found. Problems are damage; nothing else is reported here. */
export interface Findings {
  readonly problems: readonly Problem[];
  readonly bytes: number;
  readonly entries: number;
}

export interface RestoreInput extends Work {
  /** Paths to restore, relative to the source; empty for everything. */
  readonly paths: readonly string[];
  /** An absolute folder that does not exist yet: the engine makes it visible when all is well. */
  readonly into: string;
  readonly owners: boolean;
}

export interface RestoreResult {
  readonly files: number;
  readonly entries: number;
  readonly bytes: number;
  /** What could not be restored. */
  readonly problems: readonly Problem[];
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
  /** Restrict the comparison to these paths, relative to the source; empty for everything. */
  readonly paths: readonly string[];
  readonly owners: boolean;
  readonly times: boolean;
}

export interface Compared {
  readonly differences: readonly Difference[];
  /** What of the folder could not be read. */
  readonly problems: readonly Problem[];
  readonly entries: number;
}

/** What one kind of source can do with its backups; none of it needs the source's configuration. */
export interface SourceKind {
  readonly kind: string;
  /** Re-reads stored bytes and says what is damaged, entry by entry. */
  prove(backup: OpenBackup, level: ProofLevel, work: Work): Promise<Findings>;
  restore(backup: OpenBackup, input: RestoreInput): Promise<RestoreResult>;
  /** Compares what a backup holds with a folder, every byte of it. */
  compare(backup: OpenBackup, input: CompareFolder): Promise<Compared>;
}

/** A source as configured. */
export interface Source {
  readonly name: string;
  readonly kind: SourceKind;
  /**
   * Reads the source into the sink's artifacts.
   *
   * `SOURCE_UNREADABLE` when it is missing, or empty without leave; what else cannot be read is a problem in the result.
   */
  read(input: ReadInput): Promise<ReadResult>;
}

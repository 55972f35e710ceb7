// The kinds of sources whose backups functions handle. None of them needs what its sources are read with.
import { filesKind } from '../sources/files/kind.ts';
import { archiveKind } from '../sources/tree/kind.ts';
import type { SourceKind } from '../sources/source.ts';

export type Kinds = ReadonlyMap<string, SourceKind>;

/** Of functions that look at what is stored, and at no backup's content. */
export const NO_KINDS: Kinds = new Map();

/** Every kind whose backups are archives. */
export const ARCHIVE_KINDS: Kinds = new Map(
  [filesKind, ...['bucket', 'github', 'parameters'].map(archiveKind)].map((one) => [one.kind, one]),
);

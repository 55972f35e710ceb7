// The kinds of sources whose backups functions handle. None of them needs what its sources are read with.
import { filesKind } from '../sources/files/kind.ts';
import { archiveKind } from '../sources/tree/kind.ts';
import type { Kinds } from './no-kinds.ts';

/** Every kind whose backups are archives. */
export const ARCHIVE_KINDS: Kinds = new Map(
  [filesKind, ...['bucket', 'github', 'parameters'].map(archiveKind)].map((one) => [one.kind, one]),
);

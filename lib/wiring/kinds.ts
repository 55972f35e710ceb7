// The kinds of sources whose backups functions handle. None of them needs what its sources are read with.
import type { Kinds } from '../sources/source.ts';

/** Every kind whose backups are archives. */
export const ARCHIVE_KINDS: Kinds = new Map([
  ['files', async () => (await import('../sources/files/kind.ts')).filesKind],
  ...['bucket', 'github', 'parameters'].map(
    (kind) =>
      [kind, async () => (await import('../sources/tree/kind.ts')).archiveKind(kind)] as const,
  ),
]);

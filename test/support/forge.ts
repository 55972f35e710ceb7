// Makes archives that say of themselves whatever a test wants, and are consistent with it: digests, index and sums all agree.
import crypto from 'node:crypto';
import { IndexWriter } from '../../lib/archive/write/index-writer.ts';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { openArchive, type Archive } from '../../lib/archive/read/archive-reader.ts';
import type { IndexEntry, Member } from '../../lib/format/archive-index.ts';
import { encodeMember, type Extent } from '../../lib/format/codec.ts';
import type { OwnNames } from '../../lib/format/own-paths.ts';
import { encodeHeader, paddingBytes } from '../../lib/format/tar.ts';
import { MemoryReader } from './archives.ts';

/** An entry with its content; what is not said is what an honest archive would say. */
export interface Forged extends Partial<IndexEntry> {
  readonly path: string;
  readonly content?: string | Uint8Array;
}

/** Entries of one member, and what the index and the tar are to say instead of the truth. */
export interface ForgedGroup {
  readonly entries: readonly Forged[];
  /** The decoded bytes of the member. */
  readonly raw?: Uint8Array;
  /** What the index says of the member. */
  readonly member?: Partial<Member>;
  /** Further members, as of a split file. */
  readonly more?: readonly Member[];
}

export interface ForgedArchive {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly place: Extent;
}

const sha256 = (bytes: Uint8Array | string) =>
  crypto.createHash('sha256').update(bytes).digest('hex');

/** What the index would say of `forged`, were it honest. */
export function entryOf(forged: Forged): IndexEntry {
  const type = forged.type ?? (forged.path.endsWith('/') ? 'directory' : 'file');
  const content = Buffer.from(forged.content ?? '');
  return {
    type,
    size: type === 'file' ? content.length : 0,
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtimeMicroseconds: 1_700_000_000_000_000,
    linkTarget: undefined,
    sha256: type === 'file' || type === 'hardlink' ? sha256(content) : undefined,
    holes: false,
    ...Object.fromEntries(Object.entries(forged).filter(([field]) => field !== 'content')),
    path: forged.path,
  };
}

/** The tar bytes of entries as an honest archive has them. */
export function tarOf(entries: readonly Forged[]): Buffer<ArrayBuffer> {
  return Buffer.concat(
    entries.flatMap((forged) => {
      const entry = entryOf(forged);
      const content = Buffer.from(entry.type === 'file' ? (forged.content ?? '') : '');
      return [encodeHeader(entry), content, Buffer.alloc(paddingBytes(content.length))];
    }),
  );
}

/** An archive of these groups, in the order given; one part of several with the names of one. */
export async function forge(
  groups: readonly ForgedGroup[],
  names?: (firstPath: string) => OwnNames,
): Promise<ForgedArchive> {
  await using pool = new Pool({ workers: 0 });
  const index = new IndexWriter(pool, { codec: 'gzip', level: 2 }, names);
  const data: Buffer[] = [];
  let offset = 0;
  for (const { entries, raw, member, more = [] } of groups) {
    const bytes = raw ?? tarOf(entries);
    const stored = encodeMember([{ bytes, stored: false }], { codec: 'gzip', level: 2 });
    const honest = {
      offset,
      bytes: stored.length,
      rawBytes: bytes.length,
      sha256: sha256(stored),
      key: '0'.repeat(64),
    };
    index.add({ entries: entries.map(entryOf), members: [{ ...honest, ...member }, ...more] });
    data.push(stored);
    offset += stored.length;
  }
  const { parts, place } = await index.finish();
  return { bytes: Buffer.concat([...data, ...parts]), place };
}

/** Opens a forged archive as a manifest that vouches for it would. */
export function openForged({ bytes, place }: ForgedArchive): Promise<Archive> {
  return openArchive(new MemoryReader(bytes), place, 'gzip');
}

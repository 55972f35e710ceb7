// Stores what a writer makes, an archive or one part of it; what would be an earlier one byte for byte is cloned.
import type { Part } from '../../archive/write/assembly.ts';
import type { ArchiveSummary, ArchiveWriter } from '../../archive/write/archive-writer.ts';
import { Digester, partBytes } from '../../archive/write/output.ts';
import type { Predecessor } from '../../archive/write/predecessor.ts';
import type { Pool } from '../../archive/threads/pool.ts';
import type { Codec } from '../../format/codec.ts';
import type { Artifact } from '../../format/manifest.ts';

/** Where it goes. */
export interface ArchiveTarget {
  put(body: AsyncIterable<Uint8Array>): Promise<Artifact['key']>;
  clone(from: Artifact): Promise<Artifact['key']>;
}

export interface StoreOptions {
  readonly codec: Codec;
  readonly pool: Pool;
  /** What the writer builds on, and how its manifest names it. */
  readonly predecessor: { readonly archive: Predecessor; readonly artifact: Artifact } | undefined;
}

/** What was stored; no artifact for a part in which nothing could be read. */
export interface StoredArchive {
  readonly summary: ArchiveSummary;
  readonly artifact: Artifact | undefined;
}

export async function storeArchive(
  writer: ArchiveWriter,
  target: ArchiveTarget,
  { codec, pool, predecessor }: StoreOptions,
): Promise<StoredArchive> {
  const parts = writer.write();
  const first = await parts.next();
  if (first.done === true) {
    const summary = first.value;
    if (summary.totals.entries === 0) return { summary, artifact: undefined };
    if (predecessor === undefined)
      throw new Error('an archive without a part and without a predecessor');
    const key = await target.clone(predecessor.artifact);
    return { summary, artifact: { ...predecessor.artifact, key } };
  }
  const rest = new Returned(first.value, parts);
  const from = predecessor && { reader: predecessor.archive.archive.reader, pool };
  const digester = new Digester();
  const key = await target.put(digested(partBytes(rest, from), digester));
  const summary = rest.result();
  if (summary.place === undefined) throw new Error('an archive without an index');
  return {
    summary,
    artifact: { role: 'archive', key, codec, ...digester.digest(), table: summary.place },
  };
}

/** An iteration that begins with a part taken before, and keeps what the generator returns. */
class Returned implements AsyncIterable<Part> {
  private readonly first: Part;
  private readonly rest: AsyncGenerator<Part, ArchiveSummary>;
  private summary: ArchiveSummary | undefined;

  constructor(first: Part, rest: AsyncGenerator<Part, ArchiveSummary>) {
    this.first = first;
    this.rest = rest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    yield this.first;
    this.summary = yield* this.rest;
  }

  result(): ArchiveSummary {
    if (this.summary === undefined) throw new Error('the archive was not read to its end');
    return this.summary;
  }
}

async function* digested(
  chunks: AsyncIterable<Uint8Array>,
  digester: Digester,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    digester.update(chunk);
    yield chunk;
  }
}

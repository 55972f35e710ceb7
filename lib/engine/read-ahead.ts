// Reads of one pass through a backup that lie side by side, put together into few large ones: a bucket charges for each request.
import type { ByteReader } from '../archive/read/archive-reader.ts';
import type { OpenBackup } from '../sources/source.ts';

/** Blocks of an artifact that are held at once: what reads around the border of two of them needs. */
const BLOCKS = 2;
/** Places where reads ended lately: an archive is read beside its index. */
const ENDS = 4;

interface Block {
  readonly from: number;
  readonly to: number;
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  /** How many look at it: reads under way, and the pass itself while it may be asked for again. */
  holds: number;
}

/**
 * `backup` for one pass through it: artifacts that are read from front to back are read in blocks of `blockBytes`, each once. What is
 * read otherwise is read as before. Not for longer than the pass: what a block holds is not asked for again.
 */
export function readingAhead<B extends OpenBackup>(backup: B, blockBytes: number): B {
  const readers = new Map<string, ByteReader>();
  return {
    ...backup,
    open: (artifact) => {
      const known = readers.get(artifact.key);
      if (known !== undefined) return known;
      const reader = aheadOf(backup.open(artifact), blockBytes);
      readers.set(artifact.key, reader);
      return reader;
    },
  };
}

function aheadOf(reader: ByteReader, blockBytes: number): ByteReader {
  const blocks: Block[] = [];
  const ends: number[] = [];
  const begin = (from: number, least: number): Block => {
    const to = Math.min(Math.max(from + blockBytes, least), reader.bytes);
    const block = { from, to, bytes: reader.read(from, to - from), holds: 1 };
    blocks.push(block);
    if (blocks.length > BLOCKS) letGo(blocks.shift());
    return block;
  };
  return {
    bytes: reader.bytes,
    read: async (offset, length) => {
      const end = offset + length;
      const goesOn = ends.includes(offset);
      ends.push(end);
      if (ends.length > ENDS) ends.shift();
      const held = blocks.find(({ from, to }) => offset >= from && offset < to);
      const isApart = held === undefined && (!goesOn || length >= blockBytes);
      // What goes beyond the artifact is for the store to refuse.
      if (isApart || end > reader.bytes) return reader.read(offset, length);
      const all = [hold(held ?? begin(offset, end))];
      for (let last = all[0]; last !== undefined && last.to < end; last = all.at(-1)) {
        const { to } = last;
        all.push(hold(blocks.find(({ from }) => from === to) ?? begin(to, end)));
      }
      try {
        const parts = await Promise.all(all.map(({ bytes }) => bytes));
        const into = new Uint8Array(length);
        for (const [index, { from }] of all.entries()) {
          const part = parts[index]?.subarray(Math.max(0, offset - from), end - from);
          if (part !== undefined) into.set(part, Math.max(0, from - offset));
        }
        return into;
      } finally {
        all.forEach(letGo);
      }
    },
  };
}

function hold(block: Block): Block {
  block.holds++;
  return block;
}

/** The memory of a block that nobody looks at any more is given back at once: the collector would let many of them stand. */
function letGo(block: Block | undefined): void {
  if (block === undefined || --block.holds > 0) return;
  block.bytes.then(({ buffer }) => buffer.transfer(0)).catch(() => undefined);
}

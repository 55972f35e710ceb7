// Where everything stands in the module's memory. Nothing is ever allocated: all tables have their place, and a call leaves nothing behind.

/** Bytes that one call takes. */
export const MAX_INPUT_BYTES: u32 = 1 << 20;

/** Places of the newest four bytes with each hash. */
export const HASH_BITS: u32 = 15;
export const HASHES: usize = 4096;
export const HASHES_BYTES: usize = 4 << HASH_BITS;

/** What a block says: a literal, or a match as `MATCH | (length - 3) << 16 | (distance - 1)`. */
export const TOKENS: usize = HASHES + HASHES_BYTES;
export const MAX_TOKENS: u32 = 1 << 15;
export const MATCH: u32 = 1 << 24;
/** Tokens that may be written before the end of a block is looked at. */
export const TOKENS_SLACK: u32 = 16;

/** Symbols that codes are made for; the last two of each are never used, and belong to the fixed codes all the same. */
export const LITERALS: u32 = 288;
export const DISTANCES: u32 = 32;
export const CODE_LENGTHS: u32 = 19;
/** The symbol that ends a block, and the first one of a length. */
export const END_OF_BLOCK: u32 = 256;
export const FIRST_LENGTH: u32 = 257;

/** How often each symbol is used: numbers of four bytes. */
export const LITERAL_COUNTS: usize = TOKENS + (<usize>MAX_TOKENS + TOKENS_SLACK) * 4;
export const DISTANCE_COUNTS: usize = LITERAL_COUNTS + <usize>LITERALS * 4;
export const CODE_LENGTH_COUNTS: usize = DISTANCE_COUNTS + <usize>DISTANCES * 4;
export const COUNTS_BYTES: usize = <usize>(LITERALS + DISTANCES + CODE_LENGTHS) * 4;

/** How many bits each symbol's code has: a byte each. */
export const LITERAL_BITS: usize = LITERAL_COUNTS + COUNTS_BYTES;
export const DISTANCE_BITS: usize = LITERAL_BITS + LITERALS;
export const CODE_LENGTH_BITS: usize = DISTANCE_BITS + DISTANCES;
/** Those of literals and of distances, without the ones at the end that are not used, in one row. */
export const ROW: usize = CODE_LENGTH_BITS + CODE_LENGTHS;

/** The codes, as they are written: `bits | number of bits << 24`. */
export const LITERAL_CODES: usize = (ROW + LITERALS + DISTANCES + 3) & ~3;
export const DISTANCE_CODES: usize = LITERAL_CODES + <usize>LITERALS * 4;
export const CODE_LENGTH_CODES: usize = DISTANCE_CODES + <usize>DISTANCES * 4;
/** For each length - 3: the code of its symbol with the extra bits behind it. */
export const LENGTH_CODES: usize = CODE_LENGTH_CODES + <usize>CODE_LENGTHS * 4;

/** For each length - 3 its symbol, less `FIRST_LENGTH`. */
export const LENGTH_SYMBOLS: usize = LENGTH_CODES + 256 * 4;
/** For each distance - 1 below 256 its symbol; then for each (distance - 1) >> 7. */
export const DISTANCE_SYMBOLS: usize = LENGTH_SYMBOLS + 256;

/** Of the making of codes: symbols in the order of their counts, a tree, codes per number of bits. */
export const SORTED: usize = DISTANCE_SYMBOLS + 512;
export const TREE: usize = SORTED + <usize>LITERALS * 4;
export const PER_BITS: usize = TREE + <usize>LITERALS * 4;
/** Code lengths as they are sent: `symbol | repeats << 8`, two bytes each. */
export const RUNS: usize = PER_BITS + 32 * 4;

/** What a call takes, and what it gives, with room for a few bytes that are read or written beyond their ends. */
export const INPUT: usize = (RUNS + <usize>(LITERALS + DISTANCES) * 2 + 63) & ~63;
export const OUTPUT: usize = INPUT + MAX_INPUT_BYTES + 64;
/** What does not shrink is stored, so that output is never much longer than input. */
export const MEMORY_BYTES: usize = OUTPUT + MAX_INPUT_BYTES + (64 << 10);

export function numberAt(table: usize, index: u32): u32 {
  return load<u32>(table + ((<usize>index) << 2));
}

export function setNumber(table: usize, index: u32, value: u32): void {
  store<u32>(table + ((<usize>index) << 2), value);
}

export function increment(table: usize, index: u32): void {
  setNumber(table, index, numberAt(table, index) + 1);
}

export function byteAt(table: usize, index: u32): u32 {
  return <u32>load<u8>(table + index);
}

export function setByte(table: usize, index: u32, value: u32): void {
  store<u8>(table + index, value);
}

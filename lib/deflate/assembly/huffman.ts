// Prefix codes: the lengths that make a text of known counts shortest, and the codes that follow from them.
import { byteAt, increment, numberAt, PER_BITS, setByte, setNumber, SORTED, TREE } from './memory';

const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;

/**
 * How many bits each symbol gets: 0 for one that is not used, at most `limit`. At least two symbols get a code, so that it is a whole
 * one: some decoders refuse others.
 *
 * The lengths are those of Huffman's algorithm, as Moffat and Katajainen compute them in place ("In-Place Calculation of
 * Minimum-Redundancy Codes", 1995); those beyond the limit are cut, and codes lengthened until the sum of Kraft is 1 again.
 */
export function chooseBits(counts: usize, bits: usize, symbols: u32, limit: u32): void {
  let used = sortByCount(counts, bits, symbols);
  if (used < 2) {
    const only = used == 0 ? 0 : numberAt(SORTED, 0) & SYMBOL_MASK;
    setByte(bits, only, 1);
    setByte(bits, only == 0 ? 1 : 0, 1);
    return;
  }
  buildTree(used);
  countLeaves(used, limit);
  limitBits(limit);
  // The rarest symbols get the longest codes.
  let at: u32 = 0;
  for (let length = limit; length > 0; length--) {
    for (let left = numberAt(PER_BITS, length); left > 0; left--) {
      setByte(bits, numberAt(SORTED, at) & SYMBOL_MASK, length);
      at++;
    }
  }
}

/** Puts the symbols that are used in the order of their counts; how many there are. */
function sortByCount(counts: usize, bits: usize, symbols: u32): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    setByte(bits, symbol, 0);
    const count = numberAt(counts, symbol);
    if (count == 0) continue;
    setNumber(SORTED, used, (count << SYMBOL_BITS) | symbol);
    used++;
  }
  // Shell's sort: few numbers, no second place, and the same order everywhere, as no two are equal.
  let gap: u32 = 1;
  while (gap < used / 3) gap = gap * 3 + 1;
  for (; gap > 0; gap /= 3) {
    for (let i = gap; i < used; i++) {
      const value = numberAt(SORTED, i);
      let to = i;
      for (; to >= gap && numberAt(SORTED, to - gap) > value; to -= gap) {
        setNumber(SORTED, to, numberAt(SORTED, to - gap));
      }
      setNumber(SORTED, to, value);
    }
  }
  return used;
}

/** Leaves in `TREE`, for each inner node from the root at `used - 2` down to 0, its depth. */
function buildTree(used: u32): void {
  for (let i: u32 = 0; i < used; i++) setNumber(TREE, i, numberAt(SORTED, i) >> SYMBOL_BITS);
  let leaf: u32 = 0;
  let inner: u32 = 0;
  for (let node: u32 = 0; node < used - 1; node++) {
    let weight: u32 = 0;
    for (let child: u32 = 0; child < 2; child++) {
      const takeInner =
        leaf >= used || (inner < node && numberAt(TREE, inner) < numberAt(TREE, leaf));
      if (takeInner) {
        weight += numberAt(TREE, inner);
        setNumber(TREE, inner, node);
        inner++;
      } else {
        weight += numberAt(TREE, leaf);
        leaf++;
      }
    }
    setNumber(TREE, node, weight);
  }
  setNumber(TREE, used - 2, 0);
  for (let node = <i32>used - 3; node >= 0; node--) {
    setNumber(TREE, node, numberAt(TREE, numberAt(TREE, node)) + 1);
  }
}

/** How many codes there are of each length, those beyond the limit counted as of the limit. */
function countLeaves(used: u32, limit: u32): void {
  for (let length: u32 = 0; length < 32; length++) setNumber(PER_BITS, length, 0);
  let node = <i32>used - 2;
  let available: u32 = 1;
  for (let depth: u32 = 0; available > 0; depth++) {
    let inner: u32 = 0;
    for (; node >= 0 && numberAt(TREE, node) == depth; node--) inner++;
    const length = min<u32>(depth, limit);
    setNumber(PER_BITS, length, numberAt(PER_BITS, length) + available - inner);
    available = 2 * inner;
  }
}

/** Lengthens codes until all of them fit beside each other. */
function limitBits(limit: u32): void {
  let sum: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) {
    sum += numberAt(PER_BITS, length) << (limit - length);
  }
  for (; sum > (<u32>1) << limit; sum--) {
    // One code moves a bit down and takes one of the longest beside it.
    let length = limit - 1;
    while (numberAt(PER_BITS, length) == 0) length--;
    setNumber(PER_BITS, length, numberAt(PER_BITS, length) - 1);
    setNumber(PER_BITS, length + 1, numberAt(PER_BITS, length + 1) + 2);
    setNumber(PER_BITS, limit, numberAt(PER_BITS, limit) - 1);
  }
}

/** The codes of these lengths, RFC 1951, 3.2.2, turned round: they are written from their first bit on. */
export function makeCodes(bits: usize, codes: usize, symbols: u32): void {
  for (let length: u32 = 0; length < 32; length++) setNumber(PER_BITS, length, 0);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) increment(PER_BITS, byteAt(bits, symbol));
  // From here on `PER_BITS` holds the next code of each length.
  let next: u32 = 0;
  let shorter: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    next = (next + shorter) << 1;
    shorter = numberAt(PER_BITS, length);
    setNumber(PER_BITS, length, next);
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = byteAt(bits, symbol);
    if (length == 0) continue;
    setNumber(codes, symbol, reversed(numberAt(PER_BITS, length), length) | (length << 24));
    increment(PER_BITS, length);
  }
}

function reversed(code: u32, length: u32): u32 {
  let turned: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    turned = (turned << 1) | (code & 1);
    code >>= 1;
  }
  return turned;
}

// Writes one block: with codes made for it, with the fixed codes, or stored, whichever is shortest. RFC 1951, 3.2.3 to 3.2.7.
import { chooseBits, makeCodes } from './huffman';
import {
  byteAt,
  CODE_LENGTH_BITS,
  CODE_LENGTH_CODES,
  CODE_LENGTH_COUNTS,
  CODE_LENGTHS,
  COUNTS_BYTES,
  DISTANCE_BITS,
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCES,
  END_OF_BLOCK,
  FIRST_LENGTH,
  increment,
  LENGTH_CODES,
  LITERAL_BITS,
  LITERAL_CODES,
  LITERAL_COUNTS,
  LITERALS,
  MATCH,
  numberAt,
  OUTPUT,
  ROW,
  RUNS,
  setByte,
  setNumber,
  TOKENS,
} from './memory';
import {
  distanceBase,
  distanceExtraBits,
  distanceSymbol,
  lengthBase,
  lengthExtraBits,
  lengthSymbol,
} from './symbols';

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;
const MAX_STORED_BYTES: usize = 65535;
/** Symbols of code lengths: the one before again, and two kinds of zeros. */
const AGAIN: u32 = 16;
const ZEROS: u32 = 17;
const MANY_ZEROS: u32 = 18;

/** Where the next whole byte goes; the bits that wait for it, fewer than eight between calls. */
let out: usize = 0;
let waiting: u64 = 0;
let waitingBits: u32 = 0;

export function beginOutput(): void {
  out = OUTPUT;
  waiting = 0;
  waitingBits = 0;
  memory.fill(LITERAL_COUNTS, 0, COUNTS_BYTES);
}

/** Ends on a byte: with an empty stored block, which any other may follow, or for good. How many bytes were written. */
export function endOutput(last: bool): u32 {
  if (last) alignToByte();
  else stored(out, 0, false);
  return <u32>(out - OUTPUT);
}

function put(bits: u32, count: u32): void {
  waiting |= (<u64>bits) << waitingBits;
  waitingBits += count;
  store<u64>(out, waiting);
  out += waitingBits >> 3;
  waiting >>= waitingBits & 0x38;
  waitingBits &= 7;
}

function putCode(code: u32): void {
  put(code & 0xffffff, code >> 24);
}

function alignToByte(): void {
  put(0, (8 - waitingBits) & 7);
}

/** Writes the block of the tokens up to `end`, which say the bytes from `from` to before `to`. Their counts are used up. */
export function writeBlock(end: usize, from: usize, to: usize, last: bool): void {
  increment(LITERAL_COUNTS, END_OF_BLOCK);
  chooseBits(LITERAL_COUNTS, LITERAL_BITS, LITERALS, 15);
  chooseBits(DISTANCE_COUNTS, DISTANCE_BITS, DISTANCES, 15);
  const literals = used(LITERAL_BITS, LITERALS, FIRST_LENGTH);
  const distances = used(DISTANCE_BITS, DISTANCES, 1);
  const runs = countRuns(literals, distances);
  chooseBits(CODE_LENGTH_COUNTS, CODE_LENGTH_BITS, CODE_LENGTHS, 7);
  const codeLengths = usedCodeLengths();
  const dynamic = headBits(codeLengths) + textBits();
  const rawBits = <u32>(to - from) * 8 + 40 * (1 + <u32>((to - from) / MAX_STORED_BYTES));
  if (rawBits <= dynamic && rawBits <= fixedBits()) {
    stored(from, to - from, last);
  } else {
    const chosen = fixedBits() <= dynamic ? FIXED : DYNAMIC;
    put((chosen << 1) | (last ? 1 : 0), 3);
    if (chosen == DYNAMIC) writeHead(literals, distances, codeLengths, runs);
    else setFixedBits();
    makeCodes(LITERAL_BITS, LITERAL_CODES, LITERALS);
    makeCodes(DISTANCE_BITS, DISTANCE_CODES, DISTANCES);
    writeTokens(end);
    putCode(numberAt(LITERAL_CODES, END_OF_BLOCK));
  }
  memory.fill(LITERAL_COUNTS, 0, COUNTS_BYTES);
}

/** How many symbols there are, when those at the end that are not used are left out. */
function used(bits: usize, symbols: u32, least: u32): u32 {
  let count = symbols;
  while (count > least && byteAt(bits, count - 1) == 0) count--;
  return count;
}

function usedCodeLengths(): u32 {
  let count = CODE_LENGTHS;
  while (count > 4 && byteAt(CODE_LENGTH_BITS, ordered(count - 1)) == 0) count--;
  return count;
}

/** The order in which code lengths are sent: 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15. */
function ordered(place: u32): u32 {
  if (place < 3) return AGAIN + place;
  if (place == 3) return 0;
  const step = (place - 4) >> 1;
  return (place & 1) == 0 ? 8 + step : 7 - step;
}

/** The lengths of all codes, repetitions taken together; how many there are to send. */
function countRuns(literals: u32, distances: u32): u32 {
  // A run may go on from the one into the other.
  memory.copy(ROW, LITERAL_BITS, literals);
  memory.copy(ROW + literals, DISTANCE_BITS, distances);
  let runs: u32 = 0;
  const total = literals + distances;
  for (let i: u32 = 0; i < total;) {
    const length = byteAt(ROW, i);
    let repeats: u32 = 1;
    while (i + repeats < total && byteAt(ROW, i + repeats) == length) repeats++;
    i += repeats;
    if (length == 0) {
      while (repeats >= 3) {
        const taken = min<u32>(repeats, 138);
        if (taken > 10) runs = addRun(runs, MANY_ZEROS, taken - 11);
        else runs = addRun(runs, ZEROS, taken - 3);
        repeats -= taken;
      }
    } else {
      runs = addRun(runs, length, 0);
      repeats--;
      while (repeats >= 3) {
        const taken = min<u32>(repeats, 6);
        runs = addRun(runs, AGAIN, taken - 3);
        repeats -= taken;
      }
    }
    for (; repeats > 0; repeats--) runs = addRun(runs, length, 0);
  }
  return runs;
}

function addRun(runs: u32, symbol: u32, repeats: u32): u32 {
  store<u16>(RUNS + ((<usize>runs) << 1), symbol | (repeats << 8));
  increment(CODE_LENGTH_COUNTS, symbol);
  return runs + 1;
}

function runExtraBits(symbol: u32): u32 {
  if (symbol < AGAIN) return 0;
  return symbol == AGAIN ? 2 : symbol == ZEROS ? 3 : 7;
}

/** What the codes of a block take that were made for it. */
function headBits(codeLengths: u32): u32 {
  let sum = 14 + 3 * codeLengths;
  for (let symbol: u32 = 0; symbol < CODE_LENGTHS; symbol++) {
    const each = byteAt(CODE_LENGTH_BITS, symbol) + runExtraBits(symbol);
    sum += numberAt(CODE_LENGTH_COUNTS, symbol) * each;
  }
  return sum;
}

/** What the text takes with the codes that were made for it. */
function textBits(): u32 {
  let sum: u32 = extraBits();
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    sum += numberAt(LITERAL_COUNTS, symbol) * byteAt(LITERAL_BITS, symbol);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    sum += numberAt(DISTANCE_COUNTS, symbol) * byteAt(DISTANCE_BITS, symbol);
  }
  return sum;
}

/** What the text takes with the fixed codes. */
function fixedBits(): u32 {
  let sum: u32 = extraBits();
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    sum += numberAt(LITERAL_COUNTS, symbol) * fixedBitsOf(symbol);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    sum += numberAt(DISTANCE_COUNTS, symbol) * 5;
  }
  return sum;
}

function extraBits(): u32 {
  let sum: u32 = 0;
  for (let symbol: u32 = 0; symbol < 29; symbol++) {
    sum += numberAt(LITERAL_COUNTS, FIRST_LENGTH + symbol) * lengthExtraBits(symbol);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    sum += numberAt(DISTANCE_COUNTS, symbol) * distanceExtraBits(symbol);
  }
  return sum;
}

function fixedBitsOf(symbol: u32): u32 {
  if (symbol < 144) return 8;
  if (symbol < 256) return 9;
  return symbol < 280 ? 7 : 8;
}

function setFixedBits(): void {
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    setByte(LITERAL_BITS, symbol, fixedBitsOf(symbol));
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) setByte(DISTANCE_BITS, symbol, 5);
}

function writeHead(literals: u32, distances: u32, codeLengths: u32, runs: u32): void {
  makeCodes(CODE_LENGTH_BITS, CODE_LENGTH_CODES, CODE_LENGTHS);
  put(literals - 257, 5);
  put(distances - 1, 5);
  put(codeLengths - 4, 4);
  for (let i: u32 = 0; i < codeLengths; i++) put(byteAt(CODE_LENGTH_BITS, ordered(i)), 3);
  for (let i: u32 = 0; i < runs; i++) {
    const run = <u32>load<u16>(RUNS + ((<usize>i) << 1));
    const symbol = run & 255;
    putCode(numberAt(CODE_LENGTH_CODES, symbol));
    put(run >> 8, runExtraBits(symbol));
  }
}

function setLengthCodes(): void {
  for (let length: u32 = 0; length < 256; length++) {
    const symbol = lengthSymbol(length);
    const code = numberAt(LITERAL_CODES, FIRST_LENGTH + symbol);
    const bits = code >> 24;
    const extra = (length - lengthBase(symbol)) << bits;
    const total = (bits + lengthExtraBits(symbol)) << 24;
    setNumber(LENGTH_CODES, length, (code & 0xffffff) | extra | total);
  }
}

/** Most of the time of a call is spent here and in `matches`. */
function writeTokens(end: usize): void {
  setLengthCodes();
  // The engine keeps locals in registers, and globals in memory.
  let place = out;
  let bits = waiting;
  let count = waitingBits;
  for (let token = TOKENS; token < end; token += 4) {
    const value = load<u32>(token);
    if (value < MATCH) {
      const code = numberAt(LITERAL_CODES, value);
      bits |= (<u64>(code & 0xffffff)) << count;
      count += code >> 24;
      if (count < 32) continue;
      store<u64>(place, bits);
      place += 4;
      bits >>= 32;
      count -= 32;
      continue;
    }
    // Up to 31 bits wait; up to 20 of a length and 28 of a distance come.
    const code = numberAt(LENGTH_CODES, (value >> 16) & 255);
    bits |= (<u64>(code & 0xffffff)) << count;
    count += code >> 24;
    store<u64>(place, bits);
    place += count >> 3;
    bits >>= count & 0x38;
    count &= 7;
    const distance = value & 0x7fff;
    const symbol = distanceSymbol(distance);
    const far = numberAt(DISTANCE_CODES, symbol);
    const farBits = far >> 24;
    const extra = (distance - distanceBase(symbol)) << farBits;
    bits |= (<u64>((far & 0xffffff) | extra)) << count;
    count += farBits + distanceExtraBits(symbol);
    store<u64>(place, bits);
    place += count >> 3;
    bits >>= count & 0x38;
    count &= 7;
  }
  store<u64>(place, bits);
  out = place + (count >> 3);
  waiting = bits >> (count & 0x38);
  waitingBits = count & 7;
}

function stored(from: usize, bytes: usize, last: bool): void {
  do {
    const length = min<usize>(bytes, MAX_STORED_BYTES);
    bytes -= length;
    put((STORED << 1) | (last && bytes == 0 ? 1 : 0), 3);
    alignToByte();
    store<u32>(out, (<u32>length) | (((<u32>length) ^ 0xffff) << 16));
    memory.copy(out + 4, from, length);
    out += 4 + length;
    from += length;
  } while (bytes > 0);
}

// Deflate (RFC 1951) for speed: finds what stood before by the newest place with the same four bytes, and looks no further.
import { beginOutput, endOutput, writeBlock } from './block';
import {
  DISTANCE_COUNTS,
  FIRST_LENGTH,
  HASH_BITS,
  HASHES,
  HASHES_BYTES,
  increment,
  INPUT,
  LITERAL_COUNTS,
  MATCH,
  MAX_INPUT_BYTES,
  MAX_TOKENS,
  MEMORY_BYTES,
  numberAt,
  OUTPUT,
  setNumber,
  TOKENS,
} from './memory';
import { distanceSymbol, fillSymbols, lengthSymbol } from './symbols';

const MAX_DISTANCE: usize = 32768;
const MAX_LENGTH: usize = 258;
/** So many bytes before the end no match begins: whatever is read or passed over stays within the input. */
const TAIL_BYTES: usize = 12;
/** After so many literals in a row one more is passed over with each look. */
const PATIENCE_BITS: u32 = 5;
const MAX_STEP: u32 = 8;

export function inputAddress(): usize {
  return INPUT;
}

export function outputAddress(): usize {
  return OUTPUT;
}

export function maxInputBytes(): u32 {
  return MAX_INPUT_BYTES;
}

export function memoryBytes(): usize {
  return MEMORY_BYTES;
}

/** To be called once, before anything else. */
export function prepare(): void {
  fillSymbols();
}

/**
 * Encodes so many bytes of the input, at most `maxInputBytes()`; how many bytes of output that made. The bytes depend on the input
 * alone. They end a stream when they are the last, or on a byte that another stream may follow.
 */
export function deflate(bytes: u32, last: bool): u32 {
  beginOutput();
  memory.fill(HASHES, 0, HASHES_BYTES);
  const end = INPUT + bytes;
  const full = TOKENS + ((<usize>MAX_TOKENS) << 2);
  let at = INPUT;
  do {
    const from = at;
    let token = TOKENS;
    let misses: u32 = 0;
    while (at + TAIL_BYTES < end && token < full) {
      const four = load<u32>(at);
      const hash = hashOf(four);
      const candidate = <usize>numberAt(HASHES, hash);
      setNumber(HASHES, hash, <u32>at);
      if (candidate == 0 || load<u32>(candidate) != four || at - candidate > MAX_DISTANCE) {
        // What does not shrink is passed faster.
        let step = min<u32>(1 + (misses >> PATIENCE_BITS), MAX_STEP);
        misses += step;
        for (; step > 0; step--) token = literal(token, at++);
        continue;
      }
      misses = 0;
      const length = matchingBytes(at, candidate, min<usize>(MAX_LENGTH, end - at));
      token = match(token, <u32>length - 3, <u32>(at - candidate) - 1);
      const stop = at + length;
      if (stop + TAIL_BYTES < end) {
        remember(at + 1);
        remember(at + 2);
        remember(stop - 2);
        remember(stop - 1);
      }
      at = stop;
    }
    while (at < end && at + TAIL_BYTES >= end && token < full) token = literal(token, at++);
    writeBlock(token, from, at, last && at == end);
  } while (at < end);
  return endOutput(last);
}

function hashOf(four: u32): u32 {
  // Knuth's multiplicative hashing: 2^32 divided by the golden ratio.
  return (four * 0x9e3779b1) >> (32 - HASH_BITS);
}

function remember(place: usize): void {
  setNumber(HASHES, hashOf(load<u32>(place)), <u32>place);
}

function literal(token: usize, at: usize): usize {
  const byte = <u32>load<u8>(at);
  store<u32>(token, byte);
  increment(LITERAL_COUNTS, byte);
  return token + 4;
}

function match(token: usize, lengthLess3: u32, distanceLess1: u32): usize {
  store<u32>(token, MATCH | (lengthLess3 << 16) | distanceLess1);
  increment(LITERAL_COUNTS, FIRST_LENGTH + lengthSymbol(lengthLess3));
  increment(DISTANCE_COUNTS, distanceSymbol(distanceLess1));
  return token + 4;
}

/** How many bytes are the same at both places, four of which are known to be; at most `most`. */
function matchingBytes(at: usize, candidate: usize, most: usize): usize {
  let length: usize = 4;
  for (; length + 8 <= most; length += 8) {
    const difference = load<u64>(at + length) ^ load<u64>(candidate + length);
    if (difference != 0) return length + <usize>(ctz(difference) >> 3);
  }
  while (length < most && load<u8>(at + length) == load<u8>(candidate + length)) length++;
  return length;
}

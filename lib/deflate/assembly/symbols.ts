// Which symbol stands for a length or a distance, and with how many extra bits: RFC 1951, 3.2.5.
import { byteAt, DISTANCE_SYMBOLS, LENGTH_SYMBOLS, setByte } from './memory';

/** The smallest length - 3 of a symbol. */
export function lengthBase(symbol: u32): u32 {
  if (symbol < 8) return symbol;
  return symbol == 28 ? 255 : (4 + (symbol & 3)) << ((symbol >> 2) - 1);
}

export function lengthExtraBits(symbol: u32): u32 {
  return symbol < 8 || symbol == 28 ? 0 : (symbol >> 2) - 1;
}

/** The smallest distance - 1 of a symbol. */
export function distanceBase(symbol: u32): u32 {
  return symbol < 4 ? symbol : (2 + (symbol & 1)) << ((symbol >> 1) - 1);
}

export function distanceExtraBits(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

export function lengthSymbol(lengthLess3: u32): u32 {
  return byteAt(LENGTH_SYMBOLS, lengthLess3);
}

export function distanceSymbol(distanceLess1: u32): u32 {
  const index = distanceLess1 < 256 ? distanceLess1 : 256 + (distanceLess1 >> 7);
  return byteAt(DISTANCE_SYMBOLS, index);
}

/** Fills the tables; to be called once. */
export function fillSymbols(): void {
  let symbol: u32 = 0;
  for (let length: u32 = 0; length < 256; length++) {
    while (symbol < 28 && lengthBase(symbol + 1) <= length) symbol++;
    setByte(LENGTH_SYMBOLS, length, symbol);
  }
  symbol = 0;
  for (let index: u32 = 0; index < 512; index++) {
    if (index == 256) symbol = 0;
    const distance = index < 256 ? index : (index - 256) << 7;
    while (symbol < 29 && distanceBase(symbol + 1) <= distance) symbol++;
    setByte(DISTANCE_SYMBOLS, index, symbol);
  }
}

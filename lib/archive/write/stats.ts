// How a file is recognised as unchanged without reading it.
import type { BigIntStats } from 'node:fs';

/** What changes when a file's content changes: modification and change time in nanoseconds, and inode. */
export function statLine(stats: BigIntStats): string {
  return `${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}`;
}

/** Nanoseconds to the microsecond before. */
export function microseconds(ns: bigint): number {
  const micros = ns / 1000n;
  return Number(ns < 0n && ns % 1000n !== 0n ? micros - 1n : micros);
}

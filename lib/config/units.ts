// Durations and sizes as people write them, and back. Pure.
import assert from 'node:assert/strict';

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../durations.ts';

const MS_PER_UNIT = {
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
} as const;
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** What a duration looks like: a whole number and a unit, `90m`, `24h`, `7d`. */
export const DURATION = /^(0|[1-9]\d{0,5}) ?([smhdw])$/;

/** What a size looks like: a number and a decimal or binary unit, `500 MB`, `1.5 GiB`. */
export const SIZE = /^(\d{1,9}(?:\.\d{1,3})?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;

function isUnit(text: string | undefined): text is keyof typeof MS_PER_UNIT {
  return text !== undefined && text in MS_PER_UNIT;
}

/** The milliseconds of a duration such as `24h`, or undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return isUnit(unit) ? Number(count) * MS_PER_UNIT[unit] : undefined;
}

/** The bytes of a size such as `20 GiB`, rounded to a whole byte, or undefined for any other text. */
export function parseSize(text: string): number | undefined {
  const [, count, unit = ''] = SIZE.exec(text) ?? [];
  const factor = BYTES_PER_UNIT[unit];
  return factor === undefined ? undefined : Math.round(Number(count) * factor);
}

/** A duration in the largest unit that says it exactly in whole numbers, days at most: `25h`, `7d`; seconds are rounded. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    if (durationMs > 0 && durationMs % MS_PER_UNIT[unit] === 0)
      return `${durationMs / MS_PER_UNIT[unit]}${unit}`;
  }
  return `${Math.round(durationMs / MS_PER_UNIT.s)}s`;
}

/** The milliseconds of a duration that the schema has accepted. */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  assert(ms !== undefined, 'an invalid duration passed the schema');
  return ms;
}

/** The bytes of a size that the schema has accepted. */
export function sizeBytes(size: string | number): number {
  const bytes = typeof size === 'string' ? parseSize(size) : size;
  assert(bytes !== undefined, 'an invalid size passed the schema');
  return bytes;
}

/** `bytes` in whole GiB, the last one perhaps not full. */
export function wholeGiB(bytes: number): number {
  return Math.ceil(bytes / 2 ** 30);
}

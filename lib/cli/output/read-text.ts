// What a verify has read, and what it knew from before.
import type { VerifyResult } from '../../engine/verify.ts';
import { bytesText, counted, timeText } from './units.ts';

/** `12 entries, 3.4 MiB`; of what was not read again, `1.2 GiB unchanged since it was read at 2026-11-22 02:00:09 UTC`. */
export function readText(
  { entries, bytes, carried }: Pick<VerifyResult, 'entries' | 'bytes' | 'carried'>,
  how = '',
): string {
  const texts: string[] = [];
  if (carried === undefined || entries > 0 || bytes > 0)
    texts.push(`${counted(entries, 'entry', 'entries')}${how}, ${bytesText(bytes)}`);
  if (carried !== undefined)
    texts.push(
      `${bytesText(carried.bytes)} unchanged since it was read at ${timeText(carried.readAt)}`,
    );
  return texts.join('; ');
}

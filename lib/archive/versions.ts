// The builds of what compresses, on which the bytes of an archive depend.
import process from 'node:process';
import { FAST_LEVEL, type Encoding } from '../format/codec.ts';
import { DEFLATE_BUILD } from '../deflate/deflate.ts';

/** What encodes so: another build may make other bytes of the same content. */
export function buildOf({ codec, level }: Encoding): string {
  if (codec === 'zstd') return `zstd ${process.versions['zstd'] ?? 'unknown'}`;
  return level === FAST_LEVEL ? DEFLATE_BUILD : `zlib ${process.versions.zlib}`;
}

// The builds of the compression libraries, on which the bytes of an archive depend.
import process from 'node:process';
import type { Codec } from '../format/codec.ts';

export const TRACKED_VERSIONS: Readonly<Record<Codec, string>> = {
  gzip: `zlib ${process.versions.zlib}`,
  zstd: `zstd ${process.versions['zstd'] ?? 'unknown'}`,
};

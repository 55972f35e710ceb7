// The code of the functions as the package brings it: built when it was packed, so that making a stack takes neither esbuild nor the source.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { FUNCTIONS } from '../../../names/aws.ts';
import type { Bundle, BundleFiles } from './function-code.ts';

/** The file in the package, beside what is compiled from this module. */
const SHIPPED = 'function-code.json.zst';
/** The bundles have most of their code in common, megabytes apart: a window over all of them takes it up once. */
const COMPRESSION = {
  [constants.ZSTD_c_compressionLevel]: 12,
  [constants.ZSTD_c_enableLongDistanceMatching]: 1,
  [constants.ZSTD_c_windowLog]: 27,
};

type Shipped = Readonly<Record<Bundle, Readonly<Record<string, string>>>>;

let read: Shipped | undefined;

/** What {@link shipCode} has put into the package. `build.ts` puts this in the place of its namesake, which builds. */
export function codeOf(bundle: Bundle): BundleFiles {
  read ??= readCode(fileURLToPath(new URL('./', import.meta.url)));
  return new Map(Object.entries(read[bundle]));
}

/** The code of all functions, which {@link shipCode} wrote into `folder`. */
export function readCode(folder: string): Shipped {
  return JSON.parse(zstdDecompressSync(readFileSync(join(folder, SHIPPED))).toString()) as Shipped;
}

/** Writes all that `codeOf` gives into `folder`. */
export function shipCode(codeOf: (bundle: Bundle) => BundleFiles, folder: string): void {
  const bundles = [...FUNCTIONS, 'image'] as const;
  const shipped = Object.fromEntries(bundles.map((one) => [one, Object.fromEntries(codeOf(one))]));
  const json = Buffer.from(JSON.stringify(shipped));
  writeFileSync(join(folder, SHIPPED), zstdCompressSync(json, { params: COMPRESSION }));
}

// Compiles what is shipped: the command line and the worker, for any Node from 22.15 on; into dist, or into a folder that is named.
import { rm } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'esbuild';

const [outdir = 'dist'] = process.argv.slice(2);
// What a named folder holds is not ours to remove.
if (outdir === 'dist') await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { holdfast: 'bin/holdfast.ts', worker: 'lib/archive/worker.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  minify: true,
  sourcemap: true,
  legalComments: 'linked',
  // Bundled CommonJS calls require for the modules of Node itself.
  banner: {
    js: "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);",
  },
});

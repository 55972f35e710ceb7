// Compiles what is shipped: the command line and the worker, for any Node from 22.15 on.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: { holdfast: 'bin/holdfast.ts', worker: 'lib/archive/worker.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  minifySyntax: true,
  sourcemap: true,
  legalComments: 'linked',
  // Bundled CommonJS calls require for the modules of Node itself.
  banner: {
    js: "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);",
  },
});

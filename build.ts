// Compiles what is shipped: the command line and the worker, for any Node from 22.15 on; into dist, or into a folder that is named.
import { rm } from 'node:fs/promises';
import process from 'node:process';
import * as esbuild from 'esbuild';

const [outdir = 'dist'] = process.argv.slice(2);
// What a named folder holds is not ours to remove.
if (outdir === 'dist') await rm(outdir, { recursive: true, force: true });

/** As a module, `node:process` opens standard input and error to export them; the global opens what is used. */
const globalProcess: esbuild.Plugin = {
  name: 'global-process',
  setup(build) {
    build.onResolve({ filter: /^node:process$/ }, () => ({ path: 'process', namespace: 'global' }));
    build.onLoad({ filter: /^process$/, namespace: 'global' }, () => ({
      contents:
        'export default globalThis.process; export const { env, versions } = globalThis.process;',
    }));
  },
};

await esbuild.build({
  entryPoints: { holdfast: 'bin/holdfast.ts', worker: 'lib/archive/threads/worker.ts' },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  // Clients of AWS exist as modules and as CommonJS. Esbuild would take CommonJS, of which nothing can be left out, and in which the clients
  // for parameters and secrets were no constructors. The functions are bundled in this way, too.
  mainFields: ['module', 'main'],
  // Several of AWS's packages exist as CommonJS and as modules: of one and the same form each class is one class, and what is not used is left out.
  minify: true,
  sourcemap: true,
  legalComments: 'linked',
  plugins: [globalProcess],
  // What it has for Node itself is CommonJS, of which nothing can be left out.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  // Bundled CommonJS calls require for the modules of Node itself.
  banner: {
    js: "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);",
  },
});

// Compiles what is shipped, for any Node from 22.15 on; into dist, or into a folder that is named: the command line and its worker, the
// constructs with their types, the app of the stack, and the code of the functions.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import process from 'node:process';
import * as esbuild from 'esbuild';
import ts from 'typescript';
import { codeOf } from './lib/infra/core/functions/built-code.ts';
import { shipCode } from './lib/infra/core/functions/shipped-code.ts';
import { CERTIFICATES_OF_RDS } from './lib/sources/postgres/server/certificates.ts';

const [outdir = 'dist'] = process.argv.slice(2);
/** The constructs, as teams import them from `holdfast/cdk`. */
const CONSTRUCTS = 'lib/infra/holdfast.ts';
/** What the constructs are made with, which the team's app brings: two copies would not know each other's classes. */
const PEERS = ['aws-cdk-lib', 'constructs'];
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

/** The package has the code of the functions as it was built here, and neither esbuild nor the source to build it again. */
const shippedCode: esbuild.Plugin = {
  name: 'shipped-code',
  setup(build) {
    build.onResolve({ filter: /\/built-code\.ts$/ }, ({ resolveDir }) => ({
      path: join(resolveDir, 'shipped-code.ts'),
    }));
  },
};

await esbuild.build({
  entryPoints: {
    holdfast: 'bin/holdfast.ts',
    worker: 'lib/archive/threads/worker.ts',
    cdk: CONSTRUCTS,
    app: 'bin/app.ts',
  },
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  external: PEERS.flatMap((name) => [name, `${name}/*`]),
  // Clients of AWS exist as modules and as CommonJS. Esbuild would take CommonJS, of which nothing can be left out, and in which the clients
  // for parameters and secrets were no constructors. The functions are bundled in this way, too.
  mainFields: ['module', 'main'],
  // Several of AWS's packages exist as CommonJS and as modules: of one and the same form each class is one class, and what is not used is left out.
  minify: true,
  sourcemap: true,
  // A stack trace needs names and lines; the text would be half of the package.
  sourcesContent: false,
  legalComments: 'linked',
  plugins: [globalProcess, shippedCode],
  // What it has for Node itself is CommonJS, of which nothing can be left out.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  // Bundled CommonJS calls require for the modules of Node itself.
  banner: {
    js: "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);",
  },
});
shipCode(codeOf, outdir);
copyFileSync(CERTIFICATES_OF_RDS, join(outdir, basename(CERTIFICATES_OF_RDS)));
writeTypes(CONSTRUCTS, join(outdir, 'types'));

/**
 * The types of `entry` and of what its types need, once for callers that are modules and once for CommonJS: TypeScript takes a file for
 * what its name says.
 */
function writeTypes(entry: string, folder: string): void {
  const needed = new Set([entry]);
  // A set that grows while it is walked is walked to its end.
  for (const file of needed) {
    const text = declarationsOf(file);
    for (const [, imported = ''] of text.matchAll(/ from '(\.[^']+)'/g)) {
      needed.add(join(dirname(file), imported));
    }
    const to = join(folder, relative('lib', file));
    mkdirSync(dirname(to), { recursive: true });
    for (const form of ['', 'c']) {
      const own = text.replaceAll(/( from '\.[^']+)\.ts'/g, `$1.${form}js'`);
      writeFileSync(to.replace(/\.ts$/, `.d.${form}ts`), own);
    }
  }
}

function declarationsOf(fileName: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(readFileSync(fileName, 'utf8'), {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      isolatedDeclarations: true,
      declaration: true,
      target: ts.ScriptTarget.ES2023,
    },
  });
  if (diagnostics.length > 0) {
    const host = {
      getCurrentDirectory: () => '.',
      getNewLine: () => '\n',
      getCanonicalFileName: String,
    };
    throw new Error(ts.formatDiagnostics(diagnostics, host));
  }
  return outputText;
}

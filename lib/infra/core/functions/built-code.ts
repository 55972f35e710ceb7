// The code of the functions, built from the source: in a checkout, and once for the package, which brings what came of it.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { FUNCTIONS } from '../../../names/aws.ts';
import type { FunctionCode } from './function-code.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** Where the output lies as the source maps see it; nothing is written there. */
const OUT = 'bundles';
/** What the image of the database functions is built from, besides their code. */
const IMAGE = join(ROOT, 'lambda/database');
/** What the function that connects to databases holds the certificates of their servers against: read by libpq, so it is no module. */
const CERTIFICATES = join(ROOT, 'lib/sources/postgres/server/certificates-of-rds.pem');
const CONNECTS = 'database-backup.js';

/** Bundled CommonJS calls require for the modules of Node itself. A name that is never made by what makes names short. */
const REQUIRE =
  "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);";

let built: FunctionCode | undefined;

/** The same sources give the same bytes. */
export function functionCode(): FunctionCode {
  built ??= build();
  return built;
}

/**
 * All functions at once, because they share most of their code. What is imported when it is needed stays in a file of its own, so
 * that starting a function does not load it.
 */
function build(): FunctionCode {
  const beside = readdirSync(IMAGE);
  const imagePrograms = beside
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'));
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [
      ...FUNCTIONS.map((name) => `lambda/${name}.ts`),
      ...imagePrograms.map((name) => `lambda/database/${name}.ts`),
      'lib/archive/threads/worker.ts',
    ],
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    outdir: OUT,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'error',
    // What it has for Node itself is CommonJS, and no part of that can be left out.
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    banner: { js: REQUIRE },
  });
  const files = new Map(outputFiles.map(({ path, text }) => [basename(path), lean(text)]));
  const imports = Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, output]) => [
      basename(path),
      output.imports.filter(({ external }) => external !== true).map((one) => basename(one.path)),
    ]),
  );
  const certificates = basename(CERTIFICATES);
  files.set(certificates, readFileSync(CERTIFICATES, 'utf8'));
  return {
    files,
    imports: {
      ...imports,
      [certificates]: [],
      [CONNECTS]: [...(imports[CONNECTS] ?? []), certificates],
    },
    imagePrograms,
    imageFiles: beside.filter((file) => !file.endsWith('.ts')).map((file) => join(IMAGE, file)),
  };
}

/** Without the line that this file has no use for; left empty, so that source maps hold. */
function lean(text: string): string {
  const unused = text.startsWith(REQUIRE) && !text.includes('require', REQUIRE.length);
  return unused ? text.slice(REQUIRE.length) : text;
}

// The code of the functions, built from the source: in a checkout, and once for the package, which brings what came of it.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Metafile } from 'esbuild';
import { DATABASE_FUNCTIONS } from '../../../names/aws.ts';
import type { FunctionName } from '../../../names/aws.ts';
import { IMAGE_CODE } from './function-code.ts';
import type { Bundle, BundleFiles } from './function-code.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** Where the output lies as the source maps see it; nothing is written there. */
const OUT = 'bundles';
/** What the image of the database functions is built from, besides their code. */
const IMAGE = 'lambda/database';
const WORKER = 'lib/archive/threads/worker.ts';
/** What the function that connects to databases holds the certificates of their servers against: read by libpq, so it is no module. */
const CERTIFICATES = 'lib/sources/postgres/server/certificates-of-rds.pem';

/** Bundled CommonJS calls require for the modules of Node itself. A name that is never made by what makes names short. */
const REQUIRE =
  "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);";

const built = new Map<Bundle, BundleFiles>();

/** The same sources give the same bytes. */
export function codeOf(bundle: Bundle): BundleFiles {
  const files = built.get(bundle) ?? (bundle === 'image' ? buildImage() : buildFunction(bundle));
  built.set(bundle, files);
  return files;
}

/**
 * Each function is built on its own: code that several functions share would be cut into as many files as there are sets of them, and
 * opening those takes longer than running them.
 */
function buildFunction(name: FunctionName): BundleFiles {
  const files = build({ index: `lambda/${name}.ts` });
  return name === 'database-backup' ? new Map([...files, ...certificates()]) : files;
}

/** `validate-database.ts` and the like come along as parts of the program that runs them. */
function buildImage(): BundleFiles {
  const beside = readdirSync(join(ROOT, IMAGE));
  const entries = [
    ...DATABASE_FUNCTIONS.map((name) => `lambda/${name}.ts`),
    ...beside.filter((file) => file.endsWith('.ts')).map((file) => `${IMAGE}/${file}`),
  ];
  const code = build(Object.fromEntries(entries.map((file) => [basename(file, '.ts'), file])));
  return new Map([
    ...beside.filter((file) => !file.endsWith('.ts')).map((file) => textAt(join(IMAGE, file))),
    ...[...code, ...certificates()].map(([file, text]) => [`${IMAGE_CODE}/${file}`, text] as const),
  ]);
}

/** What is imported when it is needed stays in a file of its own, so that starting a function does not load it. */
function build(entries: Readonly<Record<string, string>>): BundleFiles {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: { ...entries, worker: WORKER },
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
  const needed = neededBy([...Object.keys(entries), 'worker'], metafile);
  return new Map([...files].filter(([file]) => needed.has(file.replace(/\.map$/, ''))));
}

/** The files of `entries` and what they import, at once or later: esbuild also makes files of which it has left out every import. */
function neededBy(entries: readonly string[], { outputs }: Metafile): Set<string> {
  const imports = new Map(Object.entries(outputs).map(([path, one]) => [basename(path), one]));
  const needed = new Set(entries.map((name) => `${name}.js`));
  // A set that grows while it is walked is walked to its end.
  for (const file of needed)
    for (const { path, external } of imports.get(file)?.imports ?? [])
      if (external !== true) needed.add(basename(path));
  return needed;
}

function certificates(): BundleFiles {
  return new Map([textAt(CERTIFICATES)]);
}

function textAt(file: string): [string, string] {
  return [basename(file), readFileSync(join(ROOT, file), 'utf8')];
}

/** Without the line that this file has no use for; left empty, so that source maps hold. */
function lean(text: string): string {
  const unused = text.startsWith(REQUIRE) && !text.includes('require', REQUIRE.length);
  return unused ? text.slice(REQUIRE.length) : text;
}

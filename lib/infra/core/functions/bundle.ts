// The code of each function: its entry and the engine's worker, bundled with all they need, and the configuration beside them.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileSystem } from 'aws-cdk-lib';
import { buildSync } from 'esbuild';
import type { Metafile } from 'esbuild';
import { FUNCTION_CONFIG_FILE } from '../../../config/load/function-settings.ts';
import { HoldfastError } from '../../../errors.ts';
import { DATABASE_FUNCTIONS, FUNCTIONS } from '../../../names/aws.ts';
import type { FunctionName } from '../../../names/aws.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** Where the output lies as the source maps see it; nothing is written there. */
const OUT = 'bundles';
const WORKER = 'worker.js';
/** What the image of the database functions is built from, besides their code. */
const IMAGE = join(ROOT, 'lambda/database');
/** Where in that folder the code comes to lie. */
const IMAGE_CODE = 'function';

/** Bundled CommonJS calls require for the modules of Node itself. A name that is never made by what makes names short. */
const REQUIRE =
  "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);";

interface Built {
  /** Text by name of the file. */
  readonly files: ReadonlyMap<string, string>;
  readonly outputs: Metafile['outputs'];
}

let built: Built | undefined;

/**
 * All functions at once, because they share most of their code. What is imported when it is needed stays in a file of its own, so
 * that starting a function does not load it. The same sources give the same bytes.
 */
function build(): Built {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [
      ...FUNCTIONS.map((name) => `lambda/${name}.ts`),
      ...imageEntries().map((name) => `lambda/database/${name}.ts`),
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
    // What it has for Node itself is CommonJS, of which nothing can be left out.
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    banner: { js: REQUIRE },
  });
  const files = new Map(outputFiles.map(({ path, text }) => [basename(path), lean(text)]));
  return { files, outputs: metafile.outputs };
}

/** Without the line that this file has no use for; left empty, so that source maps hold. */
function lean(text: string): string {
  const unused = text.startsWith(REQUIRE) && !text.includes('require', REQUIRE.length);
  return unused ? text.slice(REQUIRE.length) : text;
}

/** A new folder with the code of `name`, and `configuration` as what it reads at its start. The caller removes it. */
export function writeCode(name: FunctionName, configuration: unknown): string {
  const folder = FileSystem.mkdtemp('holdfast-');
  const entry = `${name}.js`;
  const nameOf = (file: string) => (file === entry ? 'index.js' : file);
  write(folder, { entries: [entry], configuration, nameOf });
  return folder;
}

/**
 * A new folder from which the image of the database functions is built: what stands in `lambda/database`, and in `function` the code
 * of the functions and of what starts them, each under its own name. The caller removes it.
 */
export function writeImage(configuration: unknown): string {
  const folder = FileSystem.mkdtemp('holdfast-');
  for (const file of readdirSync(IMAGE)) {
    if (!file.endsWith('.ts')) cpSync(join(IMAGE, file), join(folder, file));
  }
  const code = join(folder, IMAGE_CODE);
  mkdirSync(code);
  const entries = [...DATABASE_FUNCTIONS, ...imageEntries()].map((name) => `${name}.js`);
  write(code, { entries, configuration, nameOf: (file) => file });
  return folder;
}

/** The programs of the image that are no functions. */
function imageEntries(): string[] {
  return readdirSync(IMAGE)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'));
}

interface Wanted {
  readonly entries: readonly string[];
  readonly configuration: unknown;
  readonly nameOf: (file: string) => string;
}

function write(folder: string, { entries, configuration, nameOf }: Wanted): void {
  built ??= build();
  for (const file of neededBy([...entries, WORKER], built)) {
    writeFileSync(join(folder, nameOf(file)), textOf(file, built));
    writeFileSync(join(folder, `${file}.map`), textOf(`${file}.map`, built));
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  writeFileSync(join(folder, FUNCTION_CONFIG_FILE), `${JSON.stringify(configuration)}\n`);
}

/** `files` and whatever they import, at once or later. */
function neededBy(files: readonly string[], { outputs }: Built): Set<string> {
  const needed = new Set(files);
  // A set that grows while it is walked is walked to its end.
  for (const file of needed) {
    for (const { path, external } of outputs[`${OUT}/${file}`]?.imports ?? []) {
      if (external !== true) needed.add(basename(path));
    }
  }
  return needed;
}

function textOf(file: string, { files }: Built): string {
  const found = files.get(file);
  if (found === undefined) throw new HoldfastError('COMMAND_FAILED', `esbuild made no ${file}`);
  return found;
}

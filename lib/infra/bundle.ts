// The code of each function: its entry and the engine's worker, bundled with all they need, and the configuration beside them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileSystem } from 'aws-cdk-lib';
import { buildSync } from 'esbuild';
import { FUNCTION_CONFIG_FILE } from '../config/function-settings.ts';
import { HoldfastError } from '../errors.ts';
import { FUNCTIONS } from '../names/aws.ts';
import type { FunctionName } from '../names/aws.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Where the output lies as the source maps see it; nothing is written there. */
const OUT = 'bundles';
const WORKER = 'worker';

let built: ReadonlyMap<string, string> | undefined;

/** `backup/index.js` and its like, and `worker/worker.js`, each with its source map. The same sources give the same bytes. */
function bundles(): ReadonlyMap<string, string> {
  built ??= build();
  return built;
}

function build(): Map<string, string> {
  const { outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [
      ...FUNCTIONS.map((name) => ({
        in: `lambda/${name}.ts`,
        out: `${name}/index`,
      })),
      { in: 'lib/archive/worker.ts', out: `${WORKER}/${WORKER}` },
    ],
    outdir: OUT,
    write: false,
    bundle: true,
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
    // Bundled CommonJS calls require for the modules of Node itself.
    banner: {
      js: "import { createRequire as holdfastRequire } from 'node:module'; const require = holdfastRequire(import.meta.url);",
    },
  });
  const start = join(ROOT, OUT).length + 1;
  return new Map(outputFiles.map(({ path, text }) => [path.slice(start), text]));
}

/** A new folder with the code of `name`, and `configuration` as what it reads at its start. The caller removes it. */
export function writeCode(name: FunctionName, configuration: unknown): string {
  const folder = FileSystem.mkdtemp('holdfast-');
  const files = {
    'index.js': text(`${name}/index.js`),
    'index.js.map': text(`${name}/index.js.map`),
    'worker.js': text(`${WORKER}/${WORKER}.js`),
    'worker.js.map': text(`${WORKER}/${WORKER}.js.map`),
    'package.json': `${JSON.stringify({ type: 'module' })}\n`,
    [FUNCTION_CONFIG_FILE]: `${JSON.stringify(configuration)}\n`,
  };
  for (const [file, content] of Object.entries(files)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

function text(file: string): string {
  const found = bundles().get(file);
  if (found === undefined) throw new HoldfastError('COMMAND_FAILED', `esbuild made no ${file}`);
  return found;
}

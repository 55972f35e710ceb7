// The code of each function: its entry and the engine's worker, bundled with all they need, and the configuration beside them.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FileSystem } from 'aws-cdk-lib';
import { FUNCTION_CONFIG_FILE } from '../../../config/load/function-settings.ts';
import { HoldfastError } from '../../../errors.ts';
import { DATABASE_FUNCTIONS } from '../../../names/aws.ts';
import type { FunctionName } from '../../../names/aws.ts';
import { functionCode } from './built-code.ts';
import type { FunctionCode } from './function-code.ts';

const WORKER = 'worker.js';
/** Where in the folder of the image the code comes to lie. */
const IMAGE_CODE = 'function';

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
  const { imageFiles, imagePrograms } = functionCode();
  for (const file of imageFiles) cpSync(file, join(folder, basename(file)));
  const code = join(folder, IMAGE_CODE);
  mkdirSync(code);
  const entries = [...DATABASE_FUNCTIONS, ...imagePrograms].map((name) => `${name}.js`);
  write(code, { entries, configuration, nameOf: (file) => file });
  return folder;
}

interface Wanted {
  readonly entries: readonly string[];
  readonly configuration: unknown;
  readonly nameOf: (file: string) => string;
}

function write(folder: string, { entries, configuration, nameOf }: Wanted): void {
  const all = functionCode();
  for (const file of neededBy([...entries, WORKER], all)) {
    writeFileSync(join(folder, nameOf(file)), textOf(file, all));
    const map = `${file}.map`;
    if (all.files.has(map)) writeFileSync(join(folder, map), textOf(map, all));
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ type: 'module' })}\n`);
  writeFileSync(join(folder, FUNCTION_CONFIG_FILE), `${JSON.stringify(configuration)}\n`);
}

/** `files` and whatever they need beside them, at once or later. */
function neededBy(files: readonly string[], { imports }: FunctionCode): Set<string> {
  const needed = new Set(files);
  // A set that grows while it is walked is walked to its end.
  for (const file of needed) for (const one of imports[file] ?? []) needed.add(one);
  return needed;
}

function textOf(file: string, { files }: FunctionCode): string {
  const found = files.get(file);
  if (found === undefined) throw new HoldfastError('COMMAND_FAILED', `esbuild made no ${file}`);
  return found;
}

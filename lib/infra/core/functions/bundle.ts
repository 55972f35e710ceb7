// The code of each function: its entry and the engine's worker, bundled with all they need, and the configuration beside them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileSystem } from 'aws-cdk-lib';
import { FUNCTION_CONFIG_FILE } from '../../../config/load/function-settings.ts';
import type { FunctionName } from '../../../names/aws.ts';
import { codeOf } from './built-code.ts';
import { IMAGE_CODE } from './function-code.ts';
import type { Bundle } from './function-code.ts';

/** A new folder with the code of `name`, and `configuration` as what it reads at its start. The caller removes it. */
export function writeCode(name: FunctionName, configuration: unknown): string {
  return write(name, { configuration, code: '.' });
}

/**
 * A new folder from which the image of the database functions is built: what stands in `lambda/database`, and in `function` the code
 * of the functions and of what starts them, each under its own name. The caller removes it.
 */
export function writeImage(configuration: unknown): string {
  return write('image', { configuration, code: IMAGE_CODE });
}

function write(bundle: Bundle, wanted: { configuration: unknown; code: string }): string {
  const folder = FileSystem.mkdtemp('holdfast-');
  const json = (value: unknown) => `${JSON.stringify(value)}\n`;
  const files = new Map([
    ...codeOf(bundle),
    [join(wanted.code, 'package.json'), json({ type: 'module' })],
    [join(wanted.code, FUNCTION_CONFIG_FILE), json(wanted.configuration)],
  ]);
  for (const [file, text] of files) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

// The code of the functions as the package brings it: built when it was packed, so that making a stack takes neither esbuild nor the source.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FunctionCode } from './function-code.ts';

/** The folder in the package, beside what is compiled from this module. */
export const SHIPPED_FOLDER = 'function-code';
const INDEX = 'index.json';
const IMAGE = 'image';

type Index = Pick<FunctionCode, 'imports' | 'imagePrograms'>;

let read: FunctionCode | undefined;

/** What {@link shipCode} has put into the package. `build.ts` puts this in the place of its namesake, which builds. */
export function functionCode(): FunctionCode {
  read ??= readCode(fileURLToPath(new URL(`./${SHIPPED_FOLDER}/`, import.meta.url)));
  return read;
}

/** The code of the functions in `folder`, into which {@link shipCode} wrote it. */
export function readCode(folder: string): FunctionCode {
  const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');
  const { imports, imagePrograms } = JSON.parse(textOf(INDEX)) as Index;
  const image = join(folder, IMAGE);
  return {
    files: new Map(Object.keys(imports).map((file) => [file, textOf(file)])),
    imports,
    imagePrograms,
    imageFiles: readdirSync(image).map((file) => join(image, file)),
  };
}

/** Writes `code` into a new folder, for {@link functionCode} to read. */
export function shipCode(code: FunctionCode, folder: string): void {
  mkdirSync(join(folder, IMAGE), { recursive: true });
  for (const [file, text] of code.files) writeFileSync(join(folder, file), text);
  const { imports, imagePrograms } = code;
  const index: Index = { imports, imagePrograms };
  writeFileSync(join(folder, INDEX), JSON.stringify(index));
  for (const file of code.imageFiles) cpSync(file, join(folder, IMAGE, basename(file)));
}

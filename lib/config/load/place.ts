// Where in the file an option stands, for what is found wrong after the file was read.
import { readFileSync } from 'node:fs';
import { errorCode } from '../error-code.ts';
import { showPath } from '../rules/faults.ts';
import { parseText, type Path } from './yaml.ts';

/** `/srv/site/holdfast.yaml:5:3: sources.site`; without line and column where the file is there no more. */
export function placeOf(file: string, path: Path): string {
  try {
    const { line, column } = parseText(readFileSync(file, 'utf8')).positionOf(path, true);
    return `${file}:${line}:${column}: ${showPath(path)}`;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return `${file}: ${showPath(path)}`;
  }
}

// Variables are not replaced in the file: a path with one would name a folder that is literally called so.
import { quote } from './faults.ts';
import type { ConfigFinding } from './faults.ts';
import type { Path } from '../load/yaml.ts';

/** `${NAME}`, `$(command)`, `{{ name }}`, `%NAME%`: nobody calls a folder so. */
const ANYWHERE = /\$\{[^}]*\}|\$\([^)]*\)|\{\{.*?\}\}|%[A-Za-z_][A-Za-z0-9_]*%/;
/** `$HOME/site`. Further down, `$slug` is how some frameworks call routes. */
const AT_BEGINNING = /^(?:file:)?(\$[A-Za-z_][A-Za-z0-9_]*)/;

/** Text that a shell gets, which does replace them. */
const FOR_A_SHELL = 'afterRestore';
/** Options whose values are paths. */
const PATHS: readonly unknown[] = ['path', 'store', 'binaries'];

/** Finds variables in values, and a `~` that YAML takes for nothing. */
export function variableFindings(data: unknown, path: Path = []): ConfigFinding[] {
  const finding = typeof data === 'string' ? variableIn(data, path) : lostTilde(data, path);
  if (finding !== undefined) return [finding];
  if (typeof data !== 'object' || data === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(data)
    ? data.map((value: unknown, index) => [index, value])
    : Object.entries(data);
  return entries.flatMap(([key, value]) =>
    key === FOR_A_SHELL ? [] : variableFindings(value, [...path, key]),
  );
}

function variableIn(text: string, path: Path): ConfigFinding | undefined {
  const [variable = AT_BEGINNING.exec(text)?.[1]] = ANYWHERE.exec(text) ?? [];
  if (variable === undefined) return undefined;
  const message = `${quote(variable)} stays as it is: variables are not replaced in this file`;
  return { path, message, allowed: allowedFor(path) };
}

function allowedFor(path: Path): string {
  const option = path.at(-1);
  if (option === 'store')
    return 'the place itself; a store that differs from machine to machine is named by HOLDFAST_STORE or --store';
  if (PATHS.includes(option) || option === 'key')
    return 'the path itself: absolute, relative to this file, or from ~';
  return 'the value itself; where a reference is allowed, env:NAME names a variable';
}

function lostTilde(data: unknown, path: Path): ConfigFinding | undefined {
  if (data !== null || !PATHS.includes(path.at(-1))) return undefined;
  const message = 'got nothing; a ~ alone is nothing in YAML';
  return { path, message, allowed: 'a path; the home folder is "~/" in quotes' };
}

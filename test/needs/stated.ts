// What test files state that they need, themselves or by the modules that they use; found in their text, without running any of it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isNeedName, type NeedName } from './table.ts';

const STATEMENT = /\bneed\('([^']*)'\)/g;
// To start a program by its name states it as well.
const START = /\b(?:spawn|spawnSync|execFile|execFileSync|run)\(\s*'([^']*)'/g;
// Whatever names a file of ours, relative to this one, may use it: an import, or the program of a child.
const MODULE = /'(\.{0,2}\/?[\w./-]+\.ts)'/g;

/** The needs of one file, with those of all modules of tests that it reaches. Fails for a name that is not in the table. */
export function needsOf(file: string): ReadonlySet<NeedName> {
  const needs = new Set<NeedName>();
  for (const module of reachedFrom(file)) {
    for (const name of statedIn(module)) needs.add(name);
  }
  return needs;
}

/** What one file states itself. */
export function statedIn(file: string): NeedName[] {
  const text = readFileSync(file, 'utf8');
  const stated = [...text.matchAll(STATEMENT)].map(([, name = '']) => {
    if (isNeedName(name)) return name;
    throw new Error(`${file} needs "${name}", which test/needs/table.ts does not have`);
  });
  const started = [...text.matchAll(START)].map(([, name = '']) => name).filter(isNeedName);
  return [...stated, ...started];
}

/** The file itself, and the modules of tests that it uses, and those that they use. */
export function reachedFrom(file: string): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [file];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...usedBy(next));
  }
  return reached;
}

function usedBy(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(MODULE)]
    .map(([, name = '']) => join(dirname(file), name))
    .filter((path) => path.includes('/test/') && !path.includes('/test/needs/'))
    .filter((path) => existsSync(path));
}

// Which problems of a source its configuration has foreseen.
import type { Problem } from '../../errors.ts';
import { compileGlobs, parseGlob } from '../../format/globs.ts';

/** Problems, with those marked that the configuration tolerates. */
export function tolerate(problems: readonly Problem[], globs: readonly string[]): Problem[] {
  if (globs.length === 0) return [...problems];
  const matches = compileGlobs(globs.map((glob) => parseGlob(glob, 'any-depth')));
  return problems.map((problem) => {
    const name = problem.path.slice(problem.path.lastIndexOf('/') + 1);
    return matches(problem.path, name, false) ? { ...problem, tolerated: true } : problem;
  });
}

// Tools of other people that our archives are held against. Where one is not installed its tests are skipped and say so, but never
// in CI, which installs them all.
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from '@jest/globals';

/** `test`, or `test.skip` on a developer's machine without one of the tools. */
export function testWith(...tools: readonly string[]): typeof test | typeof test.skip {
  const wanted = process.env['CI'] !== undefined || tools.every(isInstalled);
  return wanted ? test : test.skip;
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v "$1"`, 'sh', tool], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// What `built-code.ts` gives, as it was built once before all tests: each test file would build it again, which takes seconds.
import { dirname } from 'node:path';
import type { Bundle, BundleFiles } from '../../lib/infra/core/functions/function-code.ts';
import { readCode } from '../../lib/infra/core/functions/shipped-code.ts';
import { PROGRAM } from './program.ts';

let read: ReturnType<typeof readCode> | undefined;

export function codeOf(bundle: Bundle): BundleFiles {
  read ??= readCode(dirname(PROGRAM));
  return new Map(Object.entries(read[bundle]));
}

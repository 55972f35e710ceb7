// What `built-code.ts` gives, as it was built once before all tests: each test file would build it again, which takes seconds.
import { dirname, join } from 'node:path';
import type { FunctionCode } from '../../lib/infra/core/functions/function-code.ts';
import { readCode, SHIPPED_FOLDER } from '../../lib/infra/core/functions/shipped-code.ts';
import { PROGRAM } from './program.ts';

let read: FunctionCode | undefined;

export function functionCode(): FunctionCode {
  read ??= readCode(join(dirname(PROGRAM), SHIPPED_FOLDER));
  return read;
}

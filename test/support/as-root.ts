// Tests that only root can do: with mounts, files of others, a root file system of their own.
import process from 'node:process';
import { test } from '@jest/globals';

/** `test` for root, and in CI, where such a test then fails for others. Elsewhere `test.skip`: the test command lists what it did not run. */
export const asRoot: typeof test | typeof test.skip =
  process.getuid?.() === 0 || process.env['CI'] !== undefined ? test : test.skip;

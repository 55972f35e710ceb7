// The benchmark is run by hand, and rarely: this shows that it still can be.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Scratch } from '../support/archives.ts';
import { PROGRAM } from '../support/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Measured {
  readonly trees: readonly {
    readonly samples: readonly { readonly tool: string; readonly operation: string }[];
    readonly failures: readonly unknown[];
  }[];
}

test('the benchmark performs every operation on a small tree', () => {
  using scratch = new Scratch();
  const json = scratch.at('measured.json');
  const which = ['--only', 'small', '--scale', '0.01', '--rounds', '1', '--tools', 'holdfast'];
  const options = [...which, '--work', scratch.path, '--json', json];
  execFileSync(process.execPath, ['bench/run.ts', ...options], {
    cwd: ROOT,
    env: { ...process.env, HOLDFAST_BENCH_PROGRAM: PROGRAM },
    stdio: 'pipe',
  });
  const [tree] = (JSON.parse(fs.readFileSync(json, 'utf8')) as Measured).trees;
  expect(tree?.failures).toEqual([]);
  expect(tree?.samples.map(({ operation }) => operation).sort()).toEqual(
    ['changed', 'checkout', 'digest', 'file', 'first', 'restore', 'unchanged', 'verify'].sort(),
  );
});

// The stacks of one system, for `cdk synth` and `cdk deploy`; `-c config=…` names its configuration.
import process from 'node:process';
import { loadForStack } from '../lib/config/load/for-stack.ts';
import { ERRORS, HoldfastError } from '../lib/errors.ts';
import { holdfastApp } from '../lib/infra/app.ts';
import { makeStacks } from '../lib/infra/stacks.ts';

try {
  const app = holdfastApp();
  const named: unknown = app.node.tryGetContext('config');
  makeStacks(app, loadForStack(typeof named === 'string' ? named : 'holdfast.yaml'));
  app.synth();
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`  hint: ${error.hint}\n`);
  process.exitCode = ERRORS[error.code].exit;
}

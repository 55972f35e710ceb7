// The stacks of one system, for `cdk synth` and `cdk deploy`; `-c config=…` names its configuration.
import process from 'node:process';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { homeFolder } from '../lib/config/load/home.ts';
import { loadConfig } from '../lib/config/load/load.ts';
import { ERRORS, HoldfastError } from '../lib/errors.ts';
import { HoldfastStack } from '../lib/infra/core/stack.ts';

try {
  // Synthesized below and not at the end of the process, which comes after a fault, too.
  const app = new App({ autoSynth: false });
  const now = new Date();
  const named: unknown = app.node.tryGetContext('config');
  const config = loadConfig({
    cwd: process.cwd(),
    home: homeFolder(),
    env: process.env,
    now,
    configPath: typeof named === 'string' ? named : 'holdfast.yaml',
  });
  new HoldfastStack(app, { config, now });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  process.stderr.write(`error: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`  hint: ${error.hint}\n`);
  process.exitCode = ERRORS[error.code].exit;
}

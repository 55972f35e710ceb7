// Apps of the CDK for tests. The folders that they write go when the test file ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { App } from 'aws-cdk-lib';

export interface AppOptions {
  /** The app's flags, as `cdk.json` has them. @default none */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Whether CloudFormation's own checks run, which take as long as all else. */
  readonly checked?: boolean;
  /** Whether what is deployed is copied beside the templates, which takes a quarter of the time. */
  readonly withAssets?: boolean;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function newApp({ context, checked = false, withAssets = false }: AppOptions = {}): App {
  const outdir = mkdtempSync(join(tmpdir(), 'holdfast-synth-'));
  folders.push(outdir);
  return new App({
    outdir,
    context: { ...context, 'aws:cdk:disable-asset-staging': !withAssets },
    treeMetadata: false,
    analyticsReporting: false,
    builtinCloudFormationValidation: checked,
  });
}

// The stacks of a configuration as files: templates, and the code of its functions.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findConfig } from '../../config/load/load.ts';
import { loadForStack, type ForStack } from '../../config/load/for-stack.ts';
import { HoldfastError } from '../../errors.ts';
import { placesOf, type CommonOptions } from '../session.ts';
import { needLibraries } from './cdk.ts';
import type { TemplateResource } from './changes.ts';

export interface SynthesizedStack {
  readonly stack: string;
  /** The file of its template. */
  readonly template: string;
}

export interface Synthesized {
  /** In the order in which they are deployed: that of the store first. */
  readonly stacks: readonly [SynthesizedStack, ...SynthesizedStack[]];
  /** The resources of all stacks, nested ones included. */
  readonly resources: readonly TemplateResource[];
  /** What the stack says of itself that is no warning; warnings are printed by what makes stacks. */
  readonly notes: readonly string[];
}

/**
 * The configuration that `options` name. `USAGE` where a store is named besides: the bucket of a stack is that of its file.
 *
 * `CONFIG_INVALID` as {@link loadForStack} throws it.
 */
export function configForStack(options: CommonOptions): ForStack {
  if (options.store !== undefined) {
    throw new HoldfastError('USAGE', '--store has no meaning for a stack', {
      hint: 'The bucket that a stack makes is the `store` of holdfast.yaml.',
    });
  }
  return loadForStack(findConfig(placesOf(options)));
}

/** Writes the stacks into `outdir`. `COMMAND_FAILED` where what makes stacks is not installed. */
export async function synthesize(forStack: ForStack, outdir: string): Promise<Synthesized> {
  needLibraries();
  const [{ holdfastApp, templateFiles }, { makeStacks }] = await Promise.all([
    import('../../infra/app.ts'),
    import('../../infra/stacks.ts'),
  ]);
  const app = holdfastApp(outdir);
  const [core, ...others] = makeStacks(app, forStack);
  const { stacks } = app.synth();
  const written = ({ stackName, templateFile }: typeof core | (typeof others)[number]) => ({
    stack: stackName,
    template: path.join(outdir, templateFile),
  });
  return {
    stacks: [written(core), ...others.map(written)],
    notes: stacks.flatMap(({ messages }) =>
      messages
        .filter(({ level }) => ['info'].includes(level))
        .flatMap(({ entry: { data } }) =>
          typeof data === 'string' ? [data.replace(ACKNOWLEDGED_BY, '')] : [],
        ),
    ),
    resources: templateFiles(app).flatMap((file) => resourcesIn(path.join(outdir, file))),
  };
}

/** By which the CDK tells one from another. */
const ACKNOWLEDGED_BY = / \[ack: [^\]]*\]$/;

function resourcesIn(template: string): TemplateResource[] {
  const { Resources } = JSON.parse(readFileSync(template, 'utf8')) as {
    Resources: Record<string, { Type: string }>;
  };
  return Object.entries(Resources).map(([id, { Type }]) => ({ id, type: Type }));
}

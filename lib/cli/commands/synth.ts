// `holdfast synth`: the stacks as files, to be read or checked first; AWS is not asked.
import path from 'node:path';
import process from 'node:process';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { counted } from '../output/units.ts';
import { nobodyTold } from '../stack/nobody-told.ts';
import { configForStack, synthesize } from '../stack/synthesized.ts';

interface Options {
  readonly output: string;
}

export async function run(_: string[], { options }: Invocation<Options>): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const output = path.resolve(process.cwd(), options.output);
  const forStack = configForStack(options);
  const { stacks, resources, notes } = await synthesize(forStack, output);
  const types = resources.map(({ type }) => type);
  const counts = [...new Set(types)]
    .sort()
    .map((type) => ({ type, count: types.filter((one) => one === type).length }));
  const [{ stack, template }] = stacks;
  const names = stacks.map((one) => terminal.paint('bold', one.stack)).join(', ');
  terminal.line(`${names}  ${counted(types.length, 'resource')}`);
  for (const one of stacks) terminal.line(`  ${one.template}`);
  for (const { type, count } of counts) terminal.line(`  ${String(count).padStart(4)}  ${type}`);
  for (const note of notes) terminal.line(note);
  for (const text of nobodyTold(forStack.config, new Date())) terminal.warn(text);
  terminal.document({
    ...{ command: 'synth', stack, folder: output, template },
    ...{ stacks, resources: counts, notes },
  });
  return 0;
}

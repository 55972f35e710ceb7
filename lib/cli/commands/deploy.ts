// `holdfast deploy`: shows what would change on AWS, refuses to lose what holds backups, and has the CDK deploy the rest.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { HoldfastError } from '../../errors.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { counted } from '../output/units.ts';
import { needProgram, runCdk, type CdkRun } from '../stack/cdk.ts';
import { changesIn, losses, type Change } from '../stack/changes.ts';
import { nobodyTold } from '../stack/nobody-told.ts';
import { configForStack, synthesize } from '../stack/synthesized.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly giveUp?: readonly string[];
}

export async function run(_: string[], { options, signal }: Invocation<Options>): Promise<number> {
  const { json = false, quiet = false, dryRun = false, yes = false, giveUp = [] } = options;
  const terminal = new Terminal({ json, quiet });
  if (!dryRun && !yes && (json || !process.stdin.isTTY)) throw noAnswer();
  const forStack = configForStack(options);
  const cwd = path.dirname(forStack.config.file);
  const program = needProgram(cwd);
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'holdfast-deploy-'));
  const cdk = (output: CdkRun['output'], ...args: string[]) =>
    runCdk({ program, args: [...args, '--app', scratch], cwd, output, signal });
  try {
    const { stacks, resources, notes } = await synthesize(forStack, scratch);
    for (const note of notes) terminal.note(note);
    for (const text of nobodyTold(forStack.config, new Date())) terminal.warn(text);
    const [{ stack }] = stacks;
    const names = stacks.map((one) => one.stack);
    const diff = await cdk('capture', 'diff', ...names);
    terminal.line(diff.trimEnd());
    const changes = changesIn(diff, resources);
    refuse(losses(changes), giveUp);
    if (dryRun) {
      terminal.line(`Nothing was deployed: ${counted(changes.length, 'resource')} would change.`);
      terminal.document({ command: 'deploy', dryRun, stack, stacks: names, changes });
      return 0;
    }
    const told = path.join(scratch, 'outputs.json');
    const approval = yes ? 'never' : 'broadening';
    await cdk(
      json ? 'aside' : 'show',
      ...['deploy', ...names, '--require-approval', approval, '--outputs-file', told],
    );
    const outputs = outputsIn(told);
    terminal.document({
      ...{ command: 'deploy', dryRun, stack, stacks: names, changes },
      outputs: outputs[stack],
      outputsByStack: outputs,
    });
    return 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function noAnswer(): HoldfastError {
  return new HoldfastError('USAGE', 'a deployment asks before it gives anybody more rights', {
    hint: 'Answer at a terminal and without --json, or say --yes. `holdfast deploy --dry-run` shows what would change.',
  });
}

/** Throws `DEPLOYMENT_REFUSED` unless everything that would be lost was named. */
function refuse(lost: readonly Change[], giveUp: readonly string[]): void {
  const kept = lost.filter(({ id }) => !giveUp.includes(id));
  if (kept.length === 0) return;
  const lines = kept.map(
    ({ change, type, id, impact }) =>
      `\n  ${id} (${type}): ${change === 'remove' ? `removed, ${impact || 'destroy'}` : impact}`,
  );
  throw new HoldfastError(
    'DEPLOYMENT_REFUSED',
    `this deployment would replace, delete or leave behind what backups depend on:${lines.join('')}`,
    {
      hint: `Nothing was deployed. Undo what causes it in holdfast.yaml, such as another name of the bucket. If it is meant: \`holdfast deploy --give-up ${kept.map(({ id }) => id).join(' ')}\`.`,
    },
  );
}

/** The outputs by stack; the CDK writes no file where a stack has none or did not change. */
function outputsIn(file: string): Record<string, Record<string, string>> {
  if (!existsSync(file)) return {};
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
}

// The command line of the CDK that is installed where Holdfast is, run on what was synthesized here.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { errorCode } from '../../config/error-code.ts';
import { HoldfastError } from '../../errors.ts';
import { startChild } from '../../processes/child.ts';

/** What a stack is made with, which an installation of the command line alone does not bring. */
const LIBRARIES = ['aws-cdk-lib', 'constructs'];
const PROGRAM = 'aws-cdk';

/**
 * Makes sure that stacks can be synthesized.
 *
 * `COMMAND_FAILED` with the command that installs what is missing.
 */
export function needLibraries(): void {
  const missing = LIBRARIES.filter((name) => packageFile(name, import.meta.url) === undefined);
  if (missing.length > 0) throw notInstalled(missing);
}

/**
 * The file of the CDK's command line: the one that is installed in `folder` or above it, or else beside Holdfast.
 *
 * `COMMAND_FAILED` with the command that installs what is missing.
 */
export function needProgram(folder: string): string {
  const file =
    packageFile(PROGRAM, path.join(folder, 'package.json')) ??
    packageFile(PROGRAM, import.meta.url);
  if (file === undefined) throw notInstalled([PROGRAM]);
  const { bin } = JSON.parse(readFileSync(file, 'utf8')) as { bin: { cdk: string } };
  return path.join(path.dirname(file), bin.cdk);
}

function packageFile(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`);
  } catch (error) {
    if (errorCode(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function notInstalled(missing: readonly string[]): HoldfastError {
  return new HoldfastError('COMMAND_FAILED', `not installed: ${missing.join(', ')}`, {
    hint: `Install what makes and deploys stacks: \`npm install --save-dev ${[PROGRAM, ...LIBRARIES].join(' ')}\`.`,
  });
}

export interface CdkRun {
  /** As {@link needProgram} returns it. */
  readonly program: string;
  readonly args: readonly string[];
  /** Where the CDK looks for cdk.json. */
  readonly cwd: string;
  /** `capture` returns what it prints; `show` lets it speak and ask; `aside` lets it speak on standard error. */
  readonly output: 'capture' | 'show' | 'aside';
  readonly signal: AbortSignal;
}

const STDIO: Readonly<Record<CdkRun['output'], StdioOptions>> = {
  capture: ['ignore', 'pipe', 'pipe'],
  show: 'inherit',
  aside: ['ignore', 2, 2],
};

/** What it printed, where that is captured. `COMMAND_FAILED` when it ends with anything but 0, `CANCELLED` when it was interrupted. */
export async function runCdk({ program, args, cwd, output, signal }: CdkRun): Promise<string> {
  const options = { cwd, env: process.env, stdio: STDIO[output] };
  const { child, ended } = startChild(
    { file: process.execPath, args: [program, ...args], options },
    signal,
    (one: ChildProcess) => one.kill('SIGINT'),
  );
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => said.push(chunk));
  }
  const { exitCode, signal: by, notStarted } = await ended;
  const text = Buffer.concat(said).toString();
  if (exitCode === 0) return text;
  if (signal.aborted) throw new HoldfastError('CANCELLED', `cdk ${args[0] ?? ''} was interrupted`);
  const how =
    exitCode === null ? (by ?? notStarted?.message ?? 'nothing') : `exit code ${exitCode}`;
  const details = text.trim() === '' ? '' : `:\n${text.trim()}`;
  throw new HoldfastError('COMMAND_FAILED', `cdk ${args[0] ?? ''} ended with ${how}${details}`, {
    hint: 'It needs credentials that may deploy (AWS_PROFILE), and an account and region prepared once by `npx cdk bootstrap aws://ACCOUNT/REGION`.',
  });
}

/** The cdk.json that is nearest above `folder`, up to the top of its repository; undefined where no app of the CDK is. */
export function appAround(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const file = path.join(at, 'cdk.json');
    if (existsSync(file)) return file;
    if (at === path.dirname(at) || existsSync(path.join(at, '.git'))) return undefined;
  }
}

/** Whether npm has installed Holdfast where `npx` finds it from `folder`. */
export function isInstalled(folder: string): boolean {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, 'node_modules/.bin/holdfast'))) return true;
    if (at === path.dirname(at)) return false;
  }
}

// The command line of the CDK, as a user runs it, against the AWS of a test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { ACCOUNT, type MiniStack } from './ministack.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What `npx cdk` runs. */
const PROGRAM = join(ROOT, 'node_modules', '.bin', 'cdk');

/** What a deployed stack tells, by the name of the output. */
export type Outputs = Readonly<Record<string, string>>;

export class Cdk {
  /** A folder for configurations, and for what the CDK writes; {@link Cdk.remove} removes it. */
  readonly folder: string;
  private readonly region: string;
  private readonly env: Record<string, string>;
  private runs = 0;

  constructor(aws: Pick<MiniStack, 'env' | 'region'>) {
    this.region = aws.region;
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-cdk-')));
    this.env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      ...aws.env,
    };
  }

  /** Prepares the account for deployments of any app. */
  async bootstrap(): Promise<void> {
    await this.run('bootstrap', `aws://${ACCOUNT}/${this.region}`);
  }

  /** The templates of `config` as files, by the name of the stack; the folder they are in goes with this. */
  async synth(config: string): Promise<string> {
    return this.run('synth', '--quiet', '--context', `config=${config}`);
  }

  /** The outputs of each stack, by its name. */
  async deploy(config: string): Promise<Readonly<Record<string, Outputs>>> {
    const told = join(this.folder, `outputs-${this.runs}.json`);
    await this.run(
      'deploy',
      ...['--all', '--require-approval', 'never', '--outputs-file', told],
      ...['--context', `config=${config}`],
    );
    return JSON.parse(readFileSync(told, 'utf8')) as Record<string, Outputs>;
  }

  async destroy(config: string): Promise<void> {
    await this.run('destroy', '--all', '--force', '--context', `config=${config}`);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The folder that the command left its output in; what it said is in the error when it fails. */
  private async run(command: string, ...args: readonly string[]): Promise<string> {
    const output = join(this.folder, `${command}-${this.runs++}`);
    const child = spawn(PROGRAM, [command, ...args, '--no-notices', '--output', output], {
      cwd: command === 'bootstrap' ? this.folder : ROOT,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => said.push(text.toString()));
    }
    const [exit] = (await once(child, 'close')) as [number | null];
    if (exit !== 0) throw new Error(`cdk ${command} ended with ${String(exit)}:\n${said.join('')}`);
    return output;
  }
}

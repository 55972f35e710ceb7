// Stacks as a team deploys them against the AWS of a test: by the packed file, in a folder outside the checkout, with the CDK beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Ended } from './command-line.ts';
import { ACCOUNT, type MiniStack } from './ministack.ts';
import { FOR_STACKS, install, pack } from './packed.ts';

/** What a deployed stack tells, by the name of the output. */
export type Outputs = Readonly<Record<string, string>>;

/** What `holdfast deploy --json` prints. */
export interface DeployDocument {
  readonly stack: string;
  readonly changes: readonly { change: string; type: string; id: string; impact: string }[];
  readonly outputs?: Outputs;
}

export class Cdk {
  /** A folder in which Holdfast is installed, and for what else a test writes; {@link Cdk.remove} removes it. */
  readonly folder: string;
  private readonly region: string;
  private readonly env: Record<string, string>;
  private installed: Promise<void> | undefined;

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
    const cdk = join(this.folder, 'node_modules/aws-cdk/bin/cdk');
    const place = `aws://${ACCOUNT}/${this.region}`;
    const args = ['bootstrap', place, '--no-notices', '--output', join(this.folder, 'bootstrap')];
    expectDone(await this.start(cdk, args));
  }

  /** The templates of `config` as files, by the name of the stack; the folder they are in goes with this. */
  async synth(config: string): Promise<string> {
    const output = mkdtempSync(join(this.folder, 'synth-'));
    expectDone(await this.holdfast('synth', '--output', output, '--config', config));
    return output;
  }

  /** What changed, and the outputs of the stack. */
  async deploy(config: string): Promise<DeployDocument> {
    const { stdout } = expectDone(
      await this.holdfast('deploy', '--yes', '--json', '--config', config),
    );
    return JSON.parse(stdout) as DeployDocument;
  }

  /** Destroys the stack of `config`, as people do it. */
  async destroy(config: string): Promise<void> {
    const cdk = join(this.folder, 'node_modules/aws-cdk/bin/cdk');
    const app = await this.synth(config);
    expectDone(
      await this.start(cdk, ['destroy', '--all', '--force', '--no-notices', '--app', app]),
    );
  }

  /** Runs the installed `holdfast`. */
  holdfast(...args: readonly string[]): Promise<Ended> {
    return this.start(join(this.folder, 'node_modules/holdfast/dist/holdfast.js'), args);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async start(program: string, args: readonly string[]): Promise<Ended> {
    this.installed ??= pack(this.folder).then((packed) => install(packed, this.folder, FOR_STACKS));
    await this.installed;
    const child = spawn(process.execPath, [program, ...args], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
    const [exit] = (await once(child, 'close')) as [number | null];
    return { exit, stdout, stderr };
  }
}

function expectDone(ended: Ended): Ended {
  const { exit, stdout, stderr } = ended;
  if (exit !== 0) throw new Error(`it ended with ${String(exit)}:\n${stdout}\n${stderr}`);
  return ended;
}

// A function of the database image as Lambda would run it, without a container engine: the image's own commands and environment, in the root
// file system that its install.sh has made, with the bundle that would be copied into it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { debian13 } from './debian13.ts';
import { DOCKERFILE } from './dockerfile.ts';

const ENTER = fileURLToPath(new URL('function-container.sh', import.meta.url));
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ContainerOptions {
  /** The folder that the image has as its code. */
  readonly code: string;
  /** Beyond what the image and the service set. */
  readonly env: Readonly<Record<string, string>>;
  /** As whom it runs: without a name and rights, or as root with those of a container. @default function */
  readonly as?: 'function' | 'task';
  /** Instead of the image's: entry point and command. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

export interface Container extends AsyncDisposable {
  /** What it has printed so far. */
  readonly said: () => string;
  /** Its exit code, once it ends. */
  readonly ended: Promise<number | null>;
}

/** Starts a container; its network is this machine's loopback. */
export function startContainer({
  code,
  env,
  as = 'function',
  entrypoint = DOCKERFILE.entrypoint,
  command = DOCKERFILE.command,
}: ContainerOptions): Container {
  const { root } = debian13();
  const at = mkdtempSync('/tmp/holdfast-container-');
  const environment = Object.entries({ PATH, ...DOCKERFILE.env, ...env });
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--'];
  const own = mkdtempSync('/tmp/holdfast-node-');
  const node = join(own, 'node');
  copyFileSync(process.execPath, node);
  chmodSync(node, DOCKERFILE.nodeMode);
  const places = [as, root, at, code, node, DOCKERFILE.workdir];
  const child = spawn(
    'unshare',
    [
      ...[...namespaces, 'sh', ENTER, ...places],
      ...environment.map(([name, value]) => `${name}=${value}`),
      ...[...entrypoint, ...command],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => said.push(chunk));
  }
  const ended = once(child, 'close').then(([status]) => {
    // What was mounted there went with its namespace.
    rmdirSync(at);
    rmSync(own, { recursive: true });
    return status as number | null;
  });
  return {
    said: () => Buffer.concat(said).toString(),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

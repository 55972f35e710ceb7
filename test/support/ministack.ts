// AWS on this machine: MiniStack as a process of its own on a free port of the loopback, with its state in a folder that goes with it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Clock } from './clock.ts';
import { need } from '../needs/need.ts';
import { machineTime } from './machine-time.ts';

const programs = need('ministack');

const LAUNCHER = fileURLToPath(new URL('local-aws/start.py', import.meta.url));
const READY_LIMIT_MS = 60_000;

export const ACCOUNT = '000000000000';

/** What clients of AWS are given; the credentials open nothing else. */
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' } as const;

export interface MiniStack {
  readonly endpoint: string;
  readonly region: string;
  /** For clients of the SDK: `new S3Client(aws.client)`. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: typeof CREDENTIALS;
    /** Requests are signed by the clock of this AWS, as it stood when the client was made. */
    readonly systemClockOffset: number;
  };
  /** For processes that are to see this AWS and no other. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes CloudFormation fail to make the resource with this id in its template; undefined for none. */
  readonly failAt: (logicalId: string | undefined) => void;
  /** All that it and its functions have printed until now. */
  readonly log: () => string;
  /** What its clock shows. */
  readonly now: () => Date;
  /** Sets its clock, and that of the functions that it runs, forward to `time`; they see it within two seconds. */
  readonly leapTo: (time: Date) => Promise<void>;
  /** Ends it and every function that it runs, and removes its state. */
  readonly stop: () => Promise<void>;
}

export interface MiniStackOptions {
  /** Of clients, and so of all that they make. @default us-east-1 */
  readonly region?: string;
  /** Whether the policies of roles, buckets and keys are enforced; the credentials of {@link CREDENTIALS} are the root's. @default false */
  readonly enforce?: boolean;
  /** What its clock shows when it starts; processes with `env` have the same clock, and `leapTo` works. @default this machine's clock */
  readonly startsAt?: Date;
}

/** A MiniStack that answers. */
export async function startMiniStack({
  region = 'us-east-1',
  enforce = false,
  startsAt,
}: MiniStackOptions = {}): Promise<MiniStack> {
  const state = mkdtempSync(join(tmpdir(), 'holdfast-ministack-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const logFile = join(state, 'log.txt');
  const failsFile = join(state, 'fails.txt');
  const clock = startsAt === undefined ? undefined : new Clock(state, startsAt);
  const output = openSync(logFile, 'a');
  const child = spawn(join(programs(), 'python'), ['-P', LAUNCHER], {
    // The first of its group, so that functions end with it.
    detached: true,
    stdio: ['pipe', output, output],
    env: {
      // Functions run by the same Node as the tests.
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: state,
      TMPDIR: state,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: '127.0.0.1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AUTH: String(enforce),
      HOLDFAST_FAILS: failsFile,
      ...clock?.env,
    },
  });
  closeSync(output);
  const log = () => readFileSync(logFile, 'utf8');
  const stop = async () => {
    await end(child);
    const kept = process.env['HOLDFAST_DEPLOY_LOG'];
    if (kept !== undefined && kept !== '') appendFileSync(kept, log());
    await rm(state, { recursive: true, force: true });
  };
  try {
    await untilReady(endpoint, child);
  } catch (error) {
    const said = log();
    await stop();
    throw new Error(`MiniStack did not start:\n${said}`, { cause: error });
  }
  return {
    endpoint,
    region,
    get client() {
      const systemClockOffset = clock?.offset ?? 0;
      return { endpoint, region, credentials: CREDENTIALS, systemClockOffset };
    },
    env: { ...environment(endpoint, region), ...clock?.env },
    failAt: (logicalId = '') => writeFileSync(failsFile, logicalId),
    log,
    now: () => clock?.now() ?? machineTime(),
    leapTo: async (time) => {
      if (clock === undefined) throw new Error('this clock does not leap: start with `startsAt`');
      await clock.leapTo(time);
    },
    stop,
  };
}

function environment(endpoint: string, region: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilReady(endpoint: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const answer = await fetch(`${endpoint}/_ministack/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`no answer in ${READY_LIMIT_MS / 1000} s`);
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const ended = child.exitCode === null ? once(child, 'exit') : undefined;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  await ended;
}

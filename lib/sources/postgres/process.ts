// Runs Postgres' own programs: with an environment of their own, and a success that only their exit decides.
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { HoldfastError, type ErrorCode } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';

/** As whom a program runs, and through which programs it is started to lose what it does not need. */
export interface Confinement {
  readonly prefix: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** True when it reaches no network. */
  readonly offline: boolean;
}

export interface ToolRun {
  /** An absolute path. */
  readonly file: string;
  readonly args: readonly string[];
  /** All that the program sees of an environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** How it is confined; it runs as this process does unless given. */
  readonly confinement?: Confinement | undefined;
  readonly signal: AbortSignal | undefined;
  /** Never to be seen in a message. */
  readonly secrets: readonly (string | undefined)[];
  /** What a failure is. */
  readonly failure: ErrorCode;
  /** What it does, for messages: `pg_dump of app@db:5432/app`. */
  readonly what: string;
}

/** A program that runs. */
export interface Tool {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /**
   * Resolves when the program has ended with code 0 and by no signal, and its output is closed; rejects otherwise. A stream that
   * ended says nothing: a program that was killed leaves one, too.
   */
  readonly ended: Promise<void>;
  /** What it said on standard error so far. */
  said(): string;
  kill(signal?: NodeJS.Signals): void;
}

const MAX_SAID_BYTES = 16 << 10;

/** Starts a program. Whoever starts it waits for `ended`, or kills it. */
export function startTool(run: ToolRun): Tool {
  const [file = run.file, ...args] = [...(run.confinement?.prefix ?? []), run.file, ...run.args];
  const child = spawn(file, args, {
    env: { LC_ALL: 'C', LANG: 'C', ...run.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(run.cwd !== undefined && { cwd: run.cwd }),
    ...run.confinement?.user,
  });
  const said: Buffer[] = [];
  let saidBytes = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    // What it said last tells why it ended.
    said.push(chunk);
    saidBytes += chunk.length;
    while (saidBytes > MAX_SAID_BYTES && said.length > 1) saidBytes -= said.shift()?.length ?? 0;
  });
  // A program that ends early closes its input; that it ended is what counts.
  child.stdin.on('error', () => undefined);
  const text = () => hide(Buffer.concat(said).toString('utf8'), run.secrets);
  const ended = endOf(child, run, text);
  // Awaited by whoever uses it; until then a rejection must not count as unhandled.
  ended.catch(() => undefined);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended,
    said: text,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}

/** All that a program prints, at most `maxBytes`. */
export async function outputOf(run: ToolRun, maxBytes = 16 << 20): Promise<Buffer> {
  const tool = startTool(run);
  tool.stdin.end();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of tool.stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      tool.kill();
      throw new HoldfastError(run.failure, `${run.what} printed more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  await tool.ended;
  return Buffer.concat(chunks);
}

function endOf(child: ChildProcess, run: ToolRun, said: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => child.kill('SIGKILL');
    run.signal?.addEventListener('abort', abort, { once: true });
    if (run.signal?.aborted === true) abort();
    child.on('error', (cause: NodeJS.ErrnoException) => {
      run.signal?.removeEventListener('abort', abort);
      reject(
        new HoldfastError(
          'COMMAND_FAILED',
          `${run.file} cannot be run: ${cause.code ?? 'an error'}`,
          {
            hint: 'Install PostgreSQL (apt-get install postgresql), or name the folder of its programs as `binaries` of the source.',
          },
        ),
      );
    });
    child.on('close', (code, signal) => {
      run.signal?.removeEventListener('abort', abort);
      if (code === 0 && signal === null) resolve();
      else reject(failure(run, { code, signal, said: said() }));
    });
  });
}

/** How a program ended, as the cause of an error. */
export class ToolEnd extends Error {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;

  constructor(code: number | null, signal: NodeJS.Signals | null) {
    super(signal === null ? `exit code ${code ?? 'none'}` : signal);
    this.code = code;
    this.signal = signal;
  }
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

function failure(run: ToolRun, { code, signal, said }: End): HoldfastError {
  if (run.signal?.aborted === true) {
    return new HoldfastError('CANCELLED', `${run.what} was interrupted`);
  }
  const how = signal === null ? `ended with exit code ${code ?? 'none'}` : `was ended by ${signal}`;
  const lines = said
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-6)
    .map((line) => displayText(line).slice(0, 500));
  const hint = hintFor(said, signal);
  return new HoldfastError(
    run.failure,
    `${run.what} ${how}${lines.length > 0 ? `: ${lines.join('; ')}` : ''}`,
    { cause: new ToolEnd(code, signal), ...(hint !== undefined && { hint }) },
  );
}

/** Postgres' programs tell their reasons in words alone; these are the words of the C locale. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /password authentication failed|no password supplied|no pg_hba\.conf entry|role ".*" does not exist|token.*expired/i,
    'The database refuses these credentials: look at user, password and host in the connection, and at what the server lets in.',
  ],
  [
    /aborting because of server version mismatch/,
    'The server is newer than pg_dump: install the client of its major version.',
  ],
  [
    /row-level security|row security/,
    'This role sees only some of the rows. Back up as the owner of the tables, or as a role with BYPASSRLS; --enable-row-security is never used, as it would leave rows out.',
  ],
  [
    /permission denied/,
    'The role may not read everything: GRANT pg_read_all_data TO it (PostgreSQL 14 or newer), or back up as the owner.',
  ],
  [
    /canceling statement due to lock timeout|lock timeout/,
    'Another session holds a lock, such as a migration under way. Run the backup again later, or raise `lockWaitTimeout`.',
  ],
  [
    /conflict with recovery/,
    'The replica cancelled the dump because of changes that it had to replay. Run it again, raise max_standby_streaming_delay there, or back up the primary.',
  ],
  [
    /could not connect|connection refused|could not translate host name|timeout expired|server closed the connection|terminating connection|connection .*(?:reset|failed|lost)|SSL SYSCALL|no route to host/i,
    'The connection could not be made, or broke. Run it again; if it stays so, look at host, port, network and the log of the server.',
  ],
  [/No space left on device/i, 'There is no room left where the server keeps its data.'],
];

function hintFor(said: string, signal: NodeJS.Signals | null): string | undefined {
  const known = HINTS.find(([pattern]) => pattern.test(said))?.[1];
  if (known !== undefined) return known;
  return signal === 'SIGKILL'
    ? 'Somebody killed it; the system does so when memory runs out.'
    : undefined;
}

function hide(text: string, secrets: readonly (string | undefined)[]): string {
  return secrets.reduce<string>(
    (shown, secret) =>
      secret === undefined || secret === '' ? shown : shown.replaceAll(secret, '[hidden]'),
    text,
  );
}

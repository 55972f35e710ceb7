// Runs Postgres' own programs: with an environment of their own, and a success that only their exit decides.
import type { ChildProcessByStdio } from 'node:child_process';
import fs from 'node:fs';
import type { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { HoldfastError, type ErrorCode } from '../../../errors.ts';
import { displayText } from '../../../format/paths.ts';
import { startChild, type Ending, type Running } from '../../../processes/child.ts';
import { hide } from './hide-password.ts';

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
  /** What a failure is; of a source that may answer the next time, `SOURCE_UNAVAILABLE` instead of `SOURCE_UNREADABLE`. */
  readonly failure: ErrorCode;
  /** What it does, for messages: `pg_dump of app@db:5432/app`. */
  readonly what: string;
  /** The signal that stops it when the run is interrupted. @default SIGKILL */
  readonly stop?: NodeJS.Signals;
  /** Where its standard output goes, closed here once the program has it. @default `Tool.stdout` */
  readonly output?: Socket | undefined;
  /** Whether it is given much on its standard input. */
  readonly givenMuch?: boolean;
  /** Only lines that begin so are taken from what it says: others quote rows and definitions. */
  readonly saysIn?: string;
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

/** Starts a program. The caller waits for `ended`, or kills it. */
export function startTool(run: ToolRun): Tool {
  const { child, ended: ending } = launch(run);
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
  const text = () => {
    const lines = Buffer.concat(said).toString('utf8').split('\n');
    const kept = lines.filter((line) => run.saysIn === undefined || line.startsWith(run.saysIn));
    return hide(kept.join('\n'), run.secrets, run.what);
  };
  const ended = ending.then((end) => assertSuccess(run, end, text));
  // The caller awaits it; until then a rejection must not count as unhandled.
  ended.catch(() => undefined);
  return {
    stdin: child.stdin,
    stdout: run.output === undefined ? child.stdout : Readable.from([]),
    ended,
    said: text,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  };
}

function launch(run: ToolRun): Running<ChildProcessByStdio<Writable, Readable, Readable>> {
  const prefix = [...atOnce(run), ...(run.confinement?.prefix ?? [])];
  const [file = run.file, ...args] = [...prefix, run.file, ...run.args];
  try {
    const options = {
      env: { LC_ALL: 'C', LANG: 'C', ...run.env },
      // Of the three, the second may be a socket; its stream is not touched then.
      stdio: ['pipe', run.output ?? 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'],
      ...(run.cwd !== undefined && { cwd: run.cwd }),
      ...run.confinement?.user,
    };
    return startChild({ file, args, options }, run.signal, (child) =>
      child.kill(run.stop ?? 'SIGKILL'),
    );
  } finally {
    // Also when nothing could be started: a reader must see the end.
    run.output?.destroy();
  }
}

/** Of GNU's coreutils. */
const STDBUF = '/usr/bin/stdbuf';

/** Has a program read or write much at once, where `stdbuf` is: by itself it takes 4 KiB, and each time wakes the other side. */
function atOnce({ output, givenMuch }: ToolRun): string[] {
  const options = [
    ...(output === undefined ? [] : ['--output=262144']),
    ...(givenMuch === true ? ['--input=262144'] : []),
  ];
  return options.length > 0 && fs.existsSync(STDBUF) ? [STDBUF, ...options] : [];
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

function assertSuccess(
  run: ToolRun,
  { exitCode: code, signal, notStarted }: Ending,
  said: () => string,
): void {
  if (notStarted !== undefined) {
    throw new HoldfastError(
      'COMMAND_FAILED',
      `${run.file} cannot be run: ${notStarted.code ?? 'an error'}`,
      {
        hint: 'Install PostgreSQL (apt-get install postgresql), or name the folder of its programs as `binaries` of the source.',
      },
    );
  }
  if (code !== 0 || signal !== null) throw failure(run, { code, signal, said: said() });
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
    .map((line) => displayText(line.trim().replaceAll('\t', ' ')).slice(0, 500));
  const known = REASONS.find(({ words }) => words.test(said));
  const hint = hintOf(known, `${run.what} ${said}`) ?? (signal === 'SIGKILL' ? KILLED : undefined);
  return new HoldfastError(
    known?.instead?.[0] === run.failure ? known.instead[1] : run.failure,
    `${run.what} ${how}${lines.length > 0 ? `: ${lines.join('; ')}` : ''}`,
    { cause: new ToolEnd(code, signal), ...(hint !== undefined && { hint }) },
  );
}

function hintOf(known: Reason | undefined, text: string): string | undefined {
  const more = ON_RDS.test(text) ? known?.onRds : undefined;
  return more === undefined ? known?.hint : `${known?.hint ?? ''} ${more}`;
}

/** Names of hosts, and what only a server that takes tokens says. */
const ON_RDS = /\.rds\.amazonaws\.com|PAM authentication|token/i;

const KILLED = 'Somebody killed it; the system does so when memory runs out.';

interface Reason {
  readonly words: RegExp;
  readonly hint: string;
  /** What else may help where the server is one of RDS. */
  readonly onRds?: string;
  /** What a failure is because of it, instead of something more general. */
  readonly instead?: readonly [ErrorCode, ErrorCode];
}

/** The same run may succeed later without anything being changed. */
const PASSING = ['SOURCE_UNREADABLE', 'SOURCE_UNAVAILABLE'] as const;

/** Postgres' programs tell their reasons in words alone; these are the words of the C locale. The first that fits counts. */
const REASONS: readonly Reason[] = [
  {
    words:
      /(?:password|PAM|LDAP|RADIUS|GSSAPI|SSPI|certificate|peer|ident) authentication failed|no password supplied|no pg_hba\.conf entry|role ".*" does not exist|token.*expired/i,
    hint: 'The database refuses these credentials: look at user, password and host in the connection, and at what the server lets in (pg_hba.conf). In a URL, a password has `%40` for @, `%23` for #, `%2F` for /, `%20` for a space and `%25` for %.',
    onRds:
      'With tokens of IAM: the role of PostgreSQL needs `GRANT rds_iam`, and the credentials here `rds-db:connect` for it; a token that somebody put into a URL lasts 15 minutes.',
  },
  {
    words: /certificate verify failed|SSL error|root certificate file|server does not support SSL/i,
    hint: 'The connection could not be encrypted as it is asked for: look at `sslmode` and `sslrootcert` in it, and at the certificate of the server and its date. Holdfast brings the certificates of RDS; those of its newest regions it lacks (docs/databases-on-aws.md).',
  },
  {
    words: /aborting because of server version mismatch/,
    hint: 'The server is newer than pg_dump: install the client of its major version.',
  },
  {
    words: /row-level security|row security/,
    hint: 'This role sees only some of the rows. Back up as the owner of the tables, or as a role with BYPASSRLS; --enable-row-security is never used, as it would leave rows out.',
  },
  {
    words: /permission denied for large object/,
    hint: 'Large objects are read by their owner, by who was granted SELECT ON LARGE OBJECT, or by a superuser; pg_read_all_data does not cover them.',
  },
  {
    words: /permission denied/,
    hint: 'The role may not read everything: GRANT pg_read_all_data TO it (PostgreSQL 14 or newer), or back up as the owner.',
  },
  {
    words: /lock timeout|could not obtain lock/,
    hint: 'Another session holds a lock, such as a migration under way. Run the backup again later, or raise `lockWaitTimeout`.',
    instead: PASSING,
  },
  {
    words: /conflict with recovery/,
    hint: 'The replica cancelled the dump because of changes that it had to replay. Run it again, raise max_standby_streaming_delay there, or back up the primary.',
    instead: PASSING,
  },
  {
    words: /transaction blocks not allowed in statement pooling mode/,
    hint: 'The connection leads to a pooler that hands each statement to another session: connect to the server itself, or by a pool in session mode.',
  },
  {
    words: /unsupported startup parameter/,
    hint: 'The pooler refuses a parameter of the connection: leave `options` out of it, or name the parameter in `ignore_startup_parameters` of pgbouncer.',
  },
  {
    words: /query_wait_timeout/,
    hint: 'The pooler had no session left: raise `pool_size` there. A backup needs two at a time, one by N jobs N + 2.',
    instead: PASSING,
  },
  {
    words: /too many connections for/,
    hint: 'The role or the database may not have so many connections: raise its CONNECTION LIMIT, or lower `jobs` of the source; a dump with N jobs takes N + 2.',
  },
  {
    words: /FATAL: {2}database ".*" does not exist/,
    hint: 'The server has no such database: look at the last part of the URL.',
  },
  {
    words:
      /could not connect|connection refused|could not translate host name|timeout expired|server closed the connection|terminating connection|connection .*(?:reset|lost|timed out)|could not (?:receive data from|send data to) server|no connection to the server|SSL SYSCALL|no route to host|network is unreachable|the database system is (?:starting up|shutting down|in recovery)|too many clients|remaining connection slots/i,
    hint: 'The connection could not be made, or broke. Run it again; if it stays so, look at host, port, network and the log of the server.',
    instead: PASSING,
  },
  {
    words: /No space left on device/i,
    hint: 'There is no room left where the server keeps its data.',
    instead: ['COMMAND_FAILED', 'NO_SPACE'],
  },
];
